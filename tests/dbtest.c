/* tests/dbtest.c - see dbtest.h. */
#include "tests/dbtest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/mkdb.h"

struct dbtest t;

int dbtest_setup(void **state)
{
    (void)state;
    if (mkdb_dir(t.dir) != 0)
        return -1;
    snprintf(t.path, sizeof t.path, "%s/t.db", t.dir);
    snprintf(t.other, sizeof t.other, "%s/other", t.dir);
    t.msg.text[0] = '\0';
    return 0;
}

int dbtest_teardown(void **state)
{
    (void)state;
    unlink(t.other);
    rmdir(t.other);
    mkdb_dir_remove(t.dir);
    return 0;
}

void dbtest_ok(enum sor_err err, const char *file, int line)
{
    if (err)
        fail_msg("%s:%d: %s: %s", file, line, sor_err_text(err), t.msg.text);
}

void dbtest_make(int n_run)
{
    OK(mkdb(t.path, &(struct mkdb_opts){ .n_run = n_run, .heads = 1 },
            &t.msg));
}

struct db *dbtest_reader(void)
{
    struct db *d = NULL;

    OK(db_open(t.path, &d, &t.msg));
    return d;
}

struct db_writer *dbtest_writer(void)
{
    struct db_writer *w = NULL;

    OK(db_writer_open(t.path, NULL, &w, &t.msg));
    return w;
}

int64_t dbtest_put_run(struct db_writer *w, const char *uid)
{
    struct db_put_run r = { .uid = uid, .kind = "run", .chat = "none",
                            .route = "off", .kv_type = "f16", .isa = "ref",
                            .level = "tokens", .program = "1", .params = "{}",
                            .n_path = 1, .started_us = 5 };
    int64_t id = 0;

    OK(db_put_text(w, uid, strlen(uid), &r.prompt_id, &t.msg));
    OK(db_put_run(w, &r, &id, &t.msg));
    return id;
}

uint8_t *dbtest_bytes(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p;
    long size;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    p = mem_alloc((size_t)size);
    assert_non_null(p);
    *n = fread(p, 1, (size_t)size, f);
    fclose(f);
    return p;
}
