/* Writing model files: what stays, what changes, and that there is the whole
 * file or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/gguf_write.h"
#include "engine/quant_write.h"
#include "engine/weights.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/prog.h"

enum { MOST_TENSORS = 256 };

static char dir[64], in[80], out[80];
static struct pool *pool;
static enum gguf_type type[MOST_TENSORS];

/* A model whose rows of 256 fit every type, two layers of it. */
static int setup(void **state)
{
    struct mkmodel_opts o = { .n_head = 16, .n_head_kv = 4, .n_ff = 512,
                              .n_layer = 2, .n_ctx = 64 };

    (void)state;
    strcpy(dir, "/tmp/sorites-write-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(in, sizeof in, "%s/in.gguf", dir);
    snprintf(out, sizeof out, "%s/out.gguf", dir);
    return mkmodel(in, &o, NULL) || pool_open(2, &pool, NULL);
}

static int teardown(void **state)
{
    (void)state;
    pool_close(pool);
    unlink(in);
    unlink(out);
    return rmdir(dir);
}

static int files(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;       /* . and .. */
}

/* Every matrix becomes `to`. */
static enum sor_err write_as(const char *from, const char *path,
                             struct gguf_write *w, enum gguf_type to,
                             struct sor_msg *msg)
{
    struct gguf_write_sum sum = { 0 };
    struct gguf *g;
    enum sor_err err = gguf_open(from, &g, msg);

    if (err)
        return err;
    assert_true(gguf_n_tensors(g) <= MOST_TENSORS);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);

        type[i] = t->n_dims > 1 ? quant_write_type(to, t->dim[0]) : t->type;
    }
    w->src = g;
    w->type = type;
    w->file_type = quant_write_file_type(to);
    w->pool = w->pool ? w->pool : pool;
    err = gguf_write(path, w, &sum, msg);
    gguf_close(g);
    return err;
}

static uint64_t hash_file(const char *path)
{
    size_t n;
    unsigned char *bytes = prog_slurp(path, &n);
    uint64_t h = bytes ? hash_xxh3(bytes, n, 0) : 0;

    free(bytes);
    return h;
}

/* --- what is written ----------------------------------------------------- */

static void expect_same_metadata(const struct gguf *a, const struct gguf *b)
{
    for (size_t i = 0; i < gguf_n_kv(a); i++) {
        const struct gguf_kv *x = gguf_kv_at(a, i), *y = gguf_kv_at(b, i);
        size_t n = x->type == GGUF_V_ARR ? (size_t)(x->arr.end - x->value)
                   : x->type == GGUF_V_STR ? 8 + gguf_kv_str(x).n
                   : gguf_vtype_bytes(x->type);

        assert_int_equal(x->key.n, y->key.n);
        assert_memory_equal(x->key.p, y->key.p, x->key.n);
        assert_int_equal(x->type, y->type);
        if (!gguf_str_is(x->key, "general.file_type"))
            assert_memory_equal(x->value, y->value, n);
    }
}

/* Largest error of a tensor's values over their largest magnitude: a step or
 * so, since a search may clip what is largest. */
static double worst(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    static float x[512], y[512];
    double off = 0, most = 0;

    assert_true(a->dim[0] <= 512);
    for (uint64_t r = 0; r < a->dim[1]; r++) {
        weights_row(a, r, x);
        weights_row(b, r, y);
        for (size_t i = 0; i < a->dim[0]; i++) {
            off = fmax(off, fabs((double)x[i] - (double)y[i]));
            most = fmax(most, fabs((double)x[i]));
        }
    }
    return off / most;
}

static void each_type_reads_back(void **state)
{
    static const struct { enum gguf_type type; double most; } of[] = {
        { GGUF_F32, 0 },        { GGUF_F16, 0.0005 },   { GGUF_BF16, 0.004 },
        { GGUF_Q8_0, 0.0041 },  { GGUF_Q6_K, 0.04 },    { GGUF_Q5_K, 0.06 },
        { GGUF_Q5_1, 0.06 },    { GGUF_Q5_0, 0.08 },    { GGUF_Q4_K, 0.12 },
        { GGUF_Q4_1, 0.12 },    { GGUF_Q4_0, 0.2 },
    };

    (void)state;
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct gguf_write w = { 0 };
        struct gguf *a, *b;
        uint32_t v;
        struct stat st;

        assert_int_equal(write_as(in, out, &w, of[k].type, NULL), SOR_OK);
        assert_int_equal(stat(out, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(gguf_open(in, &a, NULL), SOR_OK);
        assert_int_equal(gguf_open(out, &b, NULL), SOR_OK);
        expect_same_metadata(a, b);
        assert_int_equal(gguf_u32(b, "general.file_type", &v, NULL), SOR_OK);
        assert_int_equal(v, quant_write_file_type(of[k].type));
        assert_int_equal(gguf_u32(b, "general.quantization_version", &v,
                                  NULL), SOR_OK);
        assert_int_equal(v, 2);
        for (size_t i = 0; i < gguf_n_tensors(a); i++) {
            const struct gguf_tensor *x = gguf_tensor_at(a, i);
            const struct gguf_tensor *y = gguf_tensor_at(b, i);

            assert_memory_equal(x->name.p, y->name.p, x->name.n);
            assert_memory_equal(x->dim, y->dim, sizeof x->dim);
            assert_int_equal(y->type, type[i]);
            if (x->n_dims < 2)
                assert_memory_equal(x->data, y->data, x->bytes);
            else if (!(worst(x, y) <= of[k].most))
                fail_msg("%s: off by %g", gguf_type_info(of[k].type)->name,
                         worst(x, y));
        }
        gguf_close(a);
        gguf_close(b);
    }
}

/* The same type again: the same bytes, once the two keys are there. */
static void a_copy_is_a_copy(void **state)
{
    char twice[80];
    struct gguf_write w = { 0 };

    (void)state;
    snprintf(twice, sizeof twice, "%s/twice.gguf", dir);
    assert_int_equal(write_as(in, out, &w, GGUF_Q4_1, NULL), SOR_OK);
    assert_int_equal(write_as(out, twice, &w, GGUF_Q4_1, NULL), SOR_OK);
    assert_true(hash_file(out) == hash_file(twice));
    unlink(twice);
}

static void threads_change_nothing(void **state)
{
    static const int threads[] = { 1, 2, 5 };
    uint64_t hash[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct gguf_write w = { 0 };

        assert_int_equal(pool_open(threads[i], &w.pool, NULL), SOR_OK);
        assert_int_equal(write_as(in, out, &w, GGUF_Q4_K, NULL), SOR_OK);
        hash[i] = hash_file(out);
        pool_close(w.pool);
    }
    assert_true(hash[0] == hash[1] && hash[1] == hash[2]);
}

/* An older file with odd keys in its own order and another alignment. */
static void metadata_stays_in_order(void **state)
{
    static const int32_t ints[] = { 1, -2, 3 };
    float x[64] = { 1, 2, 3 };
    struct mkgguf m;
    struct str bytes;
    struct gguf_write w = { 0 };
    struct gguf *a, *b;
    char odd[80];
    uint32_t v;

    (void)state;
    mkgguf_init(&m);
    m.version = 2;
    m.align = 64;
    mkgguf_str(&m, "empty", "");
    mkgguf_u32(&m, "general.file_type", 77);
    mkgguf_strs(&m, "words", "a\0\0long one\0", 3);
    mkgguf_u32(&m, "general.alignment", 64);
    mkgguf_i32s(&m, "ints", ints, 3);
    mkgguf_i32s(&m, "none", ints, 0);
    mkgguf_bool(&m, "yes", 1);
    mkgguf_raw(&m, "f64", GGUF_V_F64, "12345678", 8);
    mkgguf_tensor(&m, &(struct mkgguf_tensor){ "a", GGUF_F32, 2, { 32, 2 } },
                  x, sizeof x);
    mkgguf_tensor(&m, &(struct mkgguf_tensor){ "b", GGUF_F32, 3, { 8, 2, 4 } },
                  x, sizeof x);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    snprintf(odd, sizeof odd, "%s/odd.gguf", dir);
    assert_int_equal(mkgguf_save(odd, &bytes, NULL), SOR_OK);
    assert_int_equal(write_as(odd, out, &w, GGUF_Q8_0, NULL), SOR_OK);
    assert_int_equal(gguf_open(odd, &a, NULL), SOR_OK);
    assert_int_equal(gguf_open(out, &b, NULL), SOR_OK);
    assert_int_equal(gguf_version(b), 3);
    assert_int_equal(gguf_alignment(b), 64);
    assert_int_equal(gguf_n_kv(b), gguf_n_kv(a) + 1);
    expect_same_metadata(a, b);
    assert_int_equal(gguf_u32(b, "general.file_type", &v, NULL), SOR_OK);
    assert_int_equal(v, 7);
    assert_int_equal(gguf_tensor(b, "a")->type, GGUF_Q8_0);
    assert_int_equal(gguf_tensor(b, "b")->type, GGUF_F16);
    assert_int_equal(gguf_tensor(b, "b")->n_dims, 3);
    gguf_close(a);
    gguf_close(b);
    unlink(odd);
    str_release(&bytes);
    mkgguf_release(&m);
}

/* --- what is not --------------------------------------------------------- */

static void expect_refusal(const char *path, enum sor_err err,
                           const char *part)
{
    struct gguf_write w = { 0 };
    struct sor_msg msg = { "" };
    int before = files();

    assert_int_equal(write_as(in, path, &w, GGUF_Q8_0, &msg), err);
    if (!strstr(msg.text, part))
        fail_msg("wanted \"%s\", got: %s", part, msg.text);
    assert_int_equal(files(), before);
}

static void places_are_checked(void **state)
{
    uint64_t was = hash_file(in);
    char other[80];

    (void)state;
    expect_refusal(in, SOR_USAGE, "another name");
    snprintf(other, sizeof other, "%s/link.gguf", dir);
    assert_int_equal(symlink(in, other), 0);
    expect_refusal(other, SOR_USAGE, "another name");
    unlink(other);
    assert_int_equal(link(in, other), 0);
    expect_refusal(other, SOR_USAGE, "another name");
    unlink(other);
    assert_int_equal(mkfifo(other, 0600), 0);
    expect_refusal(other, SOR_IO, "no regular file");
    unlink(other);
    expect_refusal(dir, SOR_IO, "is a directory");
    snprintf(other, sizeof other, "%s/no/such", dir);
    expect_refusal(other, SOR_IO, "No such file");
    assert_true(hash_file(in) == was);
}

/* A failed write: what stood there stays. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    struct rlimit was, low;

    (void)state;
    prog_spill(out, "before", 6);
    uint64_t old = hash_file(out);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    low = was;
    low.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    expect_refusal(out, SOR_IO, strerror(EFBIG));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_true(hash_file(out) == old);
}

static int calls_left;

static int stop_after(void *ud, uint64_t done, uint64_t total)
{
    (void)ud;
    assert_true(done <= total);
    return calls_left-- == 0;
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    for (int n = 0; n < 12; n += 4) {
        struct gguf_write w = { .on_progress = stop_after };

        unlink(out);
        calls_left = n;
        assert_int_equal(write_as(in, out, &w, GGUF_Q4_0, NULL),
                         SOR_INTERRUPTED);
        assert_int_equal(files(), 1);
    }
}

/* Weights that no block can hold are named. */
static void broken_weights_are_named(void **state)
{
    struct mkmodel_opts o = { .poison = 2, .n_ctx = 64 };
    struct gguf_write w = { 0 };
    struct sor_msg msg;
    char sick[80];

    (void)state;
    snprintf(sick, sizeof sick, "%s/sick.gguf", dir);
    assert_int_equal(mkmodel(sick, &o, NULL), SOR_OK);
    unlink(out);
    assert_int_equal(write_as(sick, out, &w, GGUF_Q4_0, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "blk.1.ffn_down.weight"));
    assert_non_null(strstr(msg.text, "row 0"));
    assert_non_null(strstr(msg.text, "nan"));
    assert_int_equal(files(), 2);
    unlink(sick);
}

static void no_memory_is_an_error(void **state)
{
    enum sor_err err = SOR_NOMEM;

    (void)state;
    for (uint64_t n = 1; err == SOR_NOMEM; n++) {
        struct gguf_write w = { 0 };

        assert_true(n < 200);
        unlink(out);
        mem_fail_at(n);
        err = write_as(in, out, &w, GGUF_Q4_1, NULL);
        mem_fail_at(0);
        assert_true(err == SOR_OK || files() == 1);
    }
    assert_int_equal(err, SOR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_reads_back),
        cmocka_unit_test(a_copy_is_a_copy),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(metadata_stays_in_order),
        cmocka_unit_test(places_are_checked),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(broken_weights_are_named),
        cmocka_unit_test(no_memory_is_an_error),
    };

    return cmocka_run_group_tests_name("gguf_write", tests, setup, teardown);
}
