/* Every byte of a header, damaged four ways, and every length that a cut can
 * leave: of a model, of an adapter, of each file of a domain pack.  Each such
 * file is refused in one sentence that names it, or it is a good one: then it
 * computes.  None may crash, hang or ask for much memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/lora.h"
#include "engine/tok.h"
#include "review/pack.h"
#include "tests/minipack.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/slow.h"

/* --- what is opened ------------------------------------------------------ */

static char model_path[64], adapter_path[64];
static struct engine *whole;    /* the undamaged model, for adapters */

/* A file that opens computes: finite logits, ids that the vocabulary has. */
static void computes(struct engine *e, const struct lora *l)
{
    size_t n_vocab = engine_hparams(e)->n_vocab;
    float *logits = malloc(n_vocab * sizeof *logits);
    int32_t tok[3] = { 5, 6, 7 };
    struct tok_ids ids = { 0 };
    struct session *s = NULL;
    struct engine_feed feed = { .session = s, .tok = tok, .n_tok = 3,
                                .n_logits = 1, .logits = logits };

    assert_non_null(logits);
    assert_int_equal(session_open(e, 1, 0, &s, NULL), SOR_OK);
    if (l)
        assert_int_equal(session_adapt(s, &l, 1, NULL), SOR_OK);
    feed.session = s;
    assert_int_equal(engine_step(e, &feed, 1, NULL), SOR_OK);
    for (size_t i = 0; i < n_vocab && !l; i++)
        assert_true(isfinite(logits[i]));
    assert_int_equal(tok_encode(engine_tok(e), "The party, one.", 15, 0, &ids),
                     SOR_OK);
    for (size_t i = 0; i < ids.n; i++)
        assert_in_range(ids.id[i], 0, n_vocab - 1);
    tok_ids_release(&ids);
    session_close(s);
    free(logits);
}

static enum sor_err open_model(const char *path, struct sor_msg *msg)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct engine *e = NULL;
    enum sor_err err = engine_open(path, &opts, &e, msg);

    if (!err)
        computes(e, NULL);
    engine_close(e);
    return err;
}

static enum sor_err open_adapter(const char *path, struct sor_msg *msg)
{
    struct lora *l = NULL;
    enum sor_err err = lora_open(whole, path, 1.0f, &l, msg);

    if (!err)
        computes(whole, l);
    lora_close(l);
    return err;
}

static enum sor_err open_pack(const char *path, struct sor_msg *msg)
{
    struct pack *p = NULL;
    enum sor_err err = pack_open(minipack_dir, &p, msg);

    (void)path;
    if (!err)
        assert_true(p->n_claim > 0 && isfinite(p->calibration.temperature));
    pack_close(p);
    return err;
}

struct subject {
    const char *path, *named;   /* named: what every sentence has in it */
    struct str good;
    size_t header;              /* bytes of it that are damaged */
    enum sor_err (*open)(const char *path, struct sor_msg *msg);
    long n_refused, n_good;
    clock_t slowest;
};

/* --- meeting it ---------------------------------------------------------- */

static void meet(struct subject *s, const char *what, size_t at)
{
    struct sor_msg msg = { "" };
    clock_t from = clock();     /* processor time: others may be busy too */
    enum sor_err err = s->open(s->path, &msg);
    clock_t took = clock() - from;

    s->slowest = took > s->slowest ? took : s->slowest;
    s->n_refused += err != SOR_OK;
    s->n_good += err == SOR_OK;
    if (err && (err == SOR_NOMEM || !strstr(msg.text, s->named) ||
                strpbrk(msg.text, "\n\x1b")))
        fail_msg("%s, byte %zu: says \"%s\"", what, at, msg.text);
}

static void put_byte(FILE *f, size_t at, uint8_t byte)
{
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fputc(byte, f), byte);
    assert_int_equal(fflush(f), 0);
}

static void damage(struct subject *s)
{
    FILE *f = fopen(s->path, "r+b");

    assert_non_null(f);
    for (size_t at = 0; at < s->header; at++) {
        uint8_t was = (uint8_t)s->good.p[at];
        const uint8_t now[] = { 0, 0xff, (uint8_t)(was + 1), was ^ 0x80 };

        for (size_t i = 0; i < sizeof now; i++) {
            if (now[i] == was)
                continue;
            put_byte(f, at, now[i]);
            meet(s, "damaged", at);
        }
        put_byte(f, at, was);
    }
    assert_int_equal(fclose(f), 0);
}

static void cut(struct subject *s)
{
    for (size_t n = s->good.len; n-- > 0; ) {
        assert_int_equal(truncate(s->path, (off_t)n), 0);
        meet(s, "cut", n);
    }
}

static void spill(const struct subject *s)
{
    assert_int_equal(mkgguf_save(s->path, &s->good, NULL), SOR_OK);
}

static void every_byte(struct subject *s)
{
    spill(s);
    meet(s, "whole", 0);
    assert_int_equal(s->n_good, 1);
    s->n_good = 0;
    damage(s);
    long n_good = s->n_good, n_damaged = s->n_refused + n_good;

    cut(s);
    spill(s);
    print_message("%s: %ld files with one byte damaged, of which %ld are good "
                  "ones; %ld cut short, of which %ld; slowest %.0f ms\n",
                  strrchr(s->path, '/') + 1, n_damaged, n_good,
                  s->n_good + s->n_refused - n_damaged, s->n_good - n_good,
                  (double)s->slowest * 1000 / CLOCKS_PER_SEC);
    if (!slow())
        assert_true(s->slowest < CLOCKS_PER_SEC);       /* a second */
    str_release(&s->good);
}

/* --- a model, an adapter, a pack ----------------------------------------- */

static size_t header_bytes(const char *path)
{
    struct gguf *g = NULL;
    size_t n;

    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    n = (size_t)gguf_header_bytes(g);
    gguf_close(g);
    return n;
}

static void a_model(void **state)
{
    struct mkmodel_opts o = { .type = GGUF_Q4_0, .n_layer = 1, .n_head = 2,
                              .n_head_kv = 1, .n_ff = 32, .rope_freqs = 1 };
    struct subject s = { .path = model_path, .named = model_path,
                         .open = open_model };

    (void)state;
    str_init(&s.good);
    mkmodel_bytes(&o, &s.good);
    assert_true(str_ok(&s.good));
    spill(&s);
    s.header = header_bytes(s.path);
    every_byte(&s);
}

/* For layer 0's ffn_up of that model. */
static void adapter_bytes(struct str *out)
{
    static const float zero[2 * 32];
    const struct mkgguf_tensor a = { "blk.0.ffn_up.weight.lora_a", GGUF_F32, 2,
                                     { 32, 2, 1, 1 } };
    const struct mkgguf_tensor b = { "blk.0.ffn_up.weight.lora_b", GGUF_F32, 2,
                                     { 2, 32, 1, 1 } };
    struct mkgguf g;

    mkgguf_init(&g);
    mkgguf_str(&g, "general.architecture", "llama");
    mkgguf_str(&g, "general.type", "adapter");
    mkgguf_str(&g, "adapter.type", "lora");
    mkgguf_f32(&g, "adapter.lora.alpha", 4.0f);
    mkgguf_tensor(&g, &a, zero, sizeof zero);
    mkgguf_tensor(&g, &b, zero, sizeof zero);
    mkgguf_file(&g, out);
    mkgguf_release(&g);
}

static void an_adapter(void **state)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct subject s = { .path = adapter_path, .named = adapter_path,
                         .open = open_adapter };

    (void)state;
    assert_int_equal(engine_open(model_path, &opts, &whole, NULL), SOR_OK);
    str_init(&s.good);
    adapter_bytes(&s.good);
    assert_true(str_ok(&s.good));
    spill(&s);
    s.header = header_bytes(s.path);
    every_byte(&s);
    engine_close(whole);
}

static void the_files_of_a_pack(void **state)
{
    (void)state;
    for (int i = 0; i < MINIPACK_FILES; i++) {
        struct subject s = { .named = minipack_dir, .open = open_pack };
        char path[128];

        snprintf(path, sizeof path, "%s/%s", minipack_dir,
                 minipack_files[i][0]);
        s.path = path;
        str_init(&s.good);
        str_puts(&s.good, minipack_files[i][1]);
        s.header = s.good.len;
        every_byte(&s);
    }
}

static int setup(void **state)
{
    return mkmodel_path(model_path) || mkmodel_path(adapter_path) ||
           minipack_make(state) || minipack_write(state);
}

static int teardown(void **state)
{
    unlink(model_path);
    unlink(adapter_path);
    return minipack_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model),
        cmocka_unit_test(an_adapter),
        cmocka_unit_test(the_files_of_a_pack),
    };

    return cmocka_run_group_tests_name("hostile_bytes", tests, setup,
                                       teardown);
}
