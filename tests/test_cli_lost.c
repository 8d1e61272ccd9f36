/* A model's file that is cut short while it is in use: one sentence that names
 * it, exit code 3, and a trace with all that was committed. */
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

#include "engine/gguf.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

static void copy_model(const char *leaf, char path[128])
{
    size_t n;
    unsigned char *bytes = prog_slurp(model, &n);

    assert_non_null(bytes);
    snprintf(path, 128, "%s/%s", prog_dir, leaf);
    prog_spill(path, bytes, n);
    free(bytes);
}

/* Until `run -v` has said that a batch is committed. */
static void wait_for_a_batch(void)
{
    struct timespec nap = { 0, 5000000 };
    char path[128];
    int committed = 0;

    snprintf(path, sizeof path, "%s/err", prog_dir);
    for (int i = 0; i < 4000 && !committed; i++) {
        size_t n;
        unsigned char *said = prog_slurp(path, &n);

        committed = said && strstr((char *)said, "committed");
        free(said);
        nanosleep(&nap, NULL);
    }
    assert_true(committed);
}

static void the_file_is_named_and_the_trace_stands(void **state)
{
    char path[128];

    (void)state;
    copy_model("going.gguf", path);
    pid_t pid = prog_start("run -v -m going.gguf --db l.db --ctx 100000 "
                           "--max-tokens 1000000 -n 2 go");
    wait_for_a_batch();
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(prog_wait(pid), 3);
    const char *said = strstr(prog_err, "sorites: going.gguf: was cut short");
    assert_non_null(said);
    assert_ptr_equal(strchr(said, '\n') + 1, said + strlen(said));
    assert_int_equal(prog_run("verify --chain l.db"), 0);
    assert_int_equal(prog_run("sql --db l.db 'SELECT count(*) > 0 FROM run'"),
                     0);
    assert_non_null(strchr(prog_out, '1'));
    /* and the next one records as ever */
    assert_int_equal(prog_run("run -m '%s' --db l.db --max-tokens 4 go",
                              model), 0);
}

static void a_map_knows_its_file(void **state)
{
    struct gguf *g = NULL;

    (void)state;
    assert_int_equal(gguf_open(model, &g, NULL), 0);
    const uint8_t *map = gguf_map(g);
    uint64_t n = gguf_size(g);
    assert_string_equal(gguf_path_at(map), model);
    assert_string_equal(gguf_path_at(map + n - 1), model);
    assert_null(gguf_path_at(map + n));
    assert_null(gguf_path_at(&g));
    assert_null(gguf_path_at(NULL));
    gguf_close(g);
    assert_null(gguf_path_at(map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_named_and_the_trace_stands),
        cmocka_unit_test(a_map_knows_its_file),
    };

    return cmocka_run_group_tests_name("cli_lost", tests, setup,
                                       prog_teardown);
}
