#include "cli/audit.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/progress.h"
#include "probe/audit.h"

static void say(const struct audit_report *r, FILE *to)
{
    if (r->n_routed == 0) {
        fputs("audit: no token left anything out\n", to);
        return;
    }
    fprintf(to, "audit: %" PRId64 " of %" PRId64 " tokens that left something "
            "out computed again in full", r->n_audited, r->n_routed);
    if (r->n_known)
        fprintf(to, ", %" PRId64 " were before", r->n_known);
    if (r->n_audited)
        fprintf(to, "\n       price, mean KL in nats: %.5f alone in full, "
                "%.5f all in full; the likeliest token is the same in %.1f "
                "and %.1f %%", r->kl_local, r->kl_total, 100 * r->same_local,
                100 * r->same_total);
    fputs("\n", to);
}

/* {"audit":{"routed","known","audited","kl_local","kl_total","same_local",
 * "same_total","exact"}}: null where nothing was priced. */
static void say_json(const struct audit_report *r, FILE *to)
{
    const struct { const char *key; double v; } number[] = {
        { "kl_local", r->kl_local }, { "kl_total", r->kl_total },
        { "same_local", r->same_local }, { "same_total", r->same_total },
    };
    struct str out;
    struct json j;

    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    json_key(&j, "audit");
    json_obj(&j);
    json_key(&j, "routed");
    json_int(&j, r->n_routed);
    json_key(&j, "known");
    json_int(&j, r->n_known);
    json_key(&j, "audited");
    json_int(&j, r->n_audited);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        json_key(&j, number[i].key);
        json_num(&j, number[i].v);
    }
    json_key(&j, "exact");
    json_bool(&j, r->exact);
    json_end_obj(&j);
    json_end_obj(&j);
    fprintf(to, "%s\n", out.p);
    str_release(&out);
}

enum sor_err audit(struct cli *cli, struct db *d, const struct db_run *run,
                   struct engine *e, double rate, FILE *to)
{
    struct progress bar;
    struct audit_opts o = { .rate = rate, .cancelled = progress_stopped,
                            .progress = progress_advance, .ud = &bar };
    struct audit_report r;
    enum sor_err err;

    progress_begin(&bar, cli, "auditing", "tokens", 0);
    err = audit_run(d, cli_db(cli), run, e, &o, &r, &cli->msg);
    progress_end(&bar);
    if (err)
        return err;
    (cli->json ? say_json : say)(&r, to);
    if (!r.exact)
        log_warn("the run was recorded on %s and audited on another "
                 "instruction set: its prices include that difference",
                 run->isa);
    return SOR_OK;
}
