#include "probe/with_exit.h"

#include <string.h>

#include "base/json.h"
#include "engine/engine.h"
#include "engine/hparams.h"

enum sor_err with_exit(const struct engine *e, double sure,
                       struct exit_rule *out, struct str *json,
                       struct sor_msg *msg)
{
    int n_layer = (int)engine_hparams(e)->n_layer;
    enum sor_err err = exit_rule_init(out, n_layer, (float)sure, msg);

    if (!err)
        str_printf(json, "%.9g", (double)out->sure);
    return err;
}

enum sor_err with_exit_restore(const struct engine *e, const char *params,
                               struct exit_rule *out, int *has,
                               struct sor_msg *msg)
{
    int n_layer = (int)engine_hparams(e)->n_layer;
    cJSON *root = NULL;
    enum sor_err err = json_parse(params, strlen(params), "the run's params",
                                  &root, msg);
    const cJSON *sure;

    *has = 0;
    if (err)
        return err;
    sure = cJSON_GetObjectItemCaseSensitive(root, "exit");
    if (sure && !cJSON_IsNumber(sure))
        err = sor_fail(msg, SOR_FORMAT, "the run's params: \"exit\" is no "
                       "number");
    else if (sure)
        err = exit_rule_init(out, n_layer, (float)sure->valuedouble, msg);
    *has = sure && !err;
    cJSON_Delete(root);
    return err;
}
