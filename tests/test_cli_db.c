/* runs, sql, rm, forget, seal and verify as a script meets them. */
#define _XOPEN_SOURCE 700       /* posix_openpt() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "db/write.h"
#include "tests/mkdb.h"
#include "tests/prog.h"

static char db[128];

static int setup(void **state)
{
    struct sor_msg msg;
    struct mkdb_opts o = { .n_run = 3 };

    (void)state;
    snprintf(db, sizeof db, "%s/t.db", prog_dir);
    unlink(db);
    return mkdb(db, &o, &msg) == SOR_OK ? 0 : -1;
}

/* The value of a key in the first line of JSON on stdout; "" where absent. */
static const char *json_of(const char *key)
{
    static char out[256];
    struct sor_msg msg;
    cJSON *tree;

    assert_int_equal(json_parse(prog_out, strcspn(prog_out, "\n"), "stdout",
                                &tree, &msg), SOR_OK);
    cJSON *v = cJSON_GetObjectItem(tree, key);
    if (cJSON_IsString(v))
        snprintf(out, sizeof out, "%s", v->valuestring);
    else if (cJSON_IsNumber(v))
        snprintf(out, sizeof out, "%.12g", v->valuedouble);
    else
        snprintf(out, sizeof out, "%s", cJSON_IsTrue(v) ? "true" : "");
    cJSON_Delete(tree);
    return out;
}

static int lines(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static void runs_are_listed(void **state)
{
    (void)state;
    assert_int_equal(prog_run("runs t.db"), 0);
    assert_int_equal(lines(prog_out), 4);
    assert_non_null(strstr(prog_out, "3fa20002"));
    assert_non_null(strstr(prog_out, "6/8"));
    assert_non_null(strstr(prog_out, "Toy 135M"));
    assert_non_null(strstr(prog_out, "complete"));
    assert_int_equal(prog_run("runs --json --db t.db -n 1"), 0);
    assert_int_equal(lines(prog_out), 1);
    assert_string_equal(json_of("run"), "3fa2000200c0ffee00abcdef00000002");
    assert_string_equal(json_of("answer"), "8");
    assert_string_equal(json_of("votes"), "6");
    assert_string_equal(json_of("status"), "complete");
    assert_int_equal(prog_run("runs t.db --json --like caf"), 0);
    assert_string_equal(json_of("answer"), "yes");
    assert_int_equal(prog_run("runs t.db --like nothing-of-the-kind"), 0);
    assert_string_equal(prog_out, "");
}

static void a_run_without_an_end_was_cut_off(void **state)
{
    struct sor_msg msg;
    struct mkdb_opts o = { .n_run = 1, .unfinished = 1 };
    struct db_writer *w = NULL;

    (void)state;
    unlink(db);
    assert_int_equal(mkdb(db, &o, &msg), SOR_OK);
    assert_int_equal(prog_run("runs t.db --json"), 0);
    assert_string_equal(json_of("status"), "cut off");
    /* what is recorded is shown, and no more than that is claimed */
    assert_int_equal(prog_run("replay --db t.db last"), 0);
    assert_non_null(strstr(prog_out, "cut off"));
    assert_non_null(strstr(prog_out, "not known"));
    assert_null(strstr(prog_out, "identical"));
    assert_null(strstr(prog_out, " 0 tokens"));
    assert_int_equal(prog_run("replay --json --db t.db last"), 0);
    assert_string_equal(json_of("status"), "cut off");
    assert_int_not_equal(strcmp(json_of("tokens"), "0"), 0);
    assert_int_equal(db_writer_open(db, NULL, &w, &msg), SOR_OK);
    assert_int_equal(prog_run("runs t.db --json"), 0);
    assert_string_equal(json_of("status"), "recording");
    assert_int_equal(prog_run("replay --db t.db last"), 0);
    assert_non_null(strstr(prog_out, ", recording"));
    assert_null(strstr(prog_out, "cut off"));
    assert_int_equal(prog_run("rm -y --db t.db last"), 3);
    prog_expect_sentence("is writing to it");
    db_writer_close(w);
}

static void sql_answers(void **state)
{
    (void)state;
    assert_int_equal(prog_run("sql t.db \"SELECT answer, votes, NULL AS n, "
                              "x'00ff' AS b FROM v_vote WHERE run_id = 1\""),
                     0);
    assert_string_equal(prog_out, "answer  votes  n     b\n"
                                  "8           6  NULL  00ff (2 B)\n"
                                  "12          2  NULL  00ff (2 B)\n");
    assert_int_equal(prog_run("sql --json t.db \"SELECT 0.1 AS r, 'a' || "
                              "char(10) || 'b' AS t, 9007199254740993 AS i, "
                              "x'0a' AS b, NULL AS n\""), 0);
    assert_string_equal(prog_out, "{\"r\":0.1,\"t\":\"a\\nb\","
                        "\"i\":9007199254740993,\"b\":\"0a\",\"n\":null}\n");
    assert_int_equal(prog_run("sql --csv t.db \"SELECT 'a,b' AS t, 'c' || "
                              "char(34) || 'd' AS q, '' AS e, NULL AS n, "
                              "0.5 AS r\""), 0);
    assert_string_equal(prog_out, "t,q,e,n,r\r\n"
                                  "\"a,b\",\"c\"\"d\",\"\",,0.5\r\n");
    /* the rows that a table is measured by end before 1000 */
    assert_int_equal(prog_run("sql t.db 'WITH RECURSIVE c(n) AS (SELECT 0 "
                              "UNION ALL SELECT n + 1 FROM c LIMIT 1002) "
                              "SELECT n, n AS m FROM c'"), 0);
    assert_non_null(strstr(prog_out, "\n1000  1000\n1001  1001\n"));
    assert_int_equal(prog_run("sql --db t.db 'SELECT count(*) FROM run'"), 0);
    assert_int_equal(prog_run("sql -o x.txt t.db 'SELECT 7 AS n'"), 0);
    assert_string_equal(prog_out, "");
}

/* Runs `sql t.db` on a script and returns the exit code. */
static int script(const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/script", prog_dir);
    prog_spill(path, text, strlen(text));
    return prog_run("sql t.db <script");
}

static void sql_reads_scripts(void **state)
{
    (void)state;
    assert_int_equal(script("SELECT 1 AS\na;\n.mode json\n"
                            "SELECT 2 AS b; SELECT 3 AS c\n"), 0);
    assert_string_equal(prog_out, "a\n1\n{\"b\":2}\n{\"c\":3}\n");
    assert_int_equal(script(".tables\n.schema loss\n.help\n.nothing\n.quit\n"
                            "SELECT 9 AS late;\n"), 0);
    assert_non_null(strstr(prog_out, "v_layer"));
    assert_non_null(strstr(prog_out, "CREATE TABLE loss"));
    assert_null(strstr(prog_out, "late"));
    assert_non_null(strstr(prog_err, ".nothing"));
    assert_int_equal(script("SELEKT 1;\nSELECT 2 AS b;\n"), 2);
    assert_string_equal(prog_out, "");
}

static void sql_refuses(void **state)
{
    (void)state;
    assert_int_equal(prog_run("sql t.db 'DELETE FROM token'"), 2);
    assert_non_null(strstr(prog_err, "--write"));
    assert_int_equal(prog_run("sql t.db \"VACUUM INTO 'copy.db'\""), 2);
    assert_int_equal(prog_run("sql missing.db"), 3);
    prog_expect_sentence("missing.db");
    assert_int_equal(prog_run("sql missing.db 'SELECT 1'"), 3);
    prog_expect_sentence("missing.db");
    assert_int_equal(prog_run("sql . 'SELECT 1'"), 3);
    prog_expect_sentence("directory");
    assert_int_equal(prog_run("sql t.db 'SELECT a.n FROM number a, number b' "
                              "--json"), 0);
    assert_int_equal(lines(prog_out), 10000);
    assert_non_null(strstr(prog_err, "10000 rows"));
    assert_int_equal(prog_run("sql t.db --seconds 0.2 'SELECT count(*) FROM "
                              "number a, number b, number c'"), 0);
    assert_non_null(strstr(prog_err, "stopped after 0.2 s"));
    assert_int_equal(prog_run("sql t.db --csv --json 'SELECT 1'"), 2);
    assert_non_null(strstr(prog_err, "say one"));
    assert_int_equal(prog_run("sql t.db --csv --markdown 'SELECT 1'"), 2);
    assert_string_equal(prog_out, "");
}

/* This database was recorded without heads; where there is no such token
 * nothing can be computed either. */
static void heads_say_how_to_compute_them(void **state)
{
    (void)state;
    assert_int_equal(prog_run("sql t.db --json \"SELECT compute, layer IS NULL "
                              "AS n FROM heads('last:2', 9)\""), 0);
    assert_string_equal(json_of("compute"), "sorites attention 3fa20002:2@9  "
                                            "# then v_attention");
    assert_string_equal(json_of("n"), "1");
    assert_int_equal(lines(prog_out), 1);
    assert_int_equal(prog_run("sql t.db --json \"SELECT compute FROM "
                              "heads('last:2')\""), 0);
    assert_string_equal(json_of("compute"), "sorites attention 3fa20002:2@POS"
                                            "  # then v_attention");
    assert_int_equal(prog_run("sql t.db --json \"SELECT compute FROM "
                              "heads('last:2', 99999)\""), 0);
    assert_string_equal(prog_out, "");
}

static void rm_and_forget_ask_first(void **state)
{
    (void)state;
    assert_int_equal(prog_run("rm --db t.db last </dev/null"), 2);
    assert_non_null(strstr(prog_err, "-y"));
    assert_int_equal(prog_run("rm -y --db t.db last"), 0);
    assert_int_equal(prog_run("forget --yes --db t.db last"), 0);
    assert_int_equal(prog_run("forget --yes --db t.db last"), 2);
    assert_int_equal(prog_run("runs t.db --json"), 0);
    assert_int_equal(lines(prog_out), 2);
    assert_string_equal(json_of("question"), "");
    assert_string_equal(json_of("votes"), "6");
    assert_int_equal(prog_run("replay --db t.db last"), 0);
    assert_non_null(strstr(prog_out, "(forgotten)"));
    assert_null(strstr(prog_out, "12"));
    assert_int_equal(prog_run("replay --db t.db --json last"), 0);
    assert_int_equal(prog_run("rm -y --db t.db beef"), 4);
    prog_expect_sentence("beef");
    assert_int_equal(prog_run("rm -y --db t.db 3fa2"), 4);
    prog_expect_sentence("more digits");
    assert_int_equal(prog_run("verify --chain t.db"), 0);
    assert_non_null(strstr(prog_out, "removed by rm or forget"));
}

static void a_seal_holds(void **state)
{
    char head[80];

    (void)state;
    assert_int_equal(prog_run("seal t.db"), 0);
    assert_non_null(strstr(prog_out, " 4 batches 2"));
    snprintf(head, sizeof head, "%.64s", prog_out);
    assert_int_equal(prog_run("seal --json t.db"), 0);
    assert_string_equal(json_of("head"), head);
    assert_string_equal(json_of("batches"), "4");

    assert_int_equal(prog_run("verify --chain --head %s t.db", head), 0);
    assert_non_null(strstr(prog_out, "sealed at batch 4"));
    assert_int_equal(prog_run("rm -y --db t.db last"), 0);
    assert_int_equal(prog_run("verify --head %s --json t.db", head), 0);
    assert_string_equal(json_of("sealed_at"), "4");
    assert_string_equal(json_of("intact"), "true");
    /* that an empty chain came before says nothing of this one */
    assert_int_equal(prog_run("verify --chain --head %064d t.db", 0), 1);
    head[5] = head[5] == '0' ? '1' : '0';
    assert_int_equal(prog_run("verify --head %s t.db", head), 1);
    assert_non_null(strstr(prog_out, "not in this chain"));
    assert_int_equal(prog_run("verify --head abc t.db"), 2);
    assert_int_equal(prog_run("verify t.db"), 2);
}

static void a_change_is_named(void **state)
{
    (void)state;
    assert_int_equal(prog_run("sql --write t.db \"UPDATE token SET logprob = "
                              "-0.5 WHERE id = 200\""), 0);
    assert_non_null(strstr(prog_err, "1 rows changed"));
    assert_int_equal(prog_run("verify --chain t.db"), 1);
    assert_non_null(strstr(prog_out, "differs: batch 2: token rows 1.."));
    assert_non_null(strstr(prog_out, "3fa20000:0@0"));
    assert_int_equal(prog_run("verify --chain --json t.db"), 1);
    assert_string_equal(json_of("intact"), "");
    assert_non_null(strstr(json_of("where"), "content was changed"));
    assert_int_equal(prog_run("replay --verify --json --db t.db 3FA20002"), 1);
    assert_string_equal(json_of("run"), "3fa2000200c0ffee00abcdef00000002");
    /* no version of ours lacks the table */
    assert_int_equal(prog_run("sql --write t.db 'DROP TABLE token'"), 0);
    assert_int_equal(prog_run("replay --verify --db t.db last"), 3);
    assert_non_null(strstr(prog_err, "damaged or was tampered with"));
}

/* Who writes the file must not write on the terminal. */
static void rows_cannot_command_the_terminal(void **state)
{
    static const char *const shown[] = {
        "replay --db t.db last", "replay --db t.db last --verify",
        "verify --chain t.db", "runs t.db" };

    (void)state;
    assert_int_equal(prog_run("sql --write t.db \"PRAGMA "
        "ignore_check_constraints = 1; UPDATE path_end SET stop = char(27) || "
        "'[2J'; UPDATE run_end SET status = char(27) || '[2J'; UPDATE run SET "
        "uid = char(27) || '[2J' || substr(uid, 5)\""), 0);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        prog_run("%s", shown[i]);
        assert_null(strchr(prog_out, '\033'));
        assert_null(strchr(prog_err, '\033'));
    }
    assert_int_equal(prog_run("replay --db t.db last"), 0);
    assert_non_null(strstr(prog_out, "[2J"));
}

/* --- where a person reads ------------------------------------------------ */

/* A terminal of its own: the master's descriptor, the other end's name. */
static int open_terminal(const char **name)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);

    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
        skip();
    *name = ptsname(fd);
    assert_non_null(*name);
    return fd;
}

static const char escape[] = "\"SELECT char(27) || '[2J' AS x\"";

/* threats.md: a terminal gets nothing that it could obey; a pipe is data. */
static void a_pipe_gets_data_and_a_terminal_what_is_safe(void **state)
{
    char seen[4096] = "";
    const char *name;
    int fd = open_terminal(&name);

    (void)state;
    assert_int_equal(prog_run("sql t.db --csv %s", escape), 0);
    assert_string_equal(prog_out, "x\r\n\033[2J\r\n");
    assert_int_equal(prog_run("sql t.db --json %s", escape), 0);
    assert_null(strchr(prog_out, '\033'));

    setenv("PAGER", "", 1);
    for (int i = 0; i < 3; i++) {
        static const char *const mode[] = { "--csv", "--markdown", "" };

        assert_int_equal(prog_run("sql t.db %s %s >%s 2>err #", mode[i],
                                  escape, name), 0);
        ssize_t n = read(fd, seen, sizeof seen - 1);
        assert_true(n > 0);
        seen[n] = '\0';
        assert_non_null(strstr(seen, "[2J"));
        assert_null(strstr(seen, "\033[2J"));
    }
    unsetenv("PAGER");
    close(fd);
}

/* A pager that reads nothing and does not go: SIGTERM waits for neither. */
static void termination_does_not_wait_for_the_pager(void **state)
{
    struct timespec pause = { .tv_nsec = 500000000 };
    const char *name;
    int fd = open_terminal(&name);

    (void)state;
    setenv("PAGER", "sleep 9", 1);
    for (int i = 0; i < 2; i++) {
        time_t begun = time(NULL);
        pid_t pid = prog_start("%s >%s 2>err #", i
            ? "export -f csv --view v_token --db t.db"
            : "sql t.db --csv 'SELECT hex(zeroblob(99)) FROM number a, "
              "number b'", name);

        nanosleep(&pause, NULL);
        kill(pid, SIGTERM);
        assert_int_equal(prog_wait(pid), 130);
        assert_true(time(NULL) - begun < 7);
    }
    unsetenv("PAGER");
    close(fd);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_are_listed),
        TEST(a_run_without_an_end_was_cut_off),
        TEST(sql_answers),
        TEST(sql_reads_scripts),
        TEST(sql_refuses),
        TEST(heads_say_how_to_compute_them),
        TEST(rm_and_forget_ask_first),
        TEST(a_seal_holds),
        TEST(a_change_is_named),
        TEST(rows_cannot_command_the_terminal),
        TEST(a_pipe_gets_data_and_a_terminal_what_is_safe),
        TEST(termination_does_not_wait_for_the_pager),
    };
    return cmocka_run_group_tests_name("cli_db", tests, prog_setup,
                                       prog_teardown);
}
