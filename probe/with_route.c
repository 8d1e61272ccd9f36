#include "probe/with_route.h"

#include <string.h>

#include "base/json.h"
#include "engine/engine.h"
#include "engine/hook.h"
#include "engine/route.h"

enum sor_err with_route_restore(struct engine *e, const char *params,
                                struct sor_msg *msg)
{
    struct route *r = NULL;
    char *text = NULL;
    cJSON *root = NULL;
    enum sor_err err = json_parse(params, strlen(params), "the run's params",
                                  &root, msg);
    const cJSON *route;

    if (err)
        return err;
    route = cJSON_GetObjectItemCaseSensitive(root, "route");
    if (route && !(text = cJSON_PrintUnformatted(route)))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (text)
        err = route_parse(text, "the run's params, \"route\"",
                          engine_hparams(e), &r, msg);
    if (r)
        err = engine_give_route(e, r, msg);
    cJSON_free(text);
    cJSON_Delete(root);
    return err;
}

void with_route_modes(const struct record *r, uint8_t *mode)
{
    for (int i = 0; i < r->n; i++) {
        int was = r->row[i].mode;

        mode[r->from + i] = (uint8_t)(was >= 0 && was < HOOK_FULL ? was
                                                                  : HOOK_FULL);
    }
}
