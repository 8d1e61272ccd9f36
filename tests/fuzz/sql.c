/* Whatever is typed at the SQL console changes nothing. */
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "db/sql.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkdb.h"

static enum sor_err columns(void *ud, int n, const char *const *name)
{
    (void)ud;
    for (int i = 0; i < n; i++)
        FUZZ_CHECK(name[i] != NULL);
    return SOR_OK;
}

static enum sor_err row(void *ud, int n, const struct sql_value *v)
{
    size_t *bytes = ud;

    for (int i = 0; i < n; i++)
        *bytes += v[i].n;
    return SOR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct sql *s;
    static char path[96];
    static struct stat before;
    struct stat after;
    size_t bytes = 0;
    struct sql_sink sink = { &bytes, columns, row };
    struct sql_result result;
    struct sor_msg msg = { "" };
    struct mkdb_opts small = { .n_run = 1, .n_path = 2 };
    struct sql_opts o = { .max_row = 100, .max_ms = 200 };
    char *text = mem_strndup((const char *)p, n);

    if (!s) {
        snprintf(path, sizeof path, "%s/t.db", fuzz_dir());
        FUZZ_CHECK(!mkdb(path, &small, NULL));
        FUZZ_CHECK(!stat(path, &before) && !sql_open(path, &o, &s, NULL));
    }
    FUZZ_CHECK(text != NULL);
    sql_complete(text);
    sql_run(s, text, &sink, &result, &msg);
    FUZZ_CHECK(!stat(path, &after));
    FUZZ_CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
               after.st_mtim.tv_nsec == before.st_mtim.tv_nsec &&
               after.st_size == before.st_size);
    mem_free(text);
    return 0;
}
