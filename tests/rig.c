#include "tests/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "db/chain.h"
#include "tests/dbtest.h"

/* --- a small vocabulary -------------------------------------------------- */

const char *const rig_vocab[] = {
    "<s>", "<end>", "How", " much", "?", "Tom", " has", " 3", ".", " So",
    " 3 + 4 = 7", " The answer is", " 7", " 8", "\n", "\xE2\x82", "\xAC",
    "\xFF", " Ann", "x",
};

enum { N_VOCAB = sizeof rig_vocab / sizeof *rig_vocab };

static const char *piece(void *ud, int32_t id, size_t *n)
{
    (void)ud;
    if (id < 0 || id >= N_VOCAB)
        return NULL;
    *n = strlen(rig_vocab[id]);
    return rig_vocab[id];
}

static int is_special(void *ud, int32_t id)
{
    (void)ud;
    return id <= EOG;
}

struct rec_opts rig_options(enum rec_level level)
{
    return (struct rec_opts){
        .level = level, .n_layer = N_LAYER, .n_head = N_HEAD,
        .n_head_kv = N_KV, .piece = piece, .is_special = is_special,
    };
}

/* --- a small engine ------------------------------------------------------ */

uint64_t rig_seq;
int rig_nan_layer = -1;

void rig_emit(struct rec *r, struct hook_event ev)
{
    const struct hook_observer *o = rec_observer(r);

    ev.seq = rig_seq++;
    if (hook_wants(o, ev.kind))
        o->on_event(o->ud, &ev);
}

uint64_t rig_digest(uint64_t tag, int pos)
{
    return 0xfedcba9876543210u ^ tag << 32 ^ (uint64_t)pos;
}

void rig_feed(struct rec *r, uint64_t tag, int pos, int32_t id)
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
        rig_emit(r, ev);
        for (int h = 0; h < N_HEAD; h++) {
            ev.kind = HOOK_HEAD;
            ev.u.head = (struct hook_head){
                .head = (uint16_t)h, .n_top = 2, .pos = top, .weight = weight,
                .entropy = (float)(l * N_HEAD + h) };
            rig_emit(r, ev);
        }
        ev.kind = HOOK_LAYER;
        ev.u.layer = (struct hook_layer){
            .ns = 2000, .norm_in = 8.0f, .norm_out = (float)(16 + l),
            .attn_entropy = 1.5f, .digest = 0x00010002,
        };
        rig_emit(r, ev);
    }
    ev.layer = -1;
    ev.kind = HOOK_ATTN;
    ev.u.attn = (struct hook_attn){ (uint32_t)pos / HOOK_BLOCK + 1, mass };
    for (uint32_t b = 0; b < ev.u.attn.n_block; b++)
        mass[b] = 1.0f / (float)ev.u.attn.n_block;
    rig_emit(r, ev);
    ev.kind = HOOK_ROW;
    ev.u.row = (struct hook_row){ .id = id, .has_logits = 1,
                                  .nan_layer = (int16_t)rig_nan_layer,
                                  .digest = rig_digest(tag, pos) };
    rig_emit(r, ev);
}

void rig_choose(struct rec *r, uint64_t tag, int pos, int32_t id)
{
    int32_t alt[2] = { id, 19 };
    float logprob[2] = { -0.5f, -1.5f };
    struct hook_event ev = { .tag = tag, .pos = pos, .row = -1, .layer = -1,
                             .kind = HOOK_TOKEN };

    ev.u.token = (struct hook_token){
        .id = id, .logprob = -0.25f * (float)(pos % 4 + 1), .entropy = 2.0f,
        .n_alt = 2, .alt_id = alt, .alt_logprob = logprob,
    };
    rig_emit(r, ev);
}

/* --- a small run --------------------------------------------------------- */

const int32_t rig_prompt[N_PROMPT] = { 0, 2, 3, 4 };
const int32_t rig_first[N_FIRST] = { 5, 6, 7, 8, 9, 10, 8, 11, 12, 8, EOG };
const int32_t rig_second[N_SECOND] = { 5, 6, 7, 8, 11, 13, 8, EOG };

struct rec *rig_open(const struct rec_opts *o)
{
    struct rec *r = NULL;

    rig_seq = 0;
    rig_nan_layer = -1;
    OK(rec_open(t.path, o, &r, &t.msg));
    return r;
}

enum sor_err rig_begin_run(struct rec *r, char uid[33])
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

void rig_begin_path(struct rec *r, uint64_t tag)
{
    struct rec_path p = {
        .tag = tag, .ordinal = (int)tag - 1, .kind = "sample",
        .params = "{}", .parent_tag = tag > 1 ? 1 : 0,
        .fork_pos = tag > 1 ? N_PROMPT : 0, .seed = 7,
        .text_from = N_PROMPT, .max_tok = 256,
    };

    OK(rec_path_begin(r, &p, &t.msg));
}

void rig_generate(struct rec *r, uint64_t tag, const int32_t *tok, int n)
{
    for (int i = 0; i < n; i++) {
        rig_choose(r, tag, N_PROMPT + i, tok[i]);
        if (i + 1 < n)
            rig_feed(r, tag, N_PROMPT + i, tok[i]);
    }
    rec_path_end(r, tag, "eog");
}

void rig_record(const struct rec_opts *o, char uid[33])
{
    struct rec *r = rig_open(o);

    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    for (int i = 0; i < N_PROMPT; i++)
        rig_feed(r, 1, i, rig_prompt[i]);
    rig_begin_path(r, 2);
    rig_generate(r, 1, rig_first, N_FIRST);
    rig_generate(r, 2, rig_second, N_SECOND);
    OK(rec_run_end(r, "complete", 100, 10, &t.msg));
    rec_close(r);
}

/* --- reading it back ----------------------------------------------------- */

void rig_check(void)
{
    struct chain_report report;
    struct db *d = dbtest_reader();

    OK(chain_verify(d, &report, &t.msg));
    if (!report.ok)
        fail_msg("%s", report.where);
    db_close(d);
}

struct db *rig_read_path(int no, int64_t *run_id, int64_t *path_id)
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
