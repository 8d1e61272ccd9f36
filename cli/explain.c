#include "cli/explain.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"
#include "engine/hook.h"

enum { SHOWN = 3, WORDS = 48 };        /* of a mode; cells of a block's text */

static const char *const modes[] = { "sparse", "hybrid", "full" };
enum { MODES = sizeof modes / sizeof *modes };

static int mode_of(const struct db_route *k)
{
    int m = 0;

    while (m < MODES - 1 && strcmp(modes[m], k->mode) != 0)
        m++;
    return m;
}

static void print_words(struct db *d, int64_t path_id, int pos, FILE *to)
{
    struct db_window w = { .from = pos, .limit = HOOK_BLOCK };
    struct db_cur *c = db_tokens(d, path_id, w);
    struct db_token t;
    struct str text;
    char safe[4 * WORDS];

    str_init(&text);
    while (db_token_next(c, &t) > 0)
        if (t.text.p)
            str_put(&text, t.text.p, t.text.n);
    db_cur_close(c);
    if (text.len > WORDS)
        text.len = WORDS - utf8_tail(text.p, WORDS);
    text_safe_fit(safe, sizeof safe, text.p ? text.p : "", text.len, 0);
    fprintf(to, "  \"%s\"\n", safe);
    str_release(&text);
}

static void print_one(const struct db_route *k, FILE *to)
{
    static const char *const part[DB_ROUTE_PARTS] = {
        "entropy", "trend", "novelty", "structure", "escalated" };
    int n = 0;

    fprintf(to, "  %-6s at %5d, by %-6s  score %.2f against %.2f and %.2f "
            "(", k->mode, k->pos, k->reason, k->score, k->low, k->high);
    for (int i = 0; i < DB_ROUTE_PARTS; i++)
        if (!isnan(k->part[i]))
            fprintf(to, "%s%s %.2f", n++ ? ", " : "", part[i], k->part[i]);
    fputs(n ? ")" : "nothing known yet)", to);
}

/* The decisions of one path; two passes, the first to count. */
static enum sor_err explain_path(struct db *d, const struct db_path *path,
                                 FILE *to, struct sor_msg *msg)
{
    int n[MODES] = { 0 }, shown[MODES] = { 0 }, escalated = 0;
    struct db_cur *c = db_routes(d, path->id);
    struct db_route k;
    enum sor_err err;

    while (db_route_next(c, &k) > 0) {
        int guard = strcmp(k.reason, "guard") == 0;

        escalated += guard;
        n[mode_of(&k)] += !guard;
    }
    if ((err = db_cur_close(c)))
        return sor_fail(msg, err, "the routing of path %d cannot be read",
                        path->ordinal);
    fprintf(to, "path %d: blocks %d sparse, %d hybrid, %d full; %d token%s "
            "computed again in full\n", path->ordinal, n[0], n[1], n[2],
            escalated, escalated == 1 ? "" : "s");
    c = db_routes(d, path->id);
    while (db_route_next(c, &k) > 0)
        if (shown[mode_of(&k)]++ < SHOWN) {
            print_one(&k, to);
            print_words(d, path->id, k.pos, to);
        }
    db_cur_close(c);
    return SOR_OK;
}

enum sor_err explain_routing(struct db *d, int64_t run_id, FILE *to,
                             struct sor_msg *msg)
{
    struct db_cur *c = db_paths(d, run_id);
    struct db_path path;
    enum sor_err err = SOR_OK, damaged;

    while (!err && db_path_next(c, &path) > 0)
        err = explain_path(d, &path, to, msg);
    damaged = db_cur_close(c);
    return err || !damaged ? err : sor_fail(msg, damaged, "the paths of the "
                                            "run cannot be read");
}
