/* trace/recorder.c, writer.c, track.c and finish.c: what the engine tells is
 * what the database holds.  What is lost and why: test_recorder_faults.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/db.h"
#include "db/pack.h"
#include "tests/dbtest.h"
#include "tests/rig.h"

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-3 * fabs(b);
}

static void check_layers(const struct db_token *k)
{
    struct pack_layers_header head;
    struct pack_layer l;

    assert_int_equal(unpack_layers_header(k->layers.p, k->layers.n, &head), 0);
    assert_int_equal(head.n_layer, N_LAYER);
    assert_true(near(head.norm_in, 8.0) && near(head.score, 0.5) &&
                near(head.low, 0.25) && near(head.high, 0.75));
    for (int i = 0; i < N_LAYER; i++) {
        assert_int_equal(unpack_layer(k->layers.p, k->layers.n, i, &l), 0);
        assert_int_equal(l.mode, HOOK_HYBRID);
        assert_int_equal(l.reason, HOOK_BY_SCORE);
        assert_int_equal(l.dense, 1u << (i % N_KV));
        assert_int_equal(l.digest, 0x0003);
        assert_true(near(l.blocks_read, k->pos + 1) &&
                    near(l.norm_out, 16 + i) && near(l.attn_entropy, 1.5) &&
                    near(l.time_us, 2.0));
    }
}

static void check_heads(const struct db_token *k)
{
    float entropy, weight[HOOK_TOP_MAX];
    int32_t pos[HOOK_TOP_MAX];
    int n_top = 0;

    assert_int_equal(unpack_head(k->heads.p, k->heads.n, 2, 3, &entropy, pos,
                                 weight, &n_top), 0);
    assert_true(near(entropy, 2 * N_HEAD + 3) && n_top == 2);
    assert_int_equal(pos[1], k->pos);
    assert_true(near(weight[0], 0.5) && near(weight[1], 0.25));
}

/* Path 0 at a level: every column that the level keeps, and no other. */
static void check_tokens(enum rec_level level)
{
    struct db_token k;
    int64_t run, path;
    struct db *d = rig_read_path(0, &run, &path);
    struct db_cur *c = db_tokens(d, path, (struct db_window){ 0 });
    int n = 0;

    for (; db_token_next(c, &k) == 1; n++) {
        int i = n - N_PROMPT, went_in = i < N_FIRST - 1;
        int32_t id = i < 0 ? rig_prompt[n] : rig_first[i];
        float p;

        assert_int_equal(k.pos, n);
        assert_int_equal(k.token_id, id);
        assert_int_equal(k.text.n, strlen(rig_vocab[id]));
        assert_memory_equal(k.text.p, rig_vocab[id], k.text.n);
        assert_int_equal(k.mode, went_in ? HOOK_HYBRID : -1);
        assert_int_equal(k.has_digest, went_in);
        if (went_in)
            assert_true(k.digest == rig_digest(1, n));
        if (i < 0 || level < REC_TOKENS) {
            assert_true(isnan(k.logprob) && isnan(k.entropy) && !k.alt.p);
        } else {
            assert_true(near(k.logprob, -0.25 * (n % 4 + 1)) &&
                        near(k.entropy, 2.0));
            assert_int_equal(unpack_alt(k.alt.p, k.alt.n, 1, &id, &p), 1);
            assert_true(id == 19 && near(p, -1.5));
            assert_int_equal(unpack_alt(k.alt.p, k.alt.n, 2, &id, &p), 0);
        }
        assert_int_equal(k.layers.p != NULL, went_in && level >= REC_LAYERS);
        assert_int_equal(k.heads.p != NULL, went_in && level >= REC_HEADS);
        if (k.layers.p)
            check_layers(&k);
        if (k.heads.p)
            check_heads(&k);
    }
    assert_int_equal(n, N_PROMPT + N_FIRST);
    OK(db_cur_close(c));
    db_close(d);
}

static void tokens_at_every_level(void **state)
{
    char uid[33];

    (void)state;
    for (enum rec_level level = REC_STEPS; level <= REC_HEADS; level++) {
        struct rec_opts o = rig_options(level);

        rig_record(&o, uid);
        assert_int_equal(strlen(uid), 32);
        check_tokens(level);
    }
    rig_check();
}

static void levels_have_names(void **state)
{
    enum rec_level level;

    (void)state;
    for (int i = REC_OFF; i <= REC_HEADS; i++) {
        OK(rec_level_parse(rec_level_name((enum rec_level)i), &level,
                           &t.msg));
        assert_int_equal(level, i);
    }
    assert_int_equal(rec_level_parse("all", &level, &t.msg), SOR_USAGE);
    assert_non_null(strstr(t.msg.text, "all"));
}

/* --- paths, steps, answers, edges ---------------------------------------- */

static void steps_and_answers(void **state)
{
    static const struct {
        const char *role, *text, *answer;
        int from, to;
    } want[] = {
        { "state", "Tom has 3.", NULL, 4, 8 },
        { "compute", "So 3 + 4 = 7.", NULL, 8, 11 },
        { "conclude", "The answer is 7.", "7", 11, 15 },
    };
    struct rec_opts o = rig_options(REC_TOKENS);
    struct db_path p;
    struct db_step s;
    struct db_cur *c;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int n = 0;

    (void)state;
    rig_record(&o, uid);
    d = rig_read_path(0, &run, &path);
    assert_int_equal(db_get_path(d, path, &p), 1);
    assert_string_equal(p.text, "Tom has 3. So 3 + 4 = 7. The answer is 7.");
    assert_string_equal(p.stop, "eog");
    assert_int_equal(p.n_token, N_FIRST);
    assert_string_equal(p.answer_norm, "7");
    assert_string_equal(p.answer_kind, "number");
    c = db_steps(d, path, (struct db_window){ 0 });
    for (; db_step_next(c, &s) == 1; n++) {
        assert_true(n < 3);
        assert_string_equal(s.role, want[n].role);
        assert_string_equal(s.text, want[n].text);
        assert_string_equal(s.origin, "generated");
        assert_int_equal(s.tok_from, want[n].from);
        assert_int_equal(s.tok_to, want[n].to);
        assert_int_equal(s.answer != NULL, want[n].answer != NULL);
        if (s.answer)
            assert_string_equal(s.answer, want[n].answer);
    }
    assert_int_equal(n, 3);
    OK(db_cur_close(c));
    /* Positions 4..7 had -0.25 -0.5 -0.75 -1. */
    c = db_steps(d, path, (struct db_window){ .limit = 1 });
    assert_int_equal(db_step_next(c, &s), 1);
    assert_true(near(s.logprob_mean, -0.625) && near(s.logprob_min, -1.0));
    assert_int_equal(s.min_pos, 7);
    OK(db_cur_close(c));
    db_close(d);
}

static void edges_votes_partings(void **state)
{
    struct rec_opts o = rig_options(REC_STEPS);
    struct db_divergence v;
    struct db_edge e;
    struct db_vote vote;
    struct db_run row;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int follows = 0, shares = 0, concludes = 0;

    (void)state;
    rig_record(&o, uid);
    d = rig_read_path(1, &run, &path);
    struct db_cur *c = db_edges(d, run);
    while (db_edge_next(c, &e) == 1) {
        follows += !strcmp(e.kind, "follows");
        shares += !strcmp(e.kind, "shares");
        concludes += !strcmp(e.kind, "concludes");
        if (!strcmp(e.src_kind, "question"))
            assert_int_equal(e.src_id, run);
        if (!strcmp(e.kind, "concludes"))
            assert_string_equal(e.dst_kind, "answer");
    }
    OK(db_cur_close(c));
    assert_int_equal(follows, 3 + 2);
    assert_int_equal(concludes, 2);
    assert_int_equal(shares, 2);        /* 3, then 7, in path 0 */
    c = db_votes(d, run);
    assert_int_equal(db_vote_next(c, &vote), 1);
    assert_int_equal(vote.votes, 1);
    assert_int_equal(db_vote_next(c, &vote), 1);
    OK(db_cur_close(c));
    c = db_divergences(d, run);
    assert_int_equal(db_divergence_next(c, &v), 1);
    assert_int_equal(v.path_a, 0);
    assert_int_equal(v.path_b, 1);
    assert_int_equal(v.pos, N_PROMPT + 4);
    assert_int_equal(v.token_a, rig_first[4]);
    assert_int_equal(v.token_b, rig_second[4]);
    assert_int_equal(db_divergence_next(c, &v), 0);
    OK(db_cur_close(c));
    assert_int_equal(db_get_run(d, run, &row), 1);
    assert_string_equal(row.uid, uid);
    assert_string_equal(row.status, "complete");
    assert_null(row.reason);
    assert_string_equal(row.prompt, "How much?");
    assert_int_equal(row.n_token, N_PROMPT + N_FIRST + N_SECOND);
    assert_int_equal(row.n_lost, 0);
    assert_int_equal(row.wall_ns, 100);
    db_close(d);
}

/* A character cut in two by tokens, a byte that is none, a special token. */
static void text_is_made_of_pieces(void **state)
{
    static const int32_t tok[] = { 18, 15, 16, 8, 14, 17, 5, 8, EOG };
    struct rec_opts o = rig_options(REC_LAYERS);
    struct rec *r = rig_open(&o);
    struct db_path p;
    struct db_step s;
    struct db *d;
    int64_t run, path;
    char uid[33];

    (void)state;
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        rig_feed(r, 1, i, rig_prompt[i]);
    rig_generate(r, 1, tok, 9);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
    d = rig_read_path(0, &run, &path);
    assert_int_equal(db_get_path(d, path, &p), 1);
    assert_string_equal(p.text, " Ann\xE2\x82\xAC.\n\xEF\xBF\xBDTom.");
    struct db_cur *c = db_steps(d, path, (struct db_window){ 0 });
    assert_int_equal(db_step_next(c, &s), 1);
    assert_string_equal(s.text, "Ann\xE2\x82\xAC.");
    assert_int_equal(s.char_from, 1);
    assert_int_equal(s.char_to, 6);     /* code points, not bytes */
    assert_int_equal(s.tok_from, 4);
    assert_int_equal(s.tok_to, 9);      /* the line break goes with it */
    assert_int_equal(db_step_next(c, &s), 1);
    assert_string_equal(s.text, "\xEF\xBF\xBDTom.");
    assert_int_equal(s.char_from, 7);
    assert_int_equal(s.char_to, 12);
    assert_int_equal(s.tok_to, 13);     /* so does the end of turn */
    OK(db_cur_close(c));
    db_close(d);
}

/* Unusual mass on one block becomes an edge; even mass does not. */
static void attention_is_kept(void **state)
{
    struct rec_opts o = rig_options(REC_STEPS);
    struct rec *r = rig_open(&o);
    struct db_edge e;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int n = 0;

    (void)state;
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        rig_feed(r, 1, i, rig_prompt[i]);
    for (int pos = N_PROMPT; pos < 160; pos++) {    /* "Annxxx." steps */
        struct hook_event ev = { .tag = 1, .pos = pos, .row = 1, .layer = -1 };
        int32_t id = pos % 16 == 15 ? 8 : pos % 16 == 0 ? 18 : 19;
        float mass[16] = { 0.5f };

        rig_choose(r, 1, pos, id);
        for (int b = 1; b <= pos / 16; b++)
            mass[b] = pos < 144 || b != 7 ? 0.05f : 0.4f;
        ev.kind = HOOK_ATTN;
        ev.u.attn = (struct hook_attn){ (uint32_t)pos / 16 + 1, mass };
        rig_emit(r, ev);
        ev.kind = HOOK_ROW;
        ev.u.row = (struct hook_row){ .id = id, .nan_layer = -1 };
        rig_emit(r, ev);
    }
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
    d = rig_read_path(0, &run, &path);
    struct db_cur *c = db_edges(d, run);
    while (db_edge_next(c, &e) == 1)
        if (!strcmp(e.kind, "attends")) {
            assert_string_equal(e.measured, "correlation");
            assert_true(near(e.weight, 0.4 / 0.75));
            assert_true(e.src_id > e.dst_id);
            n++;
        }
    OK(db_cur_close(c));
    assert_int_equal(n, 1);
    db_close(d);
}

static void nan_is_named(void **state)
{
    struct rec_opts o = rig_options(REC_LAYERS);
    struct rec *r = rig_open(&o);
    struct rec_stats st;
    struct db_run row;
    struct db *d;
    int64_t run, path;
    char uid[33];

    (void)state;
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    rig_feed(r, 1, 0, 2);
    rig_nan_layer = 1;
    rig_feed(r, 1, 1, 3);
    rig_nan_layer = 0;
    rig_feed(r, 1, 2, 3);
    OK(rec_run_end(r, "interrupted", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_int_equal(st.nan_layer, 1);
    assert_int_equal(st.nan_pos, 1);
    rec_close(r);
    d = rig_read_path(0, &run, &path);
    assert_int_equal(db_get_run(d, run, &row), 1);
    assert_string_equal(row.status, "interrupted");
    assert_string_equal(row.reason, "NaN or infinity first after layer 1, "
                        "path 0, position 1");
    db_close(d);
}

/* --- wrong calls --------------------------------------------------------- */

static void wrong_calls_are_refused(void **state)
{
    struct rec_opts o = rig_options(REC_STEPS);
    struct rec *r = rig_open(&o);
    struct rec_path p = { .tag = 2, .parent_tag = 9, .kind = "sample" };
    char uid[33];

    (void)state;
    assert_int_equal(rec_run_end(r, "complete", 0, 0, &t.msg), SOR_USAGE);
    OK(rig_begin_run(r, uid));
    assert_int_equal(rig_begin_run(r, uid), SOR_USAGE);
    assert_int_equal(rec_path_begin(r, &p, &t.msg), SOR_USAGE);
    rig_begin_path(r, 1);
    p = (struct rec_path){ .tag = 1, .kind = "sample" };
    assert_int_equal(rec_path_begin(r, &p, &t.msg), SOR_USAGE);
    rig_feed(r, 77, 0, 2);          /* nobody announced this tag */
    rec_path_end(r, 77, "eog");
    rec_close(r);               /* in the middle of a run */
    rec_close(NULL);
    rig_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(tokens_at_every_level),
        DBTEST(levels_have_names),
        DBTEST(steps_and_answers),
        DBTEST(edges_votes_partings),
        DBTEST(text_is_made_of_pieces),
        DBTEST(attention_is_kept),
        DBTEST(nan_is_named),
        DBTEST(wrong_calls_are_refused),
    };

    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
