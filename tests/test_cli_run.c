/* `sorites run` as a script meets it: what it answers and records, and bad
 * input: one sentence, the right exit code, nothing recorded lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text.h"
#include "db/db.h"
#include "db/write.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;               /* the small one */

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

static void in_dir(char out[128], const char *leaf)
{
    snprintf(out, 128, "%s/%s", prog_dir, leaf);
}

/* --- what is recorded ---------------------------------------------------- */

static int count_runs(const char *leaf)
{
    struct db_run_query q = { .limit = 0 };
    struct db_run run;
    struct db *d;
    char path[128];
    int n = 0;

    in_dir(path, leaf);
    if (db_open(path, &d, NULL) != SOR_OK)
        return 0;
    struct db_cur *c = db_runs(d, &q);
    while (db_run_next(c, &run) > 0)
        n++;
    assert_int_equal(db_cur_close(c), SOR_OK);
    db_close(d);
    return n;
}

/* The last run of a database; the caller closes *d. */
static struct db_run last_run(const char *leaf, struct db **d)
{
    struct db_run run;
    struct sor_msg msg;
    char path[128];
    int64_t id;

    in_dir(path, leaf);
    if (db_open(path, d, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    assert_int_equal(db_find_run(*d, "last", &id, NULL), SOR_OK);
    assert_int_equal(db_get_run(*d, id, &run), 1);
    return run;
}

/* Bytes as table text keeps them: what is no UTF-8 became U+FFFD. */
static void as_stored(const char *bytes, struct str *out)
{
    size_t n = strlen(bytes);

    for (size_t i = 0; i < n; ) {
        char utf8[4];
        uint32_t cp;

        i += utf8_next(bytes + i, n - i, &cp);
        str_put(out, utf8, utf8_put(cp, utf8));
    }
}

static void one_path_is_greedy_and_streams(void **state)
{
    struct db *d;
    struct db_path p;

    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db one.db --max-tokens 24 'a b'",
                              model), 0);
    struct db_run run = last_run("one.db", &d);
    assert_string_equal(run.status, "complete");
    assert_string_equal(run.prompt, "a b");
    assert_true(run.temperature <= 0);
    assert_int_equal(run.n_path, 1);
    struct db_cur *c = db_paths(d, run.id);
    assert_int_equal(db_path_next(c, &p), 1);
    assert_string_equal(p.kind, "greedy");
    /* stdout is the path's text and a newline */
    struct str said;
    size_t n = strlen(p.text);
    str_init(&said);
    as_stored(prog_out, &said);
    assert_int_equal(said.len, n + 1);
    assert_memory_equal(said.p, p.text, n);
    assert_int_equal(said.p[n], '\n');
    str_release(&said);
    assert_int_equal(db_cur_close(c), SOR_OK);
    db_close(d);
}

static void stdin_is_a_prompt_too(void **state)
{
    struct db *d;
    char path[128];

    (void)state;
    in_dir(path, "in.txt");
    prog_spill(path, "from afar\n", 10);
    assert_int_equal(prog_run("run -m '%s' --db one.db --max-tokens 4 - "
                              "<in.txt", model), 0);
    /* what broke off is told from what ended */
    assert_non_null(strstr(prog_err, "after 4 tokens (--max-tokens)"));
    struct db_run run = last_run("one.db", &d);
    assert_string_equal(run.prompt, "from afar");
    db_close(d);
}

static void json_says_what_the_rows_say(void **state)
{
    struct db *d;
    struct db_vote v;
    cJSON *root, *votes, *vote;

    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db many.db -n 6 --seed 3 "
                              "--max-tokens 20 --json 'a b c'", model), 0);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "stdout", &root,
                                NULL), SOR_OK);
    struct db_run run = last_run("many.db", &d);
    assert_string_equal(cJSON_GetObjectItem(root, "run")->valuestring,
                        run.uid);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "paths")),
                     6);
    assert_int_equal(
        cJSON_GetArraySize(cJSON_GetObjectItem(root, "divergences")), 15);
    votes = cJSON_GetObjectItem(root, "votes");
    struct db_cur *c = db_votes(d, run.id);
    cJSON_ArrayForEach(vote, votes) {
        assert_int_equal(db_vote_next(c, &v), 1);
        assert_string_equal(cJSON_GetObjectItem(vote, "answer")->valuestring,
                            v.answer);
        assert_int_equal(
            (int)cJSON_GetObjectItem(vote, "votes")->valuedouble, v.votes);
    }
    assert_int_equal(db_vote_next(c, &v), 0);
    assert_int_equal(db_cur_close(c), SOR_OK);
    db_close(d);
    cJSON_Delete(root);
}

/* Greedy paths agree to the last token; sampled ones with one seed do too, run
 * for run. */
static void a_seed_gives_the_same_answer_again(void **state)
{
    static char first[sizeof prog_out];

    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(prog_run("run -m '%s' --trace off -n 3 --seed 11 "
                                  "--max-tokens 30 --json -t %d 'x y'", model,
                                  k + 1), 0);
        if (k == 0)
            strcpy(first, prog_out);
    }
    assert_string_equal(first, prog_out);
}

static void untraced_leaves_no_database(void **state)
{
    char path[128];

    (void)state;
    in_dir(path, "none.db");
    assert_int_equal(prog_run("run -m '%s' --db none.db --trace off -q "
                              "--max-tokens 4 hello", model), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void every_level_records_what_it_says(void **state)
{
    static const char *const level[] = { "steps", "tokens", "layers",
                                         "heads" };

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct db *d;
        struct db_token t;
        struct db_path p;
        struct db_window w = { .from = 0 };

        assert_int_equal(prog_run("run -m '%s' --db l%d.db --trace %s "
                                  "--max-tokens 4 hello", model, k, level[k]),
                         0);
        char leaf[16];
        snprintf(leaf, sizeof leaf, "l%d.db", k);
        struct db_run run = last_run(leaf, &d);
        assert_string_equal(run.level, level[k]);
        struct db_cur *c = db_paths(d, run.id);
        assert_int_equal(db_path_next(c, &p), 1);
        struct db_cur *ct = db_tokens(d, p.id, w);
        int n = db_token_next(ct, &t);
        if (k >= 2)
            assert_non_null(t.layers.p);
        if (k >= 1)
            assert_int_equal(n, 1);
        if (k == 3)
            assert_non_null(t.heads.p);
        assert_int_equal(db_cur_close(ct), SOR_OK);
        assert_int_equal(db_cur_close(c), SOR_OK);
        db_close(d);
    }
}

/* --- Ctrl-C -------------------------------------------------------------- */

static int has_token(struct db *d, int64_t run_id)
{
    struct db_window w = { .limit = 1 };
    struct db_cur *c = db_paths(d, run_id), *ct = NULL;
    struct db_path p;
    struct db_token t;
    int there = db_path_next(c, &p) > 0;

    if (there) {
        ct = db_tokens(d, p.id, w);
        there = db_token_next(ct, &t) > 0;
        db_cur_close(ct);
    }
    db_cur_close(c);
    return there;
}

static void ctrl_c_closes_the_trace(void **state)
{
    struct timespec nap = { 0, 20000000 };
    struct db *d = NULL;
    int64_t id;
    pid_t pid = prog_start("run -m '%s' --db stop.db --max-tokens 1000000 "
                           "--ctx 100000 -n 2 go", model);

    (void)state;
    char path[128];

    in_dir(path, "stop.db");
    for (int i = 0; i < 3000; i++) {    /* until its prompt is on record */
        nanosleep(&nap, NULL);
        if (db_open(path, &d, NULL) != SOR_OK)
            continue;
        int there = db_find_run(d, "last", &id, NULL) == SOR_OK &&
                    has_token(d, id);
        db_close(d);
        if (there)
            break;
    }
    kill(pid, SIGINT);
    assert_int_equal(prog_wait(pid), 130);
    struct db_run run = last_run("stop.db", &d);
    assert_string_equal(run.status, "interrupted");
    db_close(d);
    assert_int_equal(prog_run("replay last --verify --db stop.db"), 0);
}

/* --- bad input ----------------------------------------------------------- */

static void truncate_model(const char *leaf, size_t keep)
{
    unsigned char *bytes;
    char path[128];
    size_t n;

    in_dir(path, leaf);
    bytes = prog_slurp(model, &n);
    assert_non_null(bytes);
    prog_spill(path, bytes, keep < n ? keep : n / 2);
    free(bytes);
}

/* Replaces the first `from` in the model by `to`, of the same length. */
static void edit_model(const char *leaf, const char *from, const char *to)
{
    unsigned char *bytes;
    char path[128];
    size_t n, len = strlen(from), i = 0;

    in_dir(path, leaf);
    bytes = prog_slurp(model, &n);
    assert_non_null(bytes);
    while (i + len <= n && memcmp(bytes + i, from, len) != 0)
        i++;
    assert_true(i + len <= n);
    memcpy(bytes + i, to, len);
    prog_spill(path, bytes, n);
    free(bytes);
}

static void a_bad_model_is_one_sentence(void **state)
{
    static const struct { const char *file, *said; } cases[] = {
        { "absent.gguf", "No such file" },
        { ".", "is a directory" },
        { "short.gguf", "short.gguf" },
        { "half.gguf", "half.gguf" },
        { "text.gguf", "GGUF" },
        { "family.gguf", "lmaal" },
    };
    char path[128];

    (void)state;
    in_dir(path, "text.gguf");
    prog_spill(path, "This is a letter and not a model at all.\n", 41);
    truncate_model("short.gguf", 20);
    truncate_model("half.gguf", SIZE_MAX);
    edit_model("family.gguf", "llama", "lmaal");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(prog_run("run -m %s --db bad.db hello",
                                  cases[i].file), 3);
        prog_expect_sentence(cases[i].said);
    }
    in_dir(path, "bad.db");
    assert_int_not_equal(access(path, F_OK), 0);    /* nothing was made */
}

static void a_context_too_small_is_one_sentence(void **state)
{
    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db bad.db --ctx 4 "
                              "'one two three four five six'", model), 3);
    prog_expect_sentence("context");
}

static void misuse_exits_2(void **state)
{
    static const char *const args[] = {
        "run", "run -n 0 x", "run -n 65 x", "run --trace all x",
        "run --temperature -1 x", "run --top-p 2 x", "run ''",
        "replay", "replay last --path -1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        assert_int_equal(prog_run("%s", args[i]), 2);
        assert_string_equal(prog_out, "");
    }
}

static void a_place_that_cannot_be_written_is_one_sentence(void **state)
{
    char path[128];

    (void)state;
    in_dir(path, "locked");
    assert_int_equal(mkdir(path, 0555), 0);
    in_dir(path, "file");
    prog_spill(path, "x", 1);
    in_dir(path, "dir.db");
    assert_int_equal(mkdir(path, 0755), 0);

    assert_int_equal(prog_run("run -m '%s' --db file/x.db hello", model), 3);
    prog_expect_sentence("file");
    assert_int_equal(prog_run("run -m '%s' --db dir.db hello", model), 3);
    prog_expect_sentence("dir.db");
    /* root writes into 0555 folders, so for it a file system that nobody
     * writes to */
    const char *place = geteuid() ? "locked/x.db" : "/proc/sorites.db";
    assert_int_equal(prog_run("run -m '%s' --db %s hello", model, place), 3);
    prog_expect_sentence(place);
}

static void a_foreign_file_is_not_overwritten(void **state)
{
    static const char letter[] = "Dear reader, this is no database.\n";
    char path[128];
    unsigned char *bytes;
    size_t n;

    (void)state;
    in_dir(path, "letter.db");
    prog_spill(path, letter, sizeof letter - 1);
    assert_int_equal(prog_run("run -m '%s' --db letter.db hello", model), 3);
    prog_expect_sentence("letter.db");
    bytes = prog_slurp(path, &n);
    assert_int_equal(n, sizeof letter - 1);
    assert_memory_equal(bytes, letter, n);
    free(bytes);
}

static void a_second_recorder_is_refused_with_the_first_s_pid(void **state)
{
    struct db_writer_opts o = { .wait = 0 };
    struct db_writer *w;
    char path[128], pid[32];
    int before;

    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db two.db --max-tokens 4 hello",
                              model), 0);
    before = count_runs("two.db");
    in_dir(path, "two.db");
    assert_int_equal(db_writer_open(path, &o, &w, NULL), SOR_OK);
    assert_int_equal(prog_run("run -m '%s' --db two.db hello", model), 3);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    prog_expect_sentence(pid);
    db_writer_close(w);
    assert_int_equal(count_runs("two.db"), before);
    assert_int_equal(prog_run("run -m '%s' --db two.db --max-tokens 4 hello",
                              model), 0);
    assert_int_equal(count_runs("two.db"), before + 1);
}

static void with_wait_it_waits_its_turn(void **state)
{
    struct db_writer_opts o = { .wait = 0 };
    struct timespec nap = { 0, 300000000 };
    struct db_writer *w;
    char path[128];
    int status;

    (void)state;
    in_dir(path, "wait.db");
    assert_int_equal(db_writer_open(path, &o, &w, NULL), SOR_OK);
    pid_t pid = prog_start("run -m '%s' --db wait.db --wait --max-tokens 4 "
                           "hello", model);
    nanosleep(&nap, NULL);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);    /* still waits */
    db_writer_close(w);
    assert_int_equal(prog_wait(pid), 0);
    assert_int_equal(count_runs("wait.db"), 1);
}

/* The texts of {"paths":[..]}, joined. */
static void texts_of(const char *json, struct str *out)
{
    cJSON *root, *path;

    assert_int_equal(json_parse(json, strlen(json), "stdout", &root, NULL),
                     SOR_OK);
    cJSON_ArrayForEach(path, cJSON_GetObjectItem(root, "paths")) {
        str_puts(out, cJSON_GetObjectItem(path, "text")->valuestring);
        str_putc(out, '|');
    }
    cJSON_Delete(root);
}

static void a_full_disk_ends_the_trace_and_not_the_answer(void **state)
{
    static const char args[] = "run -m '%s' --db full.db -n 16 --seed 5 "
                               "--max-tokens 300 --json %s hello";
    struct rlimit was, small;
    struct str untraced, traced;

    (void)state;
    str_init(&untraced);
    str_init(&traced);
    assert_int_equal(prog_run(args, model, "--trace off"), 0);
    texts_of(prog_out, &untraced);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 2 << 20;          /* past the schema, short of the run */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = prog_run(args, model, "--trace heads");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(rc, 3);
    assert_non_null(strstr(prog_err, "the trace is incomplete"));
    assert_non_null(strstr(prog_err, "from event "));
    texts_of(prog_out, &traced);
    assert_string_equal(traced.p, untraced.p);
    assert_int_equal(count_runs("full.db"), 1);         /* it opens */
    str_release(&untraced);
    str_release(&traced);
}

/* Too little room even for the schema, and for the first rows after it. */
static void a_disk_full_from_the_start_costs_the_trace_only(void **state)
{
    static const char args[] = "run -m '%s' --db tiny%d.db -n 2 --seed 5 "
                               "--max-tokens 20 --json %s hello";
    static const rlim_t room[] = { 4 << 10, 100 << 10, 400 << 10, 720 << 10 };
    struct rlimit was, small;
    struct str untraced, traced;

    (void)state;
    str_init(&untraced);
    str_init(&traced);
    assert_int_equal(prog_run(args, model, 9, "--trace off"), 0);
    texts_of(prog_out, &untraced);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    for (int i = 0; i < 4; i++) {
        small = was;
        small.rlim_cur = room[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int rc = prog_run(args, model, i, "--trace heads");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(rc, 3);
        assert_non_null(strstr(prog_err, "trace"));
        assert_null(strstr(prog_err, "0 events from event 0"));
        assert_ptr_equal(strchr(prog_err, '\n') + 1,
                         prog_err + strlen(prog_err));  /* one sentence */
        str_clear(&traced);
        texts_of(prog_out, &traced);
        assert_string_equal(traced.p, untraced.p);
    }
    str_release(&untraced);
    str_release(&traced);
}

static void nul_in_a_prompt_is_refused(void **state)
{
    char path[128];

    (void)state;
    in_dir(path, "nul.txt");
    prog_spill(path, "a\0b c\n", 6);
    assert_int_equal(prog_run("run -m '%s' --db nul.db --max-tokens 4 - "
                              "<nul.txt", model), 3);
    prog_expect_sentence("NUL");
}

static void no_such_run_exits_4(void **state)
{
    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db two.db --max-tokens 4 hello",
                              model), 0);
    assert_int_equal(prog_run("replay ffffffffffff --db two.db"), 4);
    prog_expect_sentence("ffffffffffff");
    assert_int_equal(prog_run("replay last --verify --path 9 --db two.db"),
                     4);
    assert_int_equal(prog_run("replay last --path 9 --db two.db"), 4);
    prog_expect_sentence("path 9");
    assert_int_equal(prog_run("replay last --path 0 --db two.db"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_path_is_greedy_and_streams),
        cmocka_unit_test(stdin_is_a_prompt_too),
        cmocka_unit_test(json_says_what_the_rows_say),
        cmocka_unit_test(a_seed_gives_the_same_answer_again),
        cmocka_unit_test(untraced_leaves_no_database),
        cmocka_unit_test(every_level_records_what_it_says),
        cmocka_unit_test(ctrl_c_closes_the_trace),
        cmocka_unit_test(a_bad_model_is_one_sentence),
        cmocka_unit_test(a_context_too_small_is_one_sentence),
        cmocka_unit_test(misuse_exits_2),
        cmocka_unit_test(a_place_that_cannot_be_written_is_one_sentence),
        cmocka_unit_test(a_foreign_file_is_not_overwritten),
        cmocka_unit_test(a_second_recorder_is_refused_with_the_first_s_pid),
        cmocka_unit_test(with_wait_it_waits_its_turn),
        cmocka_unit_test(a_full_disk_ends_the_trace_and_not_the_answer),
        cmocka_unit_test(a_disk_full_from_the_start_costs_the_trace_only),
        cmocka_unit_test(nul_in_a_prompt_is_refused),
        cmocka_unit_test(no_such_run_exits_4),
    };

    return cmocka_run_group_tests_name("run", tests, setup, prog_teardown);
}
