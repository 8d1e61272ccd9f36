#include "tui/price.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tui/fmt.h"
#include "tui/reply.h"
#include "tui/view.h"

/* ---- a token -------------------------------------------------------------- */

enum { KL_LOCAL, KL_TOTAL, RANK, RANK_LOCAL, RANK_TOTAL, SAME_LOCAL,
       SAME_TOTAL, ATTN, ALL };

/* One way of being in full: its KL, and what became of the token after it. */
static void one_price(const struct reply *r, const char *key, const char *how,
                      int side, struct doc *d)
{
    doc_fact(d, key, "%s: KL %.4f nats; what came is rank %" PRId64 ", in "
             "full %" PRId64 "%s", how, reply_num(r, 0, KL_LOCAL + side),
             reply_int(r, 0, RANK), reply_int(r, 0, RANK_LOCAL + side),
             reply_int(r, 0, SAME_LOCAL + side) ? ""
                                                : "; another is likeliest");
}

void price_say(struct tui *t, struct db_addr at, struct doc *d)
{
    struct db_window w = { at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(t), at.path_id, w);
    struct reply r = { 0 };
    struct sor_msg msg;
    struct db_token in;
    int mode = -1;

    if (db_token_next(c, &in) == 1 && in.pos == at.pos)
        mode = in.mode;
    tui_end(t, c);
    if (mode < 0 || mode > 1) {
        doc_fact(d, "price", mode < 0 ? "none: it never went in"
                                      : "none: it was computed in full");
        return;
    }
    if (!reply_ask(&r, t, 1, &msg, "SELECT kl_local, kl_total, rank, "
                   "rank_local, rank_total, same_local, same_total, "
                   "attn_saved, total_saved FROM v_route_price WHERE path_id "
                   "= %lld AND pos = %d", (long long)at.path_id, at.pos) &&
        r.n == 1) {
        one_price(&r, "price", "alone in full", 0, d);
        one_price(&r, "", "all in full", 1, d);
        doc_fact(d, "saved", "%.1f %% of its attention, %.1f %% of all its "
                 "multiplications", 100 * reply_num(&r, 0, ATTN),
                 100 * reply_num(&r, 0, ALL));
    } else {
        doc_fact(d, "price", "not audited (replay RUN --audit RATE)");
    }
    reply_release(&r);
}

/* ---- a run ---------------------------------------------------------------- */

static void shares(struct tui *t, const struct db_run *run, struct doc *d)
{
    struct reply r = { 0 };
    struct sor_msg msg;

    if (!reply_ask(&r, t, 1, &msg, "SELECT 100.0 * avg(k.mode = 0), 100.0 * "
                   "avg(k.mode = 1), 100.0 * avg(k.mode = 2) FROM path p JOIN "
                   "token k ON k.path_id = p.id WHERE p.run_id = %lld AND "
                   "k.mode IS NOT NULL", (long long)run->id) &&
        r.n == 1 && !reply_null(&r, 0, 0))
        doc_fact(d, "tokens", "%.1f %% sparse, %.1f %% hybrid, %.1f %% full",
                 reply_num(&r, 0, 0), reply_num(&r, 0, 1),
                 reply_num(&r, 0, 2));
    else
        doc_fact(d, "tokens", "modes were not recorded");
    reply_release(&r);
}

/* Attention and all beside each other: the one is more than the other. */
static void saved(struct tui *t, const struct db_run *run, struct doc *d)
{
    struct reply r = { 0 };
    struct sor_msg msg;

    reply_ask(&r, t, 2, &msg, "SELECT phase, 100 * attn_macs_saved, 100 * "
              "total_macs_saved FROM v_work WHERE run_id = %lld ORDER BY "
              "phase DESC", (long long)run->id);
    for (int i = 0; i < r.n; i++)
        doc_fact(d, i ? "" : "work saved", "%s: %.1f %% of attention, %.1f %% "
                 "of all multiplications", reply_text(&r, i, 0),
                 reply_num(&r, i, 1), reply_num(&r, i, 2));
    if (r.n == 0)
        doc_fact(d, "work saved", "not counted: no path has ended, or an "
                 "older program recorded it");
    reply_release(&r);
}

static void prices(struct tui *t, const struct db_run *run, struct doc *d)
{
    struct reply r = { 0 };
    struct sor_msg msg;

    if (!reply_ask(&r, t, 1, &msg, "SELECT n, n_routed, kl_local, kl_total, "
                   "100 * same_local, 100 * same_total, exact FROM v_audit "
                   "WHERE run_id = %lld", (long long)run->id) && r.n == 1) {
        doc_fact(d, "price", "audited: %" PRId64 " of %" PRId64 " tokens that "
                 "left something out%s", reply_int(&r, 0, 0),
                 reply_int(&r, 0, 1), reply_int(&r, 0, 6) ? ""
                 : "; on another instruction set");
        if (!reply_null(&r, 0, 2)) {
            doc_fact(d, "", "each alone in full: mean KL %.4f nats, likeliest "
                     "token the same in %.1f %%", reply_num(&r, 0, 2),
                     reply_num(&r, 0, 4));
            doc_fact(d, "", "all in full: mean KL %.4f nats, the same in "
                     "%.1f %%", reply_num(&r, 0, 3), reply_num(&r, 0, 5));
        }
    } else {
        doc_fact(d, "price", "not audited (replay RUN --audit RATE)");
    }
    reply_release(&r);
}

void price_run(struct tui *t, const struct db_run *run, struct doc *d)
{
    if (strcmp(run->route, "off") == 0)
        return;
    doc_head(d, "Routing");
    shares(t, run, d);
    saved(t, run, d);
    prices(t, run, d);
}
