/* The loader: what it reads, and that no file can make it do anything but
 * read it or say what is wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"

/* --- helpers ------------------------------------------------------------- */

static char path[64];

static int setup(void **state)
{
    (void)state;
    return mkmodel_path(path);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

/* Saves bytes and opens them. */
static enum sor_err open_bytes(const struct str *bytes, struct gguf **g,
                               struct sor_msg *msg)
{
    assert_int_equal(mkgguf_save(path, bytes, NULL), SOR_OK);
    return gguf_open(path, g, msg);
}

/* Finishes m, opens it, and wants `err` with `part` in the message. */
static void wants(struct mkgguf *m, enum sor_err err, const char *part)
{
    struct gguf *g = NULL;
    struct sor_msg msg = { "" };
    struct str bytes;

    str_init(&bytes);
    mkgguf_file(m, &bytes);
    enum sor_err got = open_bytes(&bytes, &g, &msg);
    if (got != err || !strstr(msg.text, part))
        print_message("wanted \"%s\", got %d: %s\n", part, got, msg.text);
    assert_int_equal(got, err);
    assert_non_null(strstr(msg.text, part));
    if (err)
        assert_non_null(strstr(msg.text, path));
    gguf_close(g);
    str_release(&bytes);
    mkgguf_release(m);
}

static uint64_t sum_bytes(const uint8_t *p, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

/* Touches everything that an open file hands out; a wrong length faults. */
static uint64_t touch(const struct gguf *g)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < gguf_n_kv(g); i++) {
        const struct gguf_kv *kv = gguf_kv_at(g, i);
        struct gguf_str s = kv->key;

        sum += sum_bytes((const uint8_t *)s.p, s.n);
        if (kv->type == GGUF_V_STR) {
            s = gguf_kv_str(kv);
            sum += sum_bytes((const uint8_t *)s.p, s.n);
        } else if (kv->type == GGUF_V_ARR && kv->arr.type == GGUF_V_STR) {
            for (const uint8_t *at = kv->arr.data;
                 gguf_arr_next(&kv->arr, &at, &s); )
                sum += sum_bytes((const uint8_t *)s.p, s.n);
        } else if (kv->type == GGUF_V_ARR) {
            for (uint64_t j = 0; j < kv->arr.count; j++)
                sum += gguf_arr_at(&kv->arr, j)[0];
        }
    }
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);

        sum += t->data[0];
        sum += t->data[t->bytes - 1];
    }
    return sum;
}

/* --- what it reads ------------------------------------------------------- */

static void reads_every_kind_of_value(void **state)
{
    static const uint8_t minus[] = { 0xfe, 0xff, 0xff, 0xff };
    static const uint8_t huge[] = { 255, 255, 255, 255, 255, 255, 255, 255 };
    static const uint8_t pi64[] = { 0x18, 0x2d, 0x44, 0x54,
                                    0xfb, 0x21, 0x09, 0x40 };
    struct mkgguf m;
    struct gguf *g = NULL;
    struct str bytes;
    struct gguf_str s;
    struct gguf_arr a;
    uint32_t u32 = 7;
    uint64_t u64 = 7;
    float f = 0;
    int b = 0;

    (void)state;
    mkgguf_init(&m);
    mkgguf_str(&m, "s", "text");
    mkgguf_u32(&m, "u", 4000000000u);
    mkgguf_f32(&m, "f", 0.5f);
    mkgguf_bool(&m, "b", 1);
    mkgguf_strs(&m, "ss", "one\0\0three", 3);
    mkgguf_i32s(&m, "is", (const int32_t[]){ 5, -6 }, 2);
    mkgguf_raw(&m, "minus", GGUF_V_I32, minus, sizeof minus);
    mkgguf_raw(&m, "huge", GGUF_V_U64, huge, sizeof huge);
    mkgguf_raw(&m, "pi", GGUF_V_F64, pi64, sizeof pi64);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    assert_int_equal(open_bytes(&bytes, &g, NULL), SOR_OK);

    assert_int_equal(gguf_n_kv(g), 9);
    assert_int_equal(gguf_n_tensors(g), 0);
    assert_int_equal(gguf_version(g), 3);
    assert_int_equal(gguf_alignment(g), 32);
    assert_int_equal(gguf_size(g), bytes.len);
    assert_int_equal(gguf_header_bytes(g), bytes.len);
    assert_memory_equal(gguf_map(g), bytes.p, bytes.len);
    assert_string_equal(gguf_path(g), path);
    assert_int_equal(gguf_str(g, "s", &s, NULL), SOR_OK);
    assert_true(gguf_str_is(s, "text"));
    assert_false(gguf_str_is(s, "tex"));
    assert_int_equal(gguf_u32(g, "u", &u32, NULL), SOR_OK);
    assert_int_equal(u32, 4000000000u);
    assert_int_equal(gguf_f32(g, "f", &f, NULL), SOR_OK);
    assert_true(f == 0.5f);
    assert_int_equal(gguf_f32(g, "pi", &f, NULL), SOR_OK);
    assert_true(f == 3.14159265f);
    assert_int_equal(gguf_bool(g, "b", &b, NULL), SOR_OK);
    assert_int_equal(b, 1);
    assert_int_equal(gguf_u64(g, "huge", &u64, NULL), SOR_OK);
    assert_true(u64 == UINT64_MAX);
    assert_true(gguf_scalar_f64(GGUF_V_U64, huge) == 0x1p64);
    assert_int_equal(gguf_scalar_i64(GGUF_V_I32, minus), -2);
    assert_int_equal(gguf_load_uint(minus, 2), 0xfffe);

    assert_int_equal(gguf_arr(g, "ss", GGUF_V_STR, &a, NULL), SOR_OK);
    static const char *const want[] = { "one", "", "three" };
    const uint8_t *at = a.data;
    for (int i = 0; i < 3; i++) {
        assert_true(gguf_arr_next(&a, &at, &s));
        assert_true(gguf_str_is(s, want[i]));
    }
    assert_false(gguf_arr_next(&a, &at, &s));
    assert_int_equal(gguf_arr(g, "is", GGUF_V_I32, &a, NULL), SOR_OK);
    assert_int_equal(gguf_scalar_i64(a.type, gguf_arr_at(&a, 1)), -6);

    gguf_close(g);
    str_release(&bytes);
    mkgguf_release(&m);
}

static void typed_reads_refuse_other_types(void **state)
{
    static const uint8_t minus[] = { 0xfe, 0xff, 0xff, 0xff };
    static const uint8_t big[] = { 0, 0, 0, 0, 1, 0, 0, 0 };
    struct mkgguf m;
    struct gguf *g = NULL;
    struct str bytes;
    struct sor_msg msg = { "" };
    struct gguf_str s;
    struct gguf_arr a;
    uint32_t u32 = 7;
    float f;
    int b;

    (void)state;
    mkgguf_init(&m);
    mkgguf_str(&m, "s", "text");
    mkgguf_i32s(&m, "is", (const int32_t[]){ 5 }, 1);
    mkgguf_raw(&m, "minus", GGUF_V_I32, minus, sizeof minus);
    mkgguf_raw(&m, "big", GGUF_V_U64, big, sizeof big);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    assert_int_equal(open_bytes(&bytes, &g, NULL), SOR_OK);

    assert_int_equal(gguf_u32(g, "s", &u32, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "\"s\" is of type str, not an integer"));
    assert_int_equal(gguf_u32(g, "minus", &u32, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "-2"));
    assert_int_equal(gguf_u32(g, "big", &u32, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "4294967296"));
    assert_int_equal(gguf_u32(g, "none", &u32, &msg), SOR_NOTFOUND);
    assert_int_equal(u32, 7);           /* left alone by all of them */
    assert_int_equal(gguf_f32(g, "s", &f, &msg), SOR_FORMAT);
    assert_int_equal(gguf_bool(g, "s", &b, &msg), SOR_FORMAT);
    assert_int_equal(gguf_str(g, "is", &s, &msg), SOR_FORMAT);
    assert_int_equal(gguf_arr(g, "s", GGUF_V_STR, &a, &msg), SOR_FORMAT);
    assert_int_equal(gguf_arr(g, "s", GGUF_V_U8, &a, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "\"s\" is of type str, not arr"));
    assert_int_equal(gguf_arr(g, "is", GGUF_V_STR, &a, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "array of i32, not of str"));

    gguf_close(g);
    str_release(&bytes);
    mkgguf_release(&m);
}

static void finds_tensors_where_they_lie(void **state)
{
    struct mkgguf m;
    struct gguf *g = NULL;
    struct str bytes;
    char data[64];

    (void)state;
    mkgguf_init(&m);
    m.align = 64;
    mkgguf_u32(&m, "general.alignment", 64);
    for (int i = 0; i < 20; i++) {      /* names in no order */
        char name[8] = { (char)('a' + i * 7 % 20), 0 };
        struct mkgguf_tensor t = { name, GGUF_Q8_0, 1, { 32 } };

        memset(data, i, sizeof data);
        mkgguf_tensor(&m, &t, data, 34);
    }
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    assert_int_equal(open_bytes(&bytes, &g, NULL), SOR_OK);
    for (int i = 0; i < 20; i++) {
        char name[8] = { (char)('a' + i * 7 % 20), 0 };
        const struct gguf_tensor *t = gguf_tensor(g, name);

        assert_ptr_equal(t, gguf_tensor_at(g, (size_t)i));
        assert_int_equal(t->type, GGUF_Q8_0);
        assert_int_equal(t->bytes, 34);
        assert_int_equal(t->data[33], i);
        assert_int_equal((t->data - gguf_map(g)) % 64, 0);
        assert_int_equal(t->dim[0], 32);
        assert_int_equal(t->dim[1], 1);
    }
    assert_null(gguf_tensor(g, "z"));
    assert_null(gguf_tensor(g, ""));
    gguf_close(g);
    str_release(&bytes);
    mkgguf_release(&m);
}

static void knows_every_type_by_name_and_size(void **state)
{
    (void)state;
    assert_string_equal(gguf_type_info(GGUF_Q4_1)->name, "Q4_1");
    assert_int_equal(gguf_type_info(GGUF_Q6_K)->bytes, 210);
    assert_int_equal(gguf_type_info(GGUF_IQ2_XS)->known, 0);
    assert_int_equal(gguf_type_info(GGUF_Q4_1)->known, 1);
    assert_null(gguf_type_info(4));     /* Q4_2, withdrawn */
    assert_null(gguf_type_info(GGUF_TYPES));
    assert_null(gguf_type_info(UINT32_MAX));
    assert_string_equal(gguf_vtype_name(GGUF_V_STR), "str");
    assert_string_equal(gguf_vtype_name(GGUF_VTYPES), "?");
    assert_int_equal(gguf_vtype_bytes(GGUF_V_U16), 2);
    assert_int_equal(gguf_vtype_bytes(GGUF_V_STR), 0);
}

/* --- what it refuses ----------------------------------------------------- */

static void refuses_what_is_no_file(void **state)
{
    struct gguf *g = NULL;
    struct sor_msg msg = { "" };
    char fifo[80];

    (void)state;
    assert_int_equal(gguf_open("/nowhere/model.gguf", &g, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "/nowhere/model.gguf: No such file"));
    assert_int_equal(gguf_open("/", &g, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "directory"));
    assert_int_equal(gguf_open("/dev/null", &g, &msg), SOR_IO);
    strcpy(fifo, path);
    strcat(fifo, ".fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(gguf_open(fifo, &g, &msg), SOR_IO);    /* at once */
    unlink(fifo);
    assert_null(g);
    gguf_close(NULL);
}

static void refuses_other_formats(void **state)
{
    struct str s;
    struct gguf *g = NULL;
    struct sor_msg msg;
    struct mkgguf m;

    (void)state;
    str_init(&s);
    str_puts(&s, "GGUF");
    assert_int_equal(open_bytes(&s, &g, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "4 bytes are too few"));
    str_puts(&s, " is the beginning of a text, and so on");
    s.p[0] = 'H';
    assert_int_equal(open_bytes(&s, &g, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "not a GGUF file"));
    str_release(&s);

    static const struct { uint32_t version; const char *part; } v[] = {
        { 0, "version 0" }, { 1, "version 1" }, { 4, "version 4" },
        { 0x03000000, "big-endian" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        mkgguf_init(&m);
        m.version = v[i].version;
        wants(&m, SOR_UNSUP, v[i].part);
    }
    mkgguf_init(&m);
    m.version = 2;
    wants(&m, SOR_OK, "");
}

static void refuses_impossible_counts(void **state)
{
    struct mkgguf m;

    (void)state;
    mkgguf_init(&m);
    m.n_kv = UINT64_MAX;
    wants(&m, SOR_FORMAT, "metadata count is 18446744073709551615");
    mkgguf_init(&m);
    m.n_tensor = UINT64_MAX / 2;
    wants(&m, SOR_FORMAT, "tensor count");
    mkgguf_init(&m);
    mkgguf_u32(&m, "k", 1);
    m.n_kv = 2;                         /* one more than there is */
    wants(&m, SOR_FORMAT, "metadata count is 2, but the 17 bytes left hold 1");
}

/* Rules 4 to 6, one malformed entry each. */
static void refuses_bad_metadata(void **state)
{
    static const struct {
        const char *key;
        uint32_t    type;
        const char *bytes;
        size_t      n;
        const char *part;
    } bad[] = {
        { "", GGUF_V_U32, "\0\0\0\0", 4, "key length is 0" },
        { "k", 13, "\0\0\0\0", 4, "value type of \"k\" is 13" },
        { "k", UINT32_MAX, "", 0, "value type" },
        { "k", GGUF_V_U32, "\0\0", 2, "takes 4 bytes, but 2 are left" },
        { "k", GGUF_V_BOOL, "\2", 1, "a bool of \"k\" is 2, outside 0..1" },
        { "k", GGUF_V_STR, "\377\377\377\377\377\377\377\377xx", 10,
          "18446744073709551615 bytes" },
        { "k", GGUF_V_ARR, "\4\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0", 16,
          "array count of \"k\" is 3, but the 4 bytes left hold 1 at most" },
        { "k", GGUF_V_ARR, "\10\0\0\0\377\377\377\377\377\377\377\377", 12,
          "array count" },
        { "k", GGUF_V_ARR, "\4\0\0\0\0\0\0\0\0\0\0\100", 12, "array count" },
        { "k", GGUF_V_ARR, "\11\0\0\0\0\0\0\0\0\0\0\0", 12, "arrays" },
        { "k", GGUF_V_ARR, "\15\0\0\0\0\0\0\0\0\0\0\0", 12, "element type" },
        { "general.alignment", GGUF_V_U32, "\0\0\0\0", 4, "alignment is 0" },
        { "general.alignment", GGUF_V_U32, "\4\0\0\0", 4, "alignment is 4" },
        { "general.alignment", GGUF_V_U32, "\60\0\0\0", 4, "is 48, not a" },
        { "general.alignment", GGUF_V_U32, "\0\0\1\0", 4, "is 65536" },
        { "general.alignment", GGUF_V_F32, "\0\0\0\0", 4, "type f32" },
    };
    struct mkgguf m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mkgguf_init(&m);
        mkgguf_raw(&m, bad[i].key, bad[i].type, bad[i].bytes, bad[i].n);
        wants(&m, SOR_FORMAT, bad[i].part);
    }
    mkgguf_init(&m);
    for (int i = 0; i < 100; i++) {
        char key[8] = { (char)('a' + i % 25), (char)('a' + i / 25), 0 };

        mkgguf_u32(&m, i == 77 ? "ca" : key, 1);
    }
    wants(&m, SOR_FORMAT, "\"ca\" is there twice");
    mkgguf_init(&m);
    char *key = mem_calloc(70000, 1);
    memset(key, 'k', 65536);
    mkgguf_u32(&m, key, 1);
    mem_free(key);
    wants(&m, SOR_FORMAT, "key length is 65536, outside 1..65535");
}

/* Rule 7, one malformed tensor each. */
static void refuses_bad_tensors(void **state)
{
#define NAME63 "0123456789012345678901234567890123456789012345678901234567890+2"
    static const struct {
        struct mkgguf_tensor t;
        size_t n;
        enum sor_err err;
        const char *part;
    } bad[] = {
        { { "", 0, 1, { 4 } }, 16, SOR_FORMAT, "name length is 0" },
        { { NAME63, 0, 1, { 4 } }, 16, SOR_OK, "" },
        { { NAME63 "x", 0, 1, { 4 } }, 16, SOR_FORMAT, "is 64, outside" },
        { { "t", 0, 0, { 4 } }, 16, SOR_FORMAT, "dimensions of \"t\" is 0" },
        { { "t", 0, 5, { 4, 1, 1, 1 } }, 16, SOR_FORMAT, "is 5, outside 1..4" },
        { { "t", 0, 2, { 4, 0 } }, 16, SOR_FORMAT, "a dimension of \"t\"" },
        { { "t", 4, 1, { 4 } }, 16, SOR_UNSUP, "type 4" },
        { { "t", 99, 1, { 4 } }, 16, SOR_UNSUP, "type 99" },
        { { "t", GGUF_Q4_0, 1, { 48 } }, 36, SOR_FORMAT, "blocks of 32" },
        { { "t", 0, 1, { 5 } }, 16, SOR_FORMAT, "needs 20 bytes" },
        { { "t", 0, 4, { 65536, 65536, 65536, 65536 } }, 16, SOR_FORMAT,
          "do not fit" },
        { { "t", 0, 2, { (uint64_t)1 << 61, 2 } }, 16, SOR_FORMAT, "not fit" },
        { { "t", 0, 1, { INT64_MAX } }, 16, SOR_FORMAT, "not fit" },
        { { "t", 0, 1, { UINT64_MAX } }, 16, SOR_FORMAT, "a dimension" },
    };
    struct mkgguf m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mkgguf_init(&m);
        mkgguf_tensor(&m, &bad[i].t, "0123456789abcdef0123456789abcdef0123",
                      bad[i].n);
        wants(&m, bad[i].err, bad[i].part);
    }
}

static void refuses_tensors_in_the_wrong_place(void **state)
{
    struct mkgguf_tensor a = { "a", 0, 1, { 16 } }, b = { "b", 0, 1, { 16 } };
    char data[64] = { 0 };
    struct mkgguf m;
    /* the offset is the last 8 bytes of a record */
#define OFFSET_OF_LAST(m) ((m).info.p + (m).info.len - 8)

    (void)state;
    mkgguf_init(&m);
    mkgguf_tensor(&m, &a, data, 64);
    mkgguf_tensor(&m, &b, data, 64);
    OFFSET_OF_LAST(m)[0] = 32;
    wants(&m, SOR_FORMAT, "\"a\" and \"b\" overlap");
    mkgguf_init(&m);
    mkgguf_tensor(&m, &a, data, 64);
    mkgguf_tensor(&m, &b, data, 64);
    OFFSET_OF_LAST(m)[0] = 65;
    wants(&m, SOR_FORMAT, "no multiple of the alignment 32");
    mkgguf_init(&m);
    mkgguf_tensor(&m, &a, data, 64);
    memset(OFFSET_OF_LAST(m), 0xff, 8);
    OFFSET_OF_LAST(m)[0] = (char)0xe0;
    wants(&m, SOR_FORMAT, "at offset 18446744073709551584");
    mkgguf_init(&m);
    mkgguf_tensor(&m, &a, data, 64);
    mkgguf_tensor(&m, &a, data, 64);
    wants(&m, SOR_FORMAT, "\"a\" is there twice");
}

/* --- no file at all hurts ------------------------------------------------ */

static void open_and_touch(int with_tokenizer, int *opened)
{
    struct model_hparams hp;
    struct gguf *g = NULL;
    struct tok *t = NULL;
    struct sor_msg msg = { "" };

    if (gguf_open(path, &g, &msg)) {
        assert_int_not_equal(msg.text[0], 0);
        return;
    }
    ++*opened;
    touch(g);
    msg.text[0] = 0;
    if (hparams_read(g, &hp, &msg))
        assert_int_not_equal(msg.text[0], 0);
    msg.text[0] = 0;
    if (with_tokenizer && tok_open(g, &t, &msg))
        assert_int_not_equal(msg.text[0], 0);
    tok_close(t);
    gguf_close(g);
}

/* Saves a one-layer model and returns the length of its header. */
static size_t save_small_model(struct str *bytes)
{
    struct gguf *g = NULL;

    mkmodel_bytes(&(struct mkmodel_opts){ .type = GGUF_Q4_0, .n_layer = 1 },
                  bytes);
    assert_int_equal(open_bytes(bytes, &g, NULL), SOR_OK);
    size_t header = gguf_header_bytes(g);
    gguf_close(g);
    return header;
}

static void survives_every_byte_of_the_header(void **state)
{
    struct str bytes;
    int opened = 0;

    (void)state;
    str_init(&bytes);
    size_t header = save_small_model(&bytes);
    int fd = open(path, O_RDWR);
    uint8_t *map = mmap(NULL, bytes.len, PROT_READ | PROT_WRITE, MAP_SHARED,
                        fd, 0);
    assert_true(map != MAP_FAILED);
    for (size_t i = 0; i < header; i++) {
        uint8_t was = map[i];
        const uint8_t to[] = { 0, 0xff, (uint8_t)(was + 1), was ^ 0x80 };

        for (int k = 0; k < 4; k++) {
            map[i] = to[k];
            /* compiling regexes is the slow part: one in 61 */
            open_and_touch((4 * i + (size_t)k) % 61 == 0, &opened);
        }
        map[i] = was;
    }
    munmap(map, bytes.len);
    close(fd);
    assert_true(opened > 0);
    str_release(&bytes);
}

static void survives_being_cut_anywhere(void **state)
{
    struct str bytes;
    int opened = 0;

    (void)state;
    str_init(&bytes);
    size_t header = save_small_model(&bytes);
    for (size_t n = bytes.len; n-- > 0; ) {
        if (n > header && n % 499 && n + 1 < bytes.len)
            continue;
        assert_int_equal(truncate(path, (off_t)n), 0);
        open_and_touch(0, &opened);
    }
    assert_int_equal(opened, 0);
    str_release(&bytes);
}

static void says_so_when_memory_ends(void **state)
{
    struct str bytes;
    struct gguf *g = NULL;
    int failed = 0;

    (void)state;
    str_init(&bytes);
    save_small_model(&bytes);
    for (uint64_t n = 1; !g && n < 100; n++) {
        mem_fail_at(n);
        enum sor_err err = gguf_open(path, &g, NULL);
        mem_fail_at(0);
        assert_true(err == SOR_OK || err == SOR_NOMEM);
        failed += err == SOR_NOMEM;
    }
    assert_non_null(g);
    assert_int_equal(failed, 7);        /* as many as it allocates */
    gguf_close(g);
    str_release(&bytes);
}

static void reads_the_real_model(void **state)
{
    const char *real = getenv("SORITES_TEST_MODEL");
    struct gguf *g = NULL;

    (void)state;
    if (!real)
        skip();         /* no model: second tier */
    assert_int_equal(gguf_open(real, &g, NULL), SOR_OK);
    assert_int_equal(gguf_n_tensors(g), 272);
    assert_int_equal(gguf_n_kv(g), 33);
    assert_int_equal(gguf_tensor(g, "token_embd.weight")->type, GGUF_Q8_0);
    assert_int_equal(gguf_tensor(g, "blk.29.attn_q.weight")->type, GGUF_Q4_1);
    gguf_close(g);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_every_kind_of_value),
        TEST(typed_reads_refuse_other_types),
        TEST(finds_tensors_where_they_lie),
        TEST(knows_every_type_by_name_and_size),
        TEST(refuses_what_is_no_file),
        TEST(refuses_other_formats),
        TEST(refuses_impossible_counts),
        TEST(refuses_bad_metadata),
        TEST(refuses_bad_tensors),
        TEST(refuses_tensors_in_the_wrong_place),
        TEST(survives_every_byte_of_the_header),
        TEST(survives_being_cut_anywhere),
        TEST(says_so_when_memory_ends),
        TEST(reads_the_real_model),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
