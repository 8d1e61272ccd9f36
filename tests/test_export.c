/* export and import as a script meets them, and db/dump.c, db/load.c below:
 * what goes out comes back, row for row, and only once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/load.h"
#include "db/portable.h"
#include "tests/mkdb.h"
#include "tests/prog.h"

static char *path_of(const char *leaf)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return path;
}

static int setup(void **state)
{
    struct sor_msg msg;
    struct mkdb_opts o = { .n_run = 3, .heads = 1, .hostile = 1 };

    (void)state;
    for (const char *p = "tuv"; *p; p++) {
        char leaf[8] = { *p, '.', 'd', 'b' };

        unlink(path_of(leaf));
    }
    return mkdb(path_of("t.db"), &o, &msg) == SOR_OK ? 0 : -1;
}

static char *slurp_text(const char *leaf)
{
    size_t n = 0;
    unsigned char *p = prog_slurp(path_of(leaf), &n);
    char *text = p ? realloc(p, n + 1) : NULL;

    assert_non_null(text);
    text[n] = '\0';
    return text;
}

static void same_file(const char *a, const char *b)
{
    char *x = slurp_text(a), *y = slurp_text(b);

    assert_true(strlen(x) > 1000);
    assert_int_equal(strcmp(x, y), 0);
    free(x);
    free(y);
}

static void what_goes_out_comes_back(void **state)
{
    (void)state;
    assert_int_equal(prog_run("export --db t.db --all -o a.jsonl"), 0);
    assert_int_equal(prog_run("import --db u.db a.jsonl"), 0);
    assert_string_equal(prog_out, "3 runs added, 0 there already\n");
    assert_int_equal(prog_run("export --db u.db --all -o b.jsonl"), 0);
    same_file("a.jsonl", "b.jsonl");
    assert_int_equal(prog_run("verify --chain u.db"), 0);
    assert_int_equal(prog_run("import --db u.db --json a.jsonl"), 0);
    assert_string_equal(prog_out, "{\"added\":0,\"known\":3,\"forgotten\":0,"
                        "\"refused\":0}\n");
}

/* Ids differ where other runs came first; what is exported does not. */
static void another_database_is_merged_once(void **state)
{
    struct mkdb_opts o = { .n_run = 2, .first = 7, .heads = 1 };
    struct sor_msg msg;

    (void)state;
    assert_int_equal(mkdb(path_of("u.db"), &o, &msg), SOR_OK);
    assert_int_equal(prog_run("import --db u.db t.db"), 0);
    assert_string_equal(prog_out, "3 runs added, 0 there already\n");
    assert_int_equal(prog_run("import --db u.db t.db"), 0);
    assert_string_equal(prog_out, "0 runs added, 3 there already\n");
    assert_int_equal(prog_run("verify --chain u.db"), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(prog_run("export --db %c.db 3fa20000 3fa20001 "
                                  "3fa20002 -o %c.jsonl", "tu"[i], "ab"[i]),
                         0);
    same_file("a.jsonl", "b.jsonl");
}

static void forgotten_runs_stay_forgotten(void **state)
{
    (void)state;
    assert_int_equal(prog_run("forget -y --db t.db 3fa20000"), 0);
    assert_int_equal(prog_run("export --db t.db 3fa20000"), 4);
    prog_expect_sentence("was forgotten");
    assert_int_equal(prog_run("export --db t.db -f otlp 3fa20000"), 4);
    assert_int_equal(prog_run("import --db u.db t.db"), 0);
    assert_string_equal(prog_out, "2 runs added, 0 there already, 1 forgotten "
                        "where they come from\n");
    assert_int_equal(prog_run("export --db t.db --all"), 0);
    assert_non_null(strstr(prog_err, "1 run is left out: forgotten"));
    assert_int_equal(prog_run("export --db t.db --all 3fa20001"), 2);
    assert_non_null(strstr(prog_err, "not both"));
}

/* With -q only what fails is said; --json is a result that was asked for. */
static void quiet_imports_say_nothing(void **state)
{
    (void)state;
    assert_int_equal(prog_run("import -q --db u.db t.db"), 0);
    assert_string_equal(prog_out, "");
    assert_string_equal(prog_err, "");
    assert_int_equal(prog_run("import -q --json --db u.db t.db"), 0);
    assert_non_null(strstr(prog_out, "\"known\":3"));
}

/* A sign of text changed, a row left out, the end cut off: the run is refused,
 * the one after it is stored. */
static void damaged_runs_are_refused_whole(void **state)
{
    static const struct { const char *script, *says; } list[] = {
        { "0,/\"body\":\"/s//&X/", "is not the hash of the body" },
        { "0,/^{\"step\":/{/^{\"step\":/d}", "out of order" },
        { "0,/^{\"end\":/{/^{\"end\":/d}", "was cut off" },
        { "0,/^{\"loss\\|^{\"edge\":.*/s/\"measured\":\"[a-z]*\"/"
          "\"measured\":\"guessed\"/", ": its values break the rule measured" },
        { "0,/^{\"token\":/s/\"pos\":[0-9]*,//", ": pos is missing" },
        { "0,/^{\"path\":.*\"ordinal\":1,/s/\"ordinal\":1,/\"ordinal\":0,/",
          ": run_id, ordinal stands twice" },
        { "0,/\"src_kind\":\"step\"/s//\"src_kind\":\"mars\"/",
          "unknown kind" },
        { "0,/\"step_id\":[0-9]*/s//\"step_id\":99999/",
          "names no row before" },
    };
    char command[256];

    (void)state;
    assert_int_equal(prog_run("export --db t.db --all -o a.jsonl"), 0);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        snprintf(command, sizeof command, "cd %s && sed '%s' a.jsonl > "
                 "c.jsonl && rm -f u.db", prog_dir, list[i].script);
        assert_int_equal(system(command), 0);
        assert_int_equal(prog_run("import --db u.db c.jsonl"), 3);
        assert_string_equal(prog_out, "2 runs added, 0 there already\n");
        assert_non_null(strstr(prog_err, list[i].says));
        assert_non_null(strstr(prog_err, "1 records refused"));
        assert_int_equal(prog_run("verify --chain u.db"), 0);
    }
}

/* Numbers that no run has are named with their limit, and cost that run. */
static void impossible_numbers_are_refused(void **state)
{
    static const struct { const char *set, *says; } odd[] = {
        { "UPDATE run SET n_path = -5", "run 1: n_path: -5 is not within" },
        { "UPDATE run SET n_path = 1 << 40", "n_path: 1099511627776 is not" },
        { "UPDATE run SET n_path = 1", "n_path is 1, and there are" },
        { "UPDATE path SET ordinal = 700 WHERE ordinal = 1",
          "a path has the ordinal 700" },
        { "UPDATE path SET ordinal = 1 << 33 WHERE ordinal = 1",
          "ordinal: 8589934592 is not within" },
        { "UPDATE run SET n_prompt = -1", "n_prompt: -1 is not within" },
        { "UPDATE step SET tok_to = 1 << 40", "tok_to: is over 32 bits" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        setup(NULL);
        assert_int_equal(prog_run("sql -q --write t.db '%s'", odd[i].set), 0);
        assert_int_equal(prog_run("export last --db t.db -o odd.jsonl"), 0);
        assert_int_equal(prog_run("import odd.jsonl --db u.db"), 3);
        if (!strstr(prog_err, odd[i].says))
            fail_msg("%s: %s", odd[i].set, prog_err);
        assert_int_equal(prog_run("runs --json --db u.db"), 0);
        assert_string_equal(prog_out, "");
    }
}

static void packed_files_are_told(void **state)
{
    (void)state;
    prog_spill(path_of("x.gz"), "\x1f\x8b\x08\x00\n{}\n", 8);
    assert_int_equal(prog_run("import x.gz --db u.db"), 3);
    prog_expect_sentence("x.gz: compressed with gzip; unpack it first");
    assert_int_equal(prog_run("import - --db u.db <x.gz"), 3);
    prog_expect_sentence("stdin: compressed with gzip; unpack it first");
}

static void spans_keep_paths_and_texts(void **state)
{
    static const char query[] = "SELECT p.ordinal, p.text, p.n_token, r.prompt "
        "FROM v_path p JOIN v_run r ON r.id = p.run_id "
        "WHERE p.run_id = 1 ORDER BY 1";
    char *before;

    (void)state;
    assert_int_equal(prog_run("sql --db t.db --json \"%s\"", query), 0);
    before = strdup(prog_out);
    assert_int_equal(prog_run("export --db t.db -f otlp 3fa20000 -o o.json"),
                     0);
    assert_int_equal(prog_run("import --db u.db o.json"), 0);
    assert_int_equal(prog_run("sql --db u.db --json \"%s\"", query), 0);
    assert_true(strlen(before) > 1000);
    assert_string_equal(before, prog_out);
    free(before);
    char *text = slurp_text("o.json");
    assert_non_null(strstr(text, "\"name\":\"gen_ai.evaluation.result\""));
    assert_non_null(strstr(text, "\"traceId\":\"3fa20000"));
    free(text);
}

/* A pretty document is no list of lines, and a broken first line no document
 * that would hide the rest. */
static void documents_and_lines_are_told_apart(void **state)
{
    static const char pretty[] = "[\n  {\"question\": \"a\",\n"
        "   \"completion\": \"It is 1.\"},\n  {\"question\": \"b\",\n"
        "   \"completion\": \"It is 2.\"}\n]\n";
    static const char broken[] = "{\"question\": \"cut\n"
        "{\"question\":\"c\",\"completion\":\"It is 3.\"}\n";

    (void)state;
    prog_spill(path_of("p.json"), pretty, sizeof pretty - 1);
    prog_spill(path_of("l.jsonl"), broken, sizeof broken - 1);
    assert_int_equal(prog_run("import --db u.db p.json"), 0);
    assert_string_equal(prog_out, "2 runs added, 0 there already\n");
    assert_int_equal(prog_run("import --db u.db l.jsonl"), 3);
    assert_string_equal(prog_out, "1 runs added, 0 there already\n");
    assert_non_null(strstr(prog_err, "l.jsonl:1:"));
    assert_int_equal(prog_run("import --db u.db none.jsonl"), 3);
    assert_int_equal(prog_run("import --db u.db ."), 3);
}

static void any_view_is_csv(void **state)
{
    /* SQLite's own: the schema, and tables that exist in every connection */
    static const char *const foreign[] = {
        "sqlite_master", "sqlite_schema", "pragma_table_list",
    };

    (void)state;
    assert_int_equal(prog_run("export --db t.db -f csv --view v_vote "
                              "3fa20002"), 0);
    assert_int_equal(strncmp(prog_out, "run_id,uid,answer,", 18), 0);
    assert_non_null(strstr(prog_out, "3fa20002"));
    assert_null(strstr(prog_out, "3fa20000"));
    assert_int_equal(prog_run("export --db t.db -f csv --view v_layer "
                              "3fa20002"), 0);
    assert_int_equal(prog_run("export --db t.db -f csv --view v_run"), 0);
    assert_non_null(strstr(prog_out, "3fa20000"));
    assert_int_equal(prog_run("export --db t.db -f csv last"), 2);
    assert_int_equal(prog_run("export --db t.db -f csv --view 'x;y'"), 2);
    assert_int_equal(prog_run("export --db t.db -f csv --view v_none"), 2);
    assert_non_null(strstr(prog_err, "--view v_none: there is none"));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_int_equal(prog_run("export --db t.db -f csv --view %s",
                                  foreign[i]), 2);
        assert_non_null(strstr(prog_err, "there is none"));
    }
    assert_int_equal(prog_run("export --db t.db"), 2);
    assert_int_equal(prog_run("export --db t.db ffff"), 4);
}

/* Who adds a table must say here what its ids name: a column that ends in _id
 * and names no row of another table would go out as a number that means
 * nothing elsewhere. */
static void every_id_is_known_for_one(void **state)
{
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        struct portable p = { .n = 0 };

        portable_init(&p, (enum table)k);
        assert_int_equal(portable_find(&p, "id"), 0);
        assert_int_equal(portable_find(&p, "none"), -1);
        for (int i = 1; i < p.n; i++) {
            size_t n = strlen(p.column[i]);

            if (n > 3 && strcmp(p.column[i] + n - 3, "_id") == 0 &&
                !portable_is_token(&p, i) &&
                portable_ref(&p, i, NULL) == TABLES)
                fail_msg("%s.%s", tables[k].name, p.column[i]);
        }
    }
}

/* 689 real traces of DeepSeek-R1; the time is for a machine of two cores. */
static void real_traces_go_in_at_once(void **state)
{
    const char *shared = getenv("SORITES_SHARED");
    char file[256], command[512];
    struct timespec from, to;

    (void)state;
    snprintf(file, sizeof file, "%s/data/traces_r1_medical/dev.jsonl.gz",
             shared ? shared : "../shared");
    if (access(file, R_OK) != 0) {
        print_message("no %s\n", file);
        skip();
    }
    snprintf(command, sizeof command, "zcat '%s' > '%s'", file,
             path_of("r1.jsonl"));
    assert_int_equal(system(command), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(prog_run("import --db v.db r1.jsonl"), 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_string_equal(prog_out, "689 runs added, 0 there already\n");
    print_message("%ld s\n", (long)(to.tv_sec - from.tv_sec));
    assert_int_equal(prog_run("sql --db v.db --json \"SELECT count(*) > 50000 "
        "AS steps, sum(role = 'conclude') > 600 AS ends FROM v_step\""), 0);
    assert_string_equal(prog_out, "{\"steps\":1,\"ends\":1}\n");
}

#define EACH(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_goes_out_comes_back),
        EACH(another_database_is_merged_once),
        EACH(forgotten_runs_stay_forgotten),
        EACH(quiet_imports_say_nothing),
        EACH(damaged_runs_are_refused_whole),
        EACH(impossible_numbers_are_refused),
        EACH(packed_files_are_told),
        EACH(spans_keep_paths_and_texts),
        EACH(documents_and_lines_are_told_apart),
        EACH(any_view_is_csv),
        EACH(real_traces_go_in_at_once),
        cmocka_unit_test(every_id_is_known_for_one),
    };

    return cmocka_run_group_tests_name("export", tests, prog_setup,
                                       prog_teardown);
}
