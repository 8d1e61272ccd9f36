/* Which model it is, and where another file differs from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/write.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "probe/model_id.h"
#include "tests/models.h"
#include "tests/prog.h"

static char db_path[128], copy_path[128];
static struct model_id id;              /* of the small model */
static int64_t model_row;
static struct db *db;

/* The small model's row and parts in a database of their own. */
static int setup(void **state)
{
    struct db_writer_opts o = { .wait = 0 };
    struct engine_opts eo = { .n_thread = 1 };
    struct db_writer *w;
    struct db_model row;
    struct engine *e;
    struct str full;

    if (!models_small() || prog_setup(state) != 0)
        return -1;
    snprintf(db_path, sizeof db_path, "%s/m.db", prog_dir);
    snprintf(copy_path, sizeof copy_path, "%s/copy.gguf", prog_dir);
    str_init(&full);
    if (model_id_read(models_small(), &id, NULL) ||
        engine_open(models_small(), &eo, &e, NULL) ||
        db_writer_open(db_path, &o, &w, NULL))
        return -1;
    model_id_row(&id, e, &full, &row);
    if (row.path[0] != '/' || row.n_layer < 1 || row.n_head < row.n_head_kv)
        return -1;
    if (db_begin(w, 0, NULL) ||
        db_put_model(w, &row, id.part, id.n_part, &model_row, NULL) ||
        db_commit(w, NULL, NULL))
        return -1;
    str_release(&full);
    db_writer_close(w);
    engine_close(e);
    return db_open(db_path, &db, NULL) == SOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    db_close(db);
    model_id_release(&id);
    return prog_teardown(state);
}

static void parts_are_the_header_and_every_tensor(void **state)
{
    struct gguf *g;
    uint8_t sha[SHA256_BYTES];

    (void)state;
    assert_int_equal(gguf_open(models_small(), &g, NULL), SOR_OK);
    assert_int_equal(id.n_part, gguf_n_tensors(g) + 1);
    assert_int_equal(id.bytes, gguf_size(g));
    assert_string_equal(id.part[0].name, "header");
    assert_int_equal(id.part[0].bytes, gguf_header_bytes(g));
    for (int i = 1; i < id.n_part; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, (size_t)i - 1);

        assert_memory_equal(id.part[i].name, t->name.p, t->name.n);
        assert_int_equal(id.part[i].bytes, t->bytes);
        assert_true(id.part[i].xxh3 == hash_xxh3(t->data, t->bytes, 0));
    }
    sha256_bytes(gguf_map(g), gguf_size(g), sha);
    assert_memory_equal(sha, id.sha256, sizeof sha);
    gguf_close(g);
}

static void the_job_gives_the_same(void **state)
{
    struct model_id_job job;
    struct model_id other;
    struct sor_msg msg;

    (void)state;
    model_id_begin(&job, models_small());
    assert_int_equal(model_id_finish(&job, &other, NULL), SOR_OK);
    assert_memory_equal(other.sha256, id.sha256, sizeof id.sha256);
    model_id_release(&other);

    model_id_begin(&job, "/nonexistent.gguf");
    assert_int_equal(model_id_finish(&job, &other, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "/nonexistent.gguf"));
}

/* Flips one byte of the copy at `at` and returns what the check says. */
static const char *check_flipped(size_t at)
{
    static struct sor_msg msg;
    struct model_id other;
    unsigned char *bytes;
    size_t n;

    bytes = prog_slurp(models_small(), &n);
    assert_non_null(bytes);
    assert_true(at < n);
    bytes[at] ^= 0x40;
    prog_spill(copy_path, bytes, n);
    free(bytes);
    assert_int_equal(model_id_read(copy_path, &other, NULL), SOR_OK);
    assert_int_equal(model_id_check(db, model_row, &other, &msg),
                     SOR_DIFFERS);
    model_id_release(&other);
    return msg.text;
}

static void a_flipped_byte_names_its_tensor(void **state)
{
    struct gguf *g;

    (void)state;
    assert_int_equal(model_id_check(db, model_row, &id, NULL), SOR_OK);
    assert_int_equal(gguf_open(models_small(), &g, NULL), SOR_OK);
    for (size_t i = 0; i < gguf_n_tensors(g); i += 5) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        size_t first = (size_t)(t->data - gguf_map(g));
        char name[80];

        snprintf(name, sizeof name, "tensor %.*s (", (int)t->name.n,
                 t->name.p);
        assert_non_null(strstr(check_flipped(first), name));
        assert_non_null(strstr(check_flipped(first + t->bytes - 1), name));
    }
    gguf_close(g);
}

static void a_model_that_is_not_there_is_said(void **state)
{
    struct sor_msg msg;

    (void)state;
    assert_int_equal(model_id_check(db, model_row + 7, &id, &msg),
                     SOR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_header_and_every_tensor),
        cmocka_unit_test(the_job_gives_the_same),
        cmocka_unit_test(a_flipped_byte_names_its_tensor),
        cmocka_unit_test(a_model_that_is_not_there_is_said),
    };

    return cmocka_run_group_tests_name("model_id", tests, setup, teardown);
}
