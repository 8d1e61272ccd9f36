/* tests/dbtest.h - what the tests of db/ share: a folder and a database of
 * their own, made for each test and removed after it. */
#ifndef TESTS_DBTEST_H
#define TESTS_DBTEST_H

#include <stdint.h>

#include "db/write.h"

struct dbtest {
    char dir[64], path[128];        /* path: DIR/t.db, not made yet */
    char other[128];                /* DIR/other, removed afterwards */
    struct sor_msg msg;
};
extern struct dbtest t;

int dbtest_setup(void **state);
int dbtest_teardown(void **state);
#define DBTEST(f) \
    cmocka_unit_test_setup_teardown(f, dbtest_setup, dbtest_teardown)

/* Fails the test with t.msg where the call does not return SOR_OK. */
void dbtest_ok(enum sor_err err, const char *file, int line);
#define OK(call) dbtest_ok((call), __FILE__, __LINE__)

void dbtest_make(int n_run);        /* mkdb(), heads too */
struct db *dbtest_reader(void);
struct db_writer *dbtest_writer(void);
/* Puts a run with its prompt into the open batch. */
int64_t dbtest_put_run(struct db_writer *w, const char *uid);
/* The file's whole content; freed with mem_free(). */
uint8_t *dbtest_bytes(const char *path, size_t *n);

#endif
