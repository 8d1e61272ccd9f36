/* bench/cookbook.c - how long each query of docs/cookbook.md takes.
 *
 *     cookbook DB [TOKENS]     makes DB, of a million tokens, if it is not
 *                              there, and exits 1 where a query takes 1 s
 *     cookbook --make DB [TOKENS]    only makes it
 *
 * The file's pages are in the cache of the system, as after a first look. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/sql.h"
#include "tests/cookbook.h"

enum { TOKENS = 1000000, PATHS = 8, PATH_TOKENS = 2000, REPEAT = 3 };

static const uint64_t limit_ns = 1000000000u;

static enum sor_err columns(void *ud, int n, const char *const *name)
{
    (void)ud, (void)n, (void)name;
    return SOR_OK;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    (void)n, (void)v;
    ++*(int *)ud;
    return SOR_OK;
}

/* The best of REPEAT, in *ns. */
static enum sor_err measure(struct sql *s, const char *text, int *n_row,
                            uint64_t *ns, struct sor_msg *msg)
{
    const struct sql_sink sink = { n_row, columns, row };
    struct sql_result r;
    enum sor_err err = SOR_OK;

    *ns = UINT64_MAX;
    for (int i = 0; i < REPEAT && !err; i++) {
        uint64_t from = clock_mono_ns();

        *n_row = 0;
        err = sql_run(s, text, &sink, &r, msg);
        if (clock_mono_ns() - from < *ns)
            *ns = clock_mono_ns() - from;
    }
    return err;
}

static enum sor_err measure_all(const char *db, int *n_slow,
                                struct sor_msg *msg)
{
    static struct cookbook page[COOKBOOK_MAX];
    int n = cookbook_read("docs/cookbook.md", page);
    struct sql *s = NULL;
    enum sor_err err = n > 0 ? sql_open(db, &(struct sql_opts){ 0 }, &s, msg)
                             : sor_fail(msg, SOR_IO, "docs/cookbook.md: not "
                                        "here; start in the project's root");

    for (int i = 0; i < n && !err; i++) {
        uint64_t ns;
        int n_row = 0;

        err = measure(s, page[i].sql, &n_row, &ns, msg);
        if (!err)
            printf("%8.1f ms %6d rows  %s\n", (double)ns / 1e6, n_row,
                   page[i].title);
        *n_slow += !err && ns >= limit_ns;
    }
    sql_close(s);
    return err;
}

static enum sor_err make(const char *db, long n_token, struct sor_msg *msg)
{
    long each = n_token / PATHS < PATH_TOKENS ? n_token / PATHS : PATH_TOKENS;
    int n_run = (int)((n_token + PATHS * each - 1) / (PATHS * each));

    if (access(db, F_OK) == 0)
        return SOR_OK;
    fprintf(stderr, "making %s: %d runs of %d paths of %ld tokens\n", db,
            n_run, PATHS, each);
    return cookbook_db(db, n_run < 3 ? 3 : n_run, (int)each, msg);
}

int main(int argc, char **argv)
{
    int only_make = argc > 1 && strcmp(argv[1], "--make") == 0, n_slow = 0;
    const char *db = argc > 1 + only_make ? argv[1 + only_make] : NULL;
    long n_token = argc > 2 + only_make ? atol(argv[2 + only_make]) : TOKENS;
    struct sor_msg msg = { "" };
    enum sor_err err;

    if (!db || n_token < 3 * PATHS) {
        fprintf(stderr, "cookbook [--make] DB [TOKENS]\n");
        return 2;
    }
    err = make(db, n_token, &msg);
    if (!err && !only_make)
        err = measure_all(db, &n_slow, &msg);
    if (err)
        fprintf(stderr, "cookbook: %s\n", msg.text);
    return err ? 3 : n_slow > 0;
}
