#include "tui/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/fmt.h"
#include "tui/price.h"
#include "tui/reviewed.h"
#include "tui/split.h"
#include "tui/view.h"

enum { PROMPT_BYTES = 4000, VOTES_SHOWN = 12, BAR_COLUMNS = 24 };

static void question(const struct db_run *r, struct doc *d)
{
    size_t n = r->prompt ? strlen(r->prompt) : 0;

    doc_head(d, "Question");
    if (!r->prompt)
        doc_say(d, 0, ROLE_FAINT, "Forgotten: its digest is kept, its text "
                "is not.");
    else
        doc_text(d, 0, ROLE_STRONG, r->prompt,
                 n > PROMPT_BYTES ? PROMPT_BYTES : n);
    if (n > PROMPT_BYTES)
        doc_say(d, 0, ROLE_DIM, "(cut here; the tokens have all of it)");
}

/* One answer: its words, a bar of its share, and who gave it. */
static void vote(const struct db_vote *v, int leads, struct doc *d)
{
    struct pen p = doc_line(d, 0, leads ? ROLE_STRONG : ROLE_TEXT);
    int end = p.end, bar = pen_room(&p) / 3, answer = pen_room(&p) / 4;

    p.end = p.col + answer;
    if (v->answer)
        pen_line(&p, v->answer, strlen(v->answer));
    else
        pen_str(&p, "(forgotten)");
    p.end = end;
    pen_to(&p, answer + 1);
    p.style = leads ? ROLE_BAR : ROLE_DIM;
    pen_bar(&p, v->share, bar < BAR_COLUMNS ? bar : BAR_COLUMNS);
    p.style = ROLE_TEXT;
    pen_fmt(&p, " %3.0f %%", v->share * 100);
    p.style = ROLE_DIM;
    pen_fmt(&p, "  %d path%s", v->votes, v->votes == 1 ? "" : "s");
    if (v->paths && pen_room(&p) > 8) {
        pen_str(&p, ": ");
        pen_line(&p, v->paths, strlen(v->paths));
    }
}

static void votes(struct db *db, const struct db_run *r, struct doc *d)
{
    struct db_cur *c = db_votes(db, r->id);
    struct db_vote v;
    int n = 0;

    doc_head(d, "Answers");
    for (; db_vote_next(c, &v) == 1; n++) {
        if (n == VOTES_SHOWN) {
            doc_say(d, 0, ROLE_DIM, "and more; the paths have them all");
            break;
        }
        vote(&v, n == 0, d);
        doc_goes(d, &view_paths, addr_run(r->id));
    }
    db_cur_close(c);
    if (n == 0) {
        doc_say(d, 0, ROLE_DIM, "No path has stated an answer.");
        doc_goes(d, &view_paths, addr_run(r->id));
    }
}

/* Votes are no evidence of truth, so what is known of that stands by them. */
static void accuracy(const struct tui *t, struct db *db,
                     const struct db_run *r, struct doc *d)
{
    static const uint8_t none[32];
    struct db_model m;
    int known = r->model_id && db_get_model(db, r->model_id, &m) == 1;

    doc_gap(d);
    doc_say(d, 0, ROLE_WARN, tui_accuracy(t, known ? m.sha256 : none,
                                          r->prompt));
}

static void state(const struct tui *t, const struct db_run *r, struct doc *d)
{
    if (!r->status)
        doc_fact(d, "state", "%s: %d of %d paths ended", tui_recorder(t)
                 ? "being recorded, if not cut off before" : "cut off",
                 r->n_path_done, r->n_path);
    else if (r->reason)
        doc_fact(d, "state", "%s: %s", r->status, r->reason);
    else
        doc_fact(d, "state", "%s", r->status);
    if (r->n_lost) {
        doc_fact(d, "lost", "%lld events were not recorded",
                 (long long)r->n_lost);
        doc_goes(d, &view_losses, addr_run(r->id));
    }
}

/* A review reads its passages as it goes: no prompt, and nothing is written. */
static void time_taken(const struct db_run *r, int is_review, struct doc *d)
{
    char a[40], b[40];

    if (!r->status)
        return;
    fmt_time(a, sizeof a, r->wall_ns);
    if (is_review) {
        doc_fact(d, "time", "%s", a);
        return;
    }
    fmt_time(b, sizeof b, r->prefill_ns);
    doc_fact(d, "time", "%s, of it %s for the prompt", a, b);
    fmt_count(a, sizeof a, r->n_token);
    doc_fact(d, "tokens", "%s recorded, %d of them the prompt", a,
             r->n_prompt);
    if (r->wall_ns > r->prefill_ns && r->n_token > r->n_prompt)
        doc_fact(d, "speed", "%.1f tokens a second, all paths together",
                 (double)(r->n_token - r->n_prompt) * 1e9 /
                     (double)(r->wall_ns - r->prefill_ns));
}

static void model(struct db *db, const struct db_run *r, int is_review,
                  struct doc *d)
{
    struct db_model m;
    char a[40];

    if (r->model_id && db_get_model(db, r->model_id, &m) == 1) {
        fmt_bytes(a, sizeof a, m.bytes);
        doc_fact(d, "model", "%s, %s, %s, %s", m.name, m.arch, m.quant, a);
        doc_fact(d, "", "%d layers, %d heads (%d for keys), width %d",
                 m.n_layer, m.n_head, m.n_head_kv, m.n_embd);
    } else {
        doc_fact(d, "model", is_review ? "rules only: no model was used"
                             : "none: a trace from elsewhere");
    }
}

static void cost(struct tui *t, const struct db_run *r, struct doc *d)
{
    int is_review = strcmp(r->kind, "review") == 0;
    char when[40];

    doc_head(d, "Run");
    doc_fact(d, "uid", "%s", r->uid);
    fmt_date(when, sizeof when, r->started_us);
    doc_fact(d, "started", "%s UTC", when);
    state(t, r, d);
    time_taken(r, is_review, d);
    model(tui_db(t), r, is_review, d);
    if (is_review && !r->model_id) {
        doc_fact(d, "recorded", "by sorites %s", r->program);
        return;
    }
    if (r->temperature > 0)
        doc_fact(d, "sampling", "temperature %g, top-k %d, top-p %g, min-p %g, "
                 "seed %lld", r->temperature, r->top_k, r->top_p, r->min_p,
                 (long long)r->seed);
    else
        doc_fact(d, "sampling", is_review ? "none: answers are scored"
                                          : "greedy");
    doc_fact(d, "computed", "routing %s, keys and values %s, %s, %d thread%s",
             r->route, r->kv_type, r->isa, r->n_thread,
             r->n_thread == 1 ? "" : "s");
    doc_fact(d, "recorded", "level %s, by sorites %s", r->level, r->program);
}

int summary(struct tui *t, int64_t run_id, struct doc *out)
{
    struct db *db = tui_db(t);
    struct db_run r;

    if (db_get_run(db, run_id, &r) != 1)
        return 0;
    if (strcmp(r.kind, "review") != 0 || !reviewed_summary(t, run_id, out)) {
        question(&r, out);
        votes(db, &r, out);
        accuracy(t, db, &r, out);
        split_tree(t, run_id, out);
    }
    cost(t, &r, out);
    price_run(t, &r, out);
    return 1;
}
