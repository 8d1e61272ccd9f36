/* What guessing ahead and leaving early put into a trace: of a wrong guess
 * nothing but its number, of a token that left its layer; and all of it replays
 * to the bit, whole, from the text alone, and up to a position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "db/chain.h"
#include "engine/exit.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/prefix.h"
#include "probe/prompt.h"
#include "probe/replay.h"
#include "tests/dbtest.h"
#include "tests/models.h"
#include "trace/rec.h"

enum { PATHS = 3, MOST = 60, CTX = 256 };

static const char question[] = "the cat and the dog and the cat and the dog "
                               "and the cat and the dog and the";
static struct engine *e;
static sqlite3 *sq;

/* One run of the database, 1-based. */
struct made { enum draft_source draft; float exit; enum rec_level level; };
static const struct made plain = { DRAFT_OFF, 0, REC_HEADS },
                         lookup = { DRAFT_LOOKUP, 0, REC_HEADS },
                         self = { DRAFT_SELF, 0, REC_HEADS },
                         early = { DRAFT_OFF, 0.5f, REC_HEADS },
                         brief = { DRAFT_LOOKUP, 0, REC_STEPS },
                         early_brief = { DRAFT_OFF, 0.5f, REC_STEPS };

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static int is_silent(void *ud, int32_t id)
{
    return prompt_is_silent(ud, id);
}

static void begin(struct rec *r, const struct made *m, int n_prompt)
{
    const struct engine_info *info = engine_info(e);
    char params[64], uid[33];
    struct db_model model = { .sha256 = { 1 }, .name = "m", .path = "m",
                              .arch = "llama", .quant = "F32",
                              .n_layer = (int)engine_hparams(e)->n_layer,
                              .n_head = (int)engine_hparams(e)->n_head };
    struct rec_run run = {
        .row = { .kind = "run", .chat = "none", .route = "off",
                 .kv_type = info->kv_type, .isa = info->isa,
                 .params = params, .n_prompt = n_prompt, .n_path = PATHS,
                 .max_tok = MOST, .n_ctx = CTX, .seed = 4,
                 .temperature = 0.1, .top_p = 1.0 },
        .prompt = question, .model = &model };

    snprintf(params, sizeof params, m->exit > 0 ? "{\"raw\":true,\"exit\":%g}"
                                                : "{\"raw\":true}",
             (double)m->exit);
    OK(rec_run_begin(r, &run, uid, &t.msg));
    OK(engine_observe(e, rec_observer(r), &t.msg));
}

/* Three sampled paths behind one prompt, as `run` makes them. */
static void record(const struct made *m, struct gen_stats *st)
{
    const struct model_hparams *hp = engine_hparams(e);
    struct rec_opts ro = {
        .level = m->level, .n_layer = (int)hp->n_layer,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .n_ahead = m->draft ? GEN_SEATS : 0, .piece = piece,
        .is_special = is_silent, .piece_ud = (void *)engine_tok(e) };
    struct sampler_params params = { .temperature = 0.1f, .top_p = 1.0f,
                                     .seed = 4 };
    struct prompt p = { .text = question, .n = strlen(question), .raw = 1 };
    struct tok_ids ids = { NULL, 0, 0 };
    static float logits[1024];
    static int32_t out[PATHS][MOST];
    struct gen_path path[PATHS];
    struct sampler sampler[PATHS];
    struct exit_rule rule = { 0 };
    struct gen_opts go = { .draft = m->draft, .draft_layer = 1, .stats = st,
                           .exit = m->exit > 0 ? &rule : NULL };
    enum chat_kind kind;
    struct rec *r = NULL;

    OK(prompt_encode(e, &p, &ids, &kind, &t.msg));
    if (m->exit > 0)
        OK(exit_rule_init(&rule, (int)hp->n_layer, m->exit, &t.msg));
    OK(rec_open(t.path, &ro, &r, &t.msg));
    begin(r, m, (int)ids.n);
    for (int i = 0; i < PATHS; i++) {
        uint64_t tag = (uint64_t)i + 1;

        OK(sampler_init(&sampler[i], &params, (uint32_t)i, &t.msg));
        struct rec_path rp = {
            .tag = tag, .ordinal = i, .kind = "sample", .params = "{}",
            .parent_tag = i ? 1 : 0, .fork_pos = i ? (int)ids.n : 0,
            .seed = (int64_t)sampler[i].key, .text_from = (int)ids.n,
            .max_tok = MOST };
        OK(rec_path_begin(r, &rp, &t.msg));
        path[i] = (struct gen_path){
            .sampler = &sampler[i], .logits = logits, .max_tok = MOST,
            .before = ids.id, .n_before = (int)ids.n, .out = out[i] };
        if (i > 0) {
            OK(session_fork(path[0].session, tag, (int)ids.n,
                            &path[i].session, &t.msg));
            continue;
        }
        OK(session_open(e, tag, 0, &path[0].session, &t.msg));
        struct engine_feed f = { .session = path[0].session, .tok = ids.id,
                                 .n_tok = (int)ids.n, .n_logits = 1,
                                 .logits = logits };
        OK(engine_step(e, &f, 1, &t.msg));
    }
    OK(gen_run(e, path, PATHS, &go, &t.msg));
    engine_observe(e, NULL, NULL);
    for (int i = 0; i < PATHS; i++) {
        rec_path_end(r, (uint64_t)i + 1, path[i].stop == GEN_EOG ? "eog"
                                                                 : "length");
        session_close(path[i].session);
    }
    OK(rec_run_end(r, "complete", 2, 1, &t.msg));
    rec_close(r);
    tok_ids_release(&ids);
}

/* --- reading ------------------------------------------------------------- */

static double one(const char *sql)
{
    sqlite3_stmt *st = NULL;
    double v;

    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    return v;
}

static void open_rows(void)
{
    assert_int_equal(sqlite3_open_v2(t.path, &sq, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
}

static void close_rows(void)
{
    sqlite3_close(sq);
    sq = NULL;
}

/* Run `no` computes again what was recorded. */
static void replays(int64_t no)
{
    struct replay_opts o = { .path = -1 };
    struct replay_report report;
    struct db_run run;
    struct db *d;

    OK(db_open(t.path, &d, &t.msg));
    assert_int_equal(db_get_run(d, no, &run), 1);
    OK(replay_verify(d, &run, e, &o, &report, &t.msg));
    if (!report.same)
        fail_msg("run %d, path %d@%d: %s", (int)no, report.diff.path,
                 report.diff.pos, report.diff.what);
    assert_int_equal(report.n_path, PATHS);
    assert_int_equal(report.n_gap, 0);
    db_close(d);
}

/* Any of its paths can be entered again in the middle. */
static void can_be_entered(int64_t run_id, int to)
{
    struct prefix p;
    struct db *d;

    OK(db_open(t.path, &d, &t.msg));
    for (int k = 0; k < PATHS; k++) {
        char sql[96];

        snprintf(sql, sizeof sql, "SELECT id FROM path WHERE run_id = %d AND "
                 "ordinal = %d", (int)run_id, k);
        OK(prefix_load(d, run_id, (int64_t)one(sql), &p, &t.msg));
        OK(prefix_feed(&p, e, p.n_prompt + to, NULL, NULL, &t.msg));
        assert_true(p.exact && p.n_compared > to);
        prefix_release(&p);
    }
    db_close(d);
}

/* Columns that cannot depend on how the work was cut. */
#define SAME_ROWS \
    "SELECT count(*) FROM token a JOIN path pa ON pa.id = a.path_id " \
    "JOIN path pb ON pb.run_id = 2 AND pb.ordinal = pa.ordinal " \
    "JOIN token b ON b.path_id = pb.id AND b.pos = a.pos " \
    "WHERE pa.run_id = 1 AND a.token_id = b.token_id " \
    "AND a.logprob IS b.logprob AND a.entropy IS b.entropy " \
    "AND a.mode IS b.mode AND a.digest IS b.digest AND a.alt IS b.alt " \
    "AND a.heads IS b.heads"
#define SAME_LAYERS \
    "SELECT count(*) FROM path pa JOIN path pb ON pa.run_id = 1 AND " \
    "pb.run_id = 2 AND pb.ordinal = pa.ordinal JOIN v_layer a ON " \
    "a.path_id = pa.id JOIN v_layer b ON b.path_id = pb.id AND " \
    "a.pos = b.pos AND a.layer = b.layer AND a.digest = b.digest AND " \
    "a.norm_in = b.norm_in AND a.norm_out = b.norm_out AND " \
    "a.attn_entropy = b.attn_entropy"

static void guesses_leave_their_number(void **state)
{
    const struct made *with = *state;
    struct gen_stats before, st;

    record(&plain, &before);
    record(with, &st);
    print_message("%d guesses, %d right\n", (int)st.n_draft, (int)st.n_kept);
    assert_true(st.n_kept > 5 && st.n_kept <= st.n_draft);
    if (with->draft == DRAFT_LOOKUP)    /* wrong ones are among them */
        assert_true(st.n_kept < st.n_draft);
    open_rows();
    assert_true(one("SELECT count(*) FROM token t JOIN path p ON "
                    "p.id = t.path_id WHERE p.run_id = 1") == one(SAME_ROWS));
    assert_true(one(SAME_ROWS) == one("SELECT count(*) FROM token t JOIN path "
                                      "p ON p.id = t.path_id WHERE "
                                      "p.run_id = 2"));
    assert_true(one(SAME_LAYERS) > 100);
    assert_true(one("SELECT count(*) FROM v_layer l JOIN path p ON p.id = "
                    "l.path_id WHERE p.run_id = 1") == one(SAME_LAYERS));
    assert_true(one("SELECT count(*) FROM loss") == 0);
    assert_true(one("SELECT count(*) FROM v_draft WHERE run_id = 1") == 0);
    assert_true(one("SELECT sum(n_draft) FROM v_draft WHERE run_id = 2") ==
                (double)st.n_draft);
    assert_true(one("SELECT sum(n_kept) FROM v_draft WHERE run_id = 2") ==
                (double)st.n_kept);
    assert_true(one("SELECT sum(n_draft) FROM v_draft_pass") ==
                (double)st.n_draft);
    assert_true(one("SELECT sum(n_kept) FROM v_draft_pass") ==
                (double)st.n_kept);
    assert_true(one("SELECT count(*) FROM v_draft_pass WHERE pos / 16 <> "
                    "(pos + n_draft) / 16 OR n_kept > n_draft OR "
                    "n_draft = 0") == 0);
    can_be_entered(2, 17);
    close_rows();
    replays(1);
    replays(2);
}

static void an_exit_is_recorded_and_forced(void **state)
{
    struct gen_stats st;

    (void)state;
    record(&early, &st);
    open_rows();
    assert_true(one("SELECT count(*) FROM token_exit") > 20);
    assert_true(one("SELECT count(*) FROM token_exit WHERE layer <> 2 OR "
                    "measure < threshold OR threshold <> 0.5") == 0);
    /* the layer left out changed nothing and took no attention */
    assert_true(one("SELECT count(*) FROM token_exit x JOIN v_layer l ON "
                    "l.path_id = x.path_id AND l.pos = x.pos WHERE "
                    "(l.layer = 3) <> l.skipped OR (l.layer = 2) <> "
                    "l.exit_here OR (l.layer = 3 AND (l.norm_in <> l.norm_out "
                    "OR l.attn_entropy <> 0))") == 0);
    assert_true(one("SELECT sum(exit_here) FROM v_layer WHERE path_id IN "
                    "(SELECT id FROM path WHERE ordinal = 0)") ==
                one("SELECT count(*) FROM token_exit x JOIN path p ON p.id = "
                    "x.path_id WHERE p.ordinal = 0"));
    assert_true(one("SELECT count(*) FROM v_layer WHERE exit_measure > 0 AND "
                    "layer <> 2") == 0);
    assert_true(one("SELECT sum(n) FROM v_exit_layer WHERE layer = 2") ==
                one("SELECT count(*) FROM token_exit"));
    assert_float_equal((float)one("SELECT sum(share) FROM v_exit_layer WHERE "
                                  "path = 1"), 1.0f, 1e-6f);
    can_be_entered(1, 23);
    close_rows();
    replays(1);
}

static void texts_alone_are_made_again(void **state)
{
    struct gen_stats st;

    (void)state;
    record(&brief, &st);
    record(&early_brief, &st);
    replays(1);
    replays(2);
}

static int open_all(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = CTX };
    struct sor_msg msg;

    (void)state;
    return engine_open(models_small(), &o, &e, &msg) != SOR_OK;
}

static int close_all(void **state)
{
    (void)state;
    engine_close(e);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "guesses_leave_their_number/lookup", guesses_leave_their_number,
          dbtest_setup, dbtest_teardown, (void *)&lookup },
        { "guesses_leave_their_number/self", guesses_leave_their_number,
          dbtest_setup, dbtest_teardown, (void *)&self },
        { "an_exit_is_recorded_and_forced", an_exit_is_recorded_and_forced,
          dbtest_setup, dbtest_teardown, NULL },
        { "texts_alone_are_made_again", texts_alone_are_made_again,
          dbtest_setup, dbtest_teardown, NULL },
    };
    return cmocka_run_group_tests_name("ahead", tests, open_all, close_all);
}
