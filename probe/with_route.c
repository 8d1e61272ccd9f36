#include "probe/with_route.h"

#include <string.h>

#include "base/json.h"
#include "engine/engine.h"
#include "engine/hook.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/route.h"

enum sor_err with_route_read(const struct engine *e, const char *params,
                             struct route **out, struct sor_msg *msg)
{
    char *text = NULL;
    cJSON *root = NULL;
    enum sor_err err = json_parse(params, strlen(params), "the run's params",
                                  &root, msg);
    const cJSON *route;

    *out = NULL;
    if (err)
        return err;
    route = cJSON_GetObjectItemCaseSensitive(root, "route");
    if (route && !(text = cJSON_PrintUnformatted(route)))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (text)
        err = route_parse(text, "the run's params, \"route\"",
                          engine_hparams(e), out, msg);
    cJSON_free(text);
    cJSON_Delete(root);
    return err;
}

enum sor_err with_route_restore(struct engine *e, const char *params,
                                struct sor_msg *msg)
{
    struct route *r;
    enum sor_err err = with_route_read(e, params, &r, msg);

    return err || !r ? err : engine_give_route(e, r, msg);
}

void with_route_modes(const struct record *r, uint8_t *mode)
{
    for (int i = 0; i < r->n; i++) {
        int was = r->row[i].mode;

        mode[r->from + i] = (uint8_t)(was >= 0 && was < HOOK_FULL ? was
                                                                  : HOOK_FULL);
    }
}

void with_route_unit(const struct engine *e, struct db_work_unit *out)
{
    const struct model_hparams *hp = engine_hparams(e);
    const struct engine_info *info = engine_info(e);
    int kv = kern_kv_parse(info->kv_type);
    struct route_work block = route_work(hp, kv, 1, 0);
    struct route_work hull = route_work(hp, kv, 0, 1);
    double heads = hp->n_head * hp->head_dim;
    double groups = hp->n_head_kv * hp->head_dim;

    *out = (struct db_work_unit){
        .block_macs = block.macs, .block_bytes = block.bytes,
        .compare_macs = hull.macs, .compare_bytes = hull.bytes,
        .layer_macs = hp->n_embd * (2.0 * heads + 2.0 * groups +
                                    3.0 * hp->n_ff),
        .head_macs = (double)hp->n_vocab * hp->n_embd,
        .weight_bytes = (double)info->weight_bytes };
}
