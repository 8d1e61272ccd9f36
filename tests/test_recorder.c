/* trace/recorder.c, writer.c, track.c and finish.c: what the engine tells is
 * what the database holds, and what is lost is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "db/chain.h"
#include "db/db.h"
#include "db/pack.h"
#include "tests/dbtest.h"
#include "trace/rec.h"

enum { N_LAYER = 3, N_HEAD = 4, N_KV = 2, EOG = 1 };

/* --- a small vocabulary -------------------------------------------------- */

static const char *const vocab[] = {
    "<s>", "<end>", "How", " much", "?", "Tom", " has", " 3", ".", " So",
    " 3 + 4 = 7", " The answer is", " 7", " 8", "\n", "\xE2\x82", "\xAC",
    "\xFF", " Ann", "x",
};
enum { N_VOCAB = sizeof vocab / sizeof *vocab };

static const char *piece(void *ud, int32_t id, size_t *n)
{
    (void)ud;
    if (id < 0 || id >= N_VOCAB)
        return NULL;
    *n = strlen(vocab[id]);
    return vocab[id];
}

static int is_special(void *ud, int32_t id)
{
    (void)ud;
    return id <= EOG;
}

static struct rec_opts options(enum rec_level level)
{
    return (struct rec_opts){
        .level = level, .n_layer = N_LAYER, .n_head = N_HEAD,
        .n_head_kv = N_KV, .piece = piece, .is_special = is_special,
    };
}

/* --- a small engine ------------------------------------------------------ */

static uint64_t seq;            /* of the next event, as the engine counts */
static int nan_layer = -1;      /* what the next rows report */

static void emit(struct rec *r, struct hook_event ev)
{
    const struct hook_observer *o = rec_observer(r);

    ev.seq = seq++;
    if (hook_wants(o, ev.kind))
        o->on_event(o->ud, &ev);
}

static uint64_t digest_of(uint64_t tag, int pos)
{
    return 0xfedcba9876543210u ^ tag << 32 ^ (uint64_t)pos;
}

/* All events of one row, in the engine's order. */
static void feed(struct rec *r, uint64_t tag, int pos, int32_t id)
{
    struct hook_event ev = { .tag = tag, .pos = pos, .row = (int32_t)tag };
    int32_t top[2] = { 0, pos };
    float weight[2] = { 0.5f, 0.25f }, mass[256];

    for (int l = 0; l < N_LAYER; l++) {
        ev.layer = (int16_t)l;
        ev.kind = HOOK_ROUTE;
        ev.u.route = (struct hook_route){
            .mode = HOOK_HYBRID, .reason = HOOK_BY_SCORE, .score = 0.5f,
            .low = 0.25f, .high = 0.75f, .dense = 1u << (l % N_KV),
            .blocks_read = (uint32_t)pos + 1,
        };
        emit(r, ev);
        for (int h = 0; h < N_HEAD; h++) {
            ev.kind = HOOK_HEAD;
            ev.u.head = (struct hook_head){
                .head = (uint16_t)h, .n_top = 2, .pos = top, .weight = weight,
                .entropy = (float)(l * N_HEAD + h) };
            emit(r, ev);
        }
        ev.kind = HOOK_LAYER;
        ev.u.layer = (struct hook_layer){
            .ns = 2000, .norm_in = 8.0f, .norm_out = (float)(16 + l),
            .attn_entropy = 1.5f, .digest = 0x00010002,
        };
        emit(r, ev);
    }
    ev.layer = -1;
    ev.kind = HOOK_ATTN;
    ev.u.attn = (struct hook_attn){ (uint32_t)pos / HOOK_BLOCK + 1, mass };
    for (uint32_t b = 0; b < ev.u.attn.n_block; b++)
        mass[b] = 1.0f / (float)ev.u.attn.n_block;
    emit(r, ev);
    ev.kind = HOOK_ROW;
    ev.u.row = (struct hook_row){ id, 1, (int16_t)nan_layer,
                                  digest_of(tag, pos) };
    emit(r, ev);
}

static void choose(struct rec *r, uint64_t tag, int pos, int32_t id)
{
    int32_t alt[2] = { id, 19 };
    float logprob[2] = { -0.5f, -1.5f };
    struct hook_event ev = { .tag = tag, .pos = pos, .row = -1, .layer = -1,
                             .kind = HOOK_TOKEN };

    ev.u.token = (struct hook_token){
        .id = id, .logprob = -0.25f * (float)(pos % 4 + 1), .entropy = 2.0f,
        .n_alt = 2, .alt_id = alt, .alt_logprob = logprob,
    };
    emit(r, ev);
}

/* --- a small run --------------------------------------------------------- */

static const int32_t prompt[] = { 0, 2, 3, 4 };         /* How much? */
static const int32_t first[] = { 5, 6, 7, 8, 9, 10, 8, 11, 12, 8, EOG };
static const int32_t second[] = { 5, 6, 7, 8, 11, 13, 8, EOG };
enum { N_PROMPT = 4, N_FIRST = 11, N_SECOND = 8 };

static struct rec *open_rec(const struct rec_opts *o)
{
    struct rec *r = NULL;

    seq = 0;
    nan_layer = -1;
    OK(rec_open(t.path, o, &r, &t.msg));
    return r;
}

static enum sor_err begin_run(struct rec *r, char uid[33])
{
    static const struct db_model model = {
        .sha256 = { 1 }, .name = "m", .path = "m.gguf", .arch = "llama",
        .quant = "Q4_1", .n_layer = N_LAYER,
    };
    static const struct db_model_part part = { 0, "header", 5, 6 };
    struct rec_run run = {
        .row = { .kind = "run", .chat = "none", .route = "off",
                 .kv_type = "f16", .isa = "ref", .params = "{}",
                 .n_prompt = N_PROMPT, .n_path = 2, .top_p = 1.0 },
        .prompt = "How much?", .model = &model, .part = &part, .n_part = 1,
    };

    return rec_run_begin(r, &run, uid, &t.msg);
}

static void begin_path(struct rec *r, uint64_t tag)
{
    struct rec_path p = {
        .tag = tag, .ordinal = (int)tag - 1, .kind = "sample",
        .params = "{}", .parent_tag = tag > 1 ? 1 : 0,
        .fork_pos = tag > 1 ? N_PROMPT : 0, .seed = 7,
        .text_from = N_PROMPT, .max_tok = 256,
    };

    OK(rec_path_begin(r, &p, &t.msg));
}

/* Generates tok[0..n): each is chosen, then fed, but for the last. */
static void generate(struct rec *r, uint64_t tag, const int32_t *tok, int n)
{
    for (int i = 0; i < n; i++) {
        choose(r, tag, N_PROMPT + i, tok[i]);
        if (i + 1 < n)
            feed(r, tag, N_PROMPT + i, tok[i]);
    }
    rec_path_end(r, tag, "eog");
}

/* The whole of it. */
static void record(const struct rec_opts *o, char uid[33])
{
    struct rec *r = open_rec(o);

    OK(begin_run(r, uid));
    begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        feed(r, 1, i, prompt[i]);
    begin_path(r, 2);
    generate(r, 1, first, N_FIRST);
    generate(r, 2, second, N_SECOND);
    OK(rec_run_end(r, "complete", 100, 10, &t.msg));
    rec_close(r);
}

/* --- reading it back ----------------------------------------------------- */

static void check_file(void)
{
    struct chain_report report;
    struct db *d = dbtest_reader();

    OK(chain_verify(d, &report, &t.msg));
    if (!report.ok)
        fail_msg("%s", report.where);
    db_close(d);
}

/* The recorded run opened for reading, and the id of one of its paths. */
static struct db *read_path(int no, int64_t *run_id, int64_t *path_id)
{
    struct db *d = dbtest_reader();
    struct db_addr a;
    char name[16];

    snprintf(name, sizeof name, "last:%d", no);
    OK(db_find(d, name, &a, &t.msg));
    *run_id = a.run_id;
    *path_id = a.path_id;
    return d;
}

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
    struct db *d = read_path(0, &run, &path);
    struct db_cur *c = db_tokens(d, path, (struct db_window){ 0 });
    int n = 0;

    for (; db_token_next(c, &k) == 1; n++) {
        int i = n - N_PROMPT, went_in = i < N_FIRST - 1;
        int32_t id = i < 0 ? prompt[n] : first[i];
        float p;

        assert_int_equal(k.pos, n);
        assert_int_equal(k.token_id, id);
        assert_int_equal(k.text.n, strlen(vocab[id]));
        assert_memory_equal(k.text.p, vocab[id], k.text.n);
        assert_int_equal(k.mode, went_in ? HOOK_HYBRID : -1);
        assert_int_equal(k.has_digest, went_in);
        if (went_in)
            assert_true(k.digest == digest_of(1, n));
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
        struct rec_opts o = options(level);

        record(&o, uid);
        assert_int_equal(strlen(uid), 32);
        check_tokens(level);
    }
    check_file();
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
    struct rec_opts o = options(REC_TOKENS);
    struct db_path p;
    struct db_step s;
    struct db_cur *c;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int n = 0;

    (void)state;
    record(&o, uid);
    d = read_path(0, &run, &path);
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
    struct rec_opts o = options(REC_STEPS);
    struct db_divergence v;
    struct db_edge e;
    struct db_vote vote;
    struct db_run row;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int follows = 0, shares = 0, concludes = 0;

    (void)state;
    record(&o, uid);
    d = read_path(1, &run, &path);
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
    assert_int_equal(v.token_a, first[4]);
    assert_int_equal(v.token_b, second[4]);
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
    struct rec_opts o = options(REC_LAYERS);
    struct rec *r = open_rec(&o);
    struct db_path p;
    struct db_step s;
    struct db *d;
    int64_t run, path;
    char uid[33];

    (void)state;
    OK(begin_run(r, uid));
    begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        feed(r, 1, i, prompt[i]);
    generate(r, 1, tok, 9);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
    d = read_path(0, &run, &path);
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
    struct rec_opts o = options(REC_STEPS);
    struct rec *r = open_rec(&o);
    struct db_edge e;
    struct db *d;
    int64_t run, path;
    char uid[33];
    int n = 0;

    (void)state;
    OK(begin_run(r, uid));
    begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        feed(r, 1, i, prompt[i]);
    for (int pos = N_PROMPT; pos < 160; pos++) {    /* "Annxxx." steps */
        struct hook_event ev = { .tag = 1, .pos = pos, .row = 1, .layer = -1 };
        int32_t id = pos % 16 == 15 ? 8 : pos % 16 == 0 ? 18 : 19;
        float mass[16] = { 0.5f };

        choose(r, 1, pos, id);
        for (int b = 1; b <= pos / 16; b++)
            mass[b] = pos < 144 || b != 7 ? 0.05f : 0.4f;
        ev.kind = HOOK_ATTN;
        ev.u.attn = (struct hook_attn){ (uint32_t)pos / 16 + 1, mass };
        emit(r, ev);
        ev.kind = HOOK_ROW;
        ev.u.row = (struct hook_row){ id, 0, -1, 0 };
        emit(r, ev);
    }
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
    d = read_path(0, &run, &path);
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
    struct rec_opts o = options(REC_LAYERS);
    struct rec *r = open_rec(&o);
    struct rec_stats st;
    struct db_run row;
    struct db *d;
    int64_t run, path;
    char uid[33];

    (void)state;
    OK(begin_run(r, uid));
    begin_path(r, 1);
    feed(r, 1, 0, 2);
    nan_layer = 1;
    feed(r, 1, 1, 3);
    nan_layer = 0;
    feed(r, 1, 2, 3);
    OK(rec_run_end(r, "interrupted", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_int_equal(st.nan_layer, 1);
    assert_int_equal(st.nan_pos, 1);
    rec_close(r);
    d = read_path(0, &run, &path);
    assert_int_equal(db_get_run(d, run, &row), 1);
    assert_string_equal(row.status, "interrupted");
    assert_string_equal(row.reason, "NaN or infinity first after layer 1, "
                        "path 0, position 1");
    db_close(d);
}

/* --- wrong calls --------------------------------------------------------- */

static void wrong_calls_are_refused(void **state)
{
    struct rec_opts o = options(REC_STEPS);
    struct rec *r = open_rec(&o);
    struct rec_path p = { .tag = 2, .parent_tag = 9, .kind = "sample" };
    char uid[33];

    (void)state;
    assert_int_equal(rec_run_end(r, "complete", 0, 0, &t.msg), SOR_USAGE);
    OK(begin_run(r, uid));
    assert_int_equal(begin_run(r, uid), SOR_USAGE);
    assert_int_equal(rec_path_begin(r, &p, &t.msg), SOR_USAGE);
    begin_path(r, 1);
    p = (struct rec_path){ .tag = 1, .kind = "sample" };
    assert_int_equal(rec_path_begin(r, &p, &t.msg), SOR_USAGE);
    feed(r, 77, 0, 2);          /* nobody announced this tag */
    rec_path_end(r, 77, "eog");
    rec_close(r);               /* in the middle of a run */
    rec_close(NULL);
    check_file();
}

/* --- back-pressure ------------------------------------------------------- */

/* The writer stops in its committed() until the gate opens. */
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int is_shut, n_waiting;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static void gate_set(int is_shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_shut = is_shut;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void pass_gate(void *ud, int64_t batch_id)
{
    (void)ud;
    assert_true(batch_id > 0);
    pthread_mutex_lock(&gate.lock);
    gate.n_waiting++;
    pthread_cond_broadcast(&gate.moved);
    while (gate.is_shut)
        pthread_cond_wait(&gate.moved, &gate.lock);
    gate.n_waiting--;
    pthread_mutex_unlock(&gate.lock);
}

static void *open_later(void *unused)
{
    struct timespec pause = { 0, 50 * 1000 * 1000 };

    nanosleep(&pause, NULL);
    gate_set(0);
    return unused;
}

/* A recorder with a ring of eight rows whose writer is held at the gate. */
static struct rec *held_writer(int lossy, char uid[33])
{
    struct rec_opts o = options(REC_LAYERS);
    struct rec *r;

    o.lossy = lossy;
    o.ring_bytes = 1;
    o.committed = pass_gate;
    gate_set(0);
    r = open_rec(&o);
    OK(begin_run(r, uid));
    begin_path(r, 1);
    gate_set(1);
    begin_path(r, 2);
    rec_path_end(r, 2, "eog");          /* commits, and stops there */
    pthread_mutex_lock(&gate.lock);
    while (gate.n_waiting == 0)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return r;
}

static void full_ring_waits(void **state)
{
    char uid[33];
    struct rec *r = held_writer(0, uid);
    struct rec_stats st;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, open_later, NULL), 0);
    for (int i = 0; i < 200; i++)
        feed(r, 1, i, 19);
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    assert_int_equal(pthread_join(thread, NULL), 0);
    rec_stats(r, &st);
    assert_true(st.wait_ns > 1000 * 1000);
    assert_int_equal(st.n_token, 200);
    assert_int_equal(st.n_lost, 0);
    assert_string_equal(st.reason, "");
    rec_close(r);
    check_file();
}

static void lossy_ring_drops(void **state)
{
    char uid[33];
    struct rec *r = held_writer(1, uid);
    struct rec_stats st;
    struct db_loss loss;
    struct db_run row;
    struct db *d;
    int64_t run, path;

    (void)state;
    for (int i = 0; i < 200; i++)
        feed(r, 1, i, 19);
    rec_stats(r, &st);
    assert_int_equal(st.wait_ns, 0);    /* tokens never wait; structure may */
    gate_set(0);
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_true(st.n_lost > 0 && st.n_token > 0);
    assert_int_equal(st.n_lost + st.n_token, 200);
    assert_non_null(strstr(st.reason, "lossy"));
    rec_close(r);
    d = read_path(0, &run, &path);
    assert_int_equal(db_get_run(d, run, &row), 1);
    assert_string_equal(row.status, "incomplete");
    assert_int_equal(row.n_lost, st.n_lost);
    assert_int_equal(row.n_token, st.n_token);
    struct db_cur *c = db_losses(d, run);
    assert_int_equal(db_loss_next(c, &loss), 1);
    assert_int_equal(loss.n_event, st.n_lost);
    assert_int_equal(loss.from_seq, st.lost_from_seq);
    assert_non_null(strstr(loss.reason, "lossy"));
    OK(db_cur_close(c));
    db_close(d);
    check_file();
}

/* --- a full disk --------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit lim;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
    lim.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static off_t wal_bytes(void)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof path, "%s-wal", t.path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Feeds until the recorder has noticed: n rows at most. */
static void feed_until_lost(struct rec *r, int from, int n)
{
    struct timespec pause = { 0, 10 * 1000 * 1000 };
    struct rec_stats st = { 0 };

    for (int i = 0; i < n && st.n_lost == 0; i++) {
        feed(r, 1, from + i, 19);
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    assert_true(st.n_lost > 0);
    assert_true(st.reason[0] != '\0');
}

static void full_disk(int stays_full)
{
    struct rec_opts o = options(REC_LAYERS);
    struct rec *r = open_rec(&o);
    struct db_loss loss;
    struct db_run row;
    struct rec_stats st;
    struct db *d;
    char uid[33];

    OK(begin_run(r, uid));
    begin_path(r, 1);
    limit_files((rlim_t)wal_bytes());
    feed_until_lost(r, 0, 300);
    for (int i = 0; i < 50; i++)        /* the engine is never held up */
        feed(r, 1, 300 + i, 19);
    rec_path_end(r, 1, "length");
    if (!stays_full)
        limit_files(RLIM_INFINITY);
    assert_int_equal(rec_run_end(r, "complete", 0, 0, &t.msg),
                     stays_full ? SOR_FULL : SOR_OK);
    if (stays_full)
        assert_true(t.msg.text[0] != '\0');
    rec_stats(r, &st);
    assert_int_equal(st.n_token, 0);
    rec_close(r);
    limit_files(RLIM_INFINITY);
    check_file();
    d = dbtest_reader();
    struct db_addr a;
    OK(db_find(d, uid, &a, &t.msg));
    assert_int_equal(db_get_run(d, a.run_id, &row), 1);
    if (stays_full) {
        assert_null(row.status);        /* cut off, and says so */
    } else {
        assert_string_equal(row.status, "incomplete");
        assert_string_equal(row.reason, st.reason);
        assert_int_equal(row.n_lost, st.n_lost);
        struct db_cur *c = db_losses(d, a.run_id);
        assert_int_equal(db_loss_next(c, &loss), 1);
        assert_int_equal(loss.n_event, st.n_lost);
        assert_int_equal(loss.from_seq, st.lost_from_seq);
        OK(db_cur_close(c));
    }
    db_close(d);
}

static void disk_full_for_a_while(void **state)
{
    (void)state;
    full_disk(0);
}

static void disk_full_to_the_end(void **state)
{
    (void)state;
    full_disk(1);
}

/* --- memory -------------------------------------------------------------- */

/* Growth is amortised; nothing is allocated per token. */
static void no_allocation_per_token(void **state)
{
    struct rec_opts o = options(REC_HEADS);
    struct rec *r = open_rec(&o);
    struct rec_stats st = { 0 };
    struct timespec pause = { 0, 5 * 1000 * 1000 };
    uint64_t before;
    char uid[33];

    (void)state;
    OK(begin_run(r, uid));
    begin_path(r, 1);
    for (int i = 0; i < 32; i++)        /* warm up: pieces, statements */
        feed(r, 1, i, 19);
    while (st.n_token < 32) {
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    before = mem_count();
    for (int i = 32; i < 1000; i++) {
        choose(r, 1, i, 19);
        feed(r, 1, i, 19);
    }
    while (st.n_token < 1000) {
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    assert_true(mem_count() - before < 40);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
}

/* Once it was one for each record: a batch opened after the clock was read
 * looked older than time itself. */
static void rows_share_batches(void **state)
{
    struct rec_opts o = options(REC_TOKENS);
    struct rec *r = open_rec(&o);
    struct rec_stats st;
    char uid[33];

    (void)state;
    OK(begin_run(r, uid));
    begin_path(r, 1);
    for (int i = 0; i < 2000; i++)
        feed(r, 1, i, 19);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_int_equal(st.n_token, 2000);
    assert_true(st.n_batch >= 3 && st.n_batch < 200);
    rec_close(r);
}

/* Whatever allocation fails, the recorder says so or records; the file stays
 * whole and nothing leaks or hangs. */
static void every_allocation_may_fail(void **state)
{
    uint64_t k = 1, before;
    int done = 0;

    (void)state;
    for (; !done; k++) {
        struct rec_opts o = options(REC_TOKENS);
        struct rec *r = NULL;
        enum sor_err err;
        char uid[33];
        struct rec_path p = { .tag = 1, .kind = "sample", .params = "{}",
                              .text_from = N_PROMPT, .max_tok = 32 };

        seq = 0;
        mem_fail_at(k);
        before = mem_count();
        err = rec_open(t.path, &o, &r, &t.msg);
        if (!err)
            err = begin_run(r, uid);
        if (!err)
            err = rec_path_begin(r, &p, &t.msg);
        if (!err) {
            for (int i = 0; i < N_PROMPT; i++)
                feed(r, 1, i, prompt[i]);
            generate(r, 1, first, N_FIRST);
            err = rec_run_end(r, "complete", 0, 0, &t.msg);
        }
        rec_close(r);
        done = mem_count() - before < k;        /* it never came to that one */
        mem_fail_at(0);
        assert_true(err == SOR_OK || err == SOR_NOMEM || err == SOR_IO ||
                    err == SOR_FULL);
        assert_true(!done || err == SOR_OK);
    }
    assert_true(k > 20);
    check_file();
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
        DBTEST(full_ring_waits),
        DBTEST(lossy_ring_drops),
        DBTEST(disk_full_for_a_while),
        DBTEST(disk_full_to_the_end),
        DBTEST(no_allocation_per_token),
        DBTEST(rows_share_batches),
        DBTEST(every_allocation_may_fail),
    };

    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
