#include "probe/with_blas.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "engine/engine.h"

enum sor_err with_blas(struct engine *e, int n_prompt, struct str *json,
                       struct sor_msg *msg)
{
    enum sor_err err = engine_blas(e, n_prompt, msg);

    if (!err)
        str_printf(json, "%d", n_prompt);
    return err;
}

enum sor_err with_blas_restore(struct engine *e, const char *params,
                               struct sor_msg *msg)
{
    cJSON *root = NULL;
    enum sor_err err = json_parse(params, strlen(params), "the run's params",
                                  &root, msg);
    const cJSON *n;

    if (err)
        return err;
    n = cJSON_GetObjectItemCaseSensitive(root, "blas");
    if (n && !(cJSON_IsNumber(n) && n->valuedouble >= 0 &&
               n->valuedouble <= INT_MAX))
        err = sor_fail(msg, SOR_FORMAT, "the run's params: \"blas\" is no "
                       "number of tokens");
    else if (n)
        engine_blas(e, n->valueint, NULL);      /* isa says how it went */
    cJSON_Delete(root);
    return err;
}
