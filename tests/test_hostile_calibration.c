/* Hostile calibrations: a routing policy (*.route.json) with one thing wrong,
 * each refused in one sentence that names the file; every byte of one damaged
 * and every length that a cut can leave; and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/route.h"
#include "tests/models.h"
#include "tests/prog.h"

static struct {
    const char *model;
    struct engine *e;
    struct str route, file;     /* the good policy; the file around it */
} m;

static void spill(const char *leaf, const char *bytes, size_t n)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    prog_spill(path, bytes, n);
}

static int score_with(const char *leaf)
{
    return prog_run("score -m '%s' -t 1 --route sparse --route-file %s in",
                    m.model, leaf);
}

static void refused(const char *leaf, const char *says)
{
    int rc = score_with(leaf);

    if (rc != 3)
        fail_msg("%s (%s): exit %d, says \"%s\"", leaf, says, rc, prog_err);
    prog_expect_sentence(leaf);
    if (!strstr(prog_err, says))
        fail_msg("not \"%s\" but \"%s\"", says, prog_err);
}

/* --- one thing wrong ----------------------------------------------------- */

/* A policy of four layers of two groups: `from` is in it once. */
static const struct wrong { const char *from, *to, *says; } wrongs[] = {
    { "{\"model\":\"", "{\"model\":\"0", "made for the model 0" },
    { "{\"model\":\"", "{\"model\":\"\\u001b[31m", "made for the model" },
    { "{\"model\":\"", "{\"modal\":\"", "\"model\" or \"route\"" },
    { "{\"model\":", "{\"model\":7,\"was\":", "\"model\" or \"route\"" },
    { "\"route\":{", "\"rout\":{", "\"model\" or \"route\"" },
    { "\"route\":{", "\"route\":[],\"was\":{", "\"model\" or \"route\"" },
    { "\"route\":{", "\"route\":null,\"was\":{", "\"model\" or \"route\"" },
    { "\"format\":1", "\"format\":2", "\"format\" is not 1" },
    { "\"format\":1", "\"format\":\"1\"", "\"format\" is missing or no" },
    { "\"format\":1,", "", "\"format\" is missing" },
    { "\"choice\":\"auto\"", "\"choice\":\"fast\"", "none of off, auto" },
    { "\"choice\":\"auto\"", "\"choice\":1", "none of off, auto" },
    { "\"layers\":4", "\"layers\":30", "another shape" },
    { "\"layers\":4", "\"layers\":-4", "\"layers\" is -4" },
    { "\"groups\":2", "\"groups\":1", "another shape" },
    { "\"low\":0.45", "\"low\":NaN", "not JSON" },
    { "\"low\":0.45", "\"low\":null", "\"low\" is missing or no number" },
    { "\"low\":0.45", "\"low\":[0.45]", "\"low\" is missing or no number" },
    { "\"low\":0.45", "\"low\":1e999", "\"low\" is missing or no number" },
    { "\"low\":0.45", "\"low\":-0.1", "low is -0.1" },
    { "\"low\":0.45", "\"low\":0.9", "high is 0.7" },
    { "\"low\":0.45", "\"low\":0.1,\"low\":0.45", "\"low\" stands twice" },
    { "\"high\":0.7", "\"high\":1.5", "high is 1.5" },
    { "\"first\":1", "\"first\":1.5", "\"first\" is 1.5; it must be a whole" },
    { "\"first\":1", "\"first\":-1", "\"first\" is -1" },
    { "\"first\":1", "\"first\":1e308", "\"first\" is 1e+308" },
    { "\"first\":1", "\"first\":\"1\"", "\"first\" is missing or no number" },
    { "\"last\":4", "\"last\":1", "last is 1" },
    { "\"last\":4", "\"last\":65537", "\"last\" is 65537" },
    { "\"sparse\":{", "\"spars\":{", "\"sparse\" is missing or no object" },
    { "\"sparse\":{", "\"sparse\":7,\"was\":{", "\"sparse\" is missing or no" },
    { "\"sparse\":{\"dense\":2", "\"sparse\":{\"dense\":9",
      "dense groups is 9" },
    { "\"sparse\":{\"dense\":2,\"cap\":64", "\"sparse\":{\"dense\":2,\"cap\":3",
      "cap is 3" },
    { "\"sparse\":{\"dense\":2", "\"sparse\":{\"dance\":2",
      "\"dense\" is missing" },
    { "\"weights\":{", "\"weight\":{", "\"weights\" is missing or no object" },
    { "\"weights\":{\"entropy\":", "\"weights\":{\"entropy\":1e30,\"was\":",
      "a weight is 1e+30" },
    { "\"weights\":{\"entropy\":", "\"weights\":{\"entropy\":true,\"was\":",
      "\"entropy\" is missing" },
    { "\"unsure_entropy\":4", "\"unsure_entropy\":-1", "entropy is -1" },
    { "\"unsure_margin\":0", "\"unsure_margin\":-1", "margin is -1" },
    { "\"unsure_margin\":0", "\"unsure_margin\":1e999", "is missing or" },
    { "\"rank\":[0,", "\"rank\":[", "\"rank\" holds 7 groups" },
    { "\"rank\":[0,", "\"rank\":[0,0,", "no group of the model's" },
    { "\"rank\":[0,", "\"rank\":[1,", "ranked once" },
    { "\"rank\":[0,", "\"rank\":[8,", "\"rank\"[0] is no group" },
    { "\"rank\":[0,", "\"rank\":[-1,", "\"rank\"[0] is no group" },
    { "\"rank\":[0,", "\"rank\":[0.5,", "\"rank\"[0] is no group" },
    { "\"rank\":[0,", "\"rank\":[\"0\",", "\"rank\"[0] is no group" },
    { "\"rank\":[0,", "\"rank\":7,\"was\":[", "\"rank\" holds 0 groups" },
    { "\"rank\":[0,", "\"rank\":[\"\\u0000\",", "an escaped NUL" },
    { "\"first\":1", "\"first\":1}", "text after the value" },
};

static void one_thing_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const struct wrong *x = &wrongs[i];
        char *at = strstr(m.file.p, x->from);
        struct str out;

        if (!at || strstr(at + 1, x->from))
            fail_msg("%s is not in the good file once", x->from);
        str_init(&out);
        str_put(&out, m.file.p, (size_t)(at - m.file.p));
        str_puts(&out, x->to);
        str_puts(&out, at + strlen(x->from));
        spill("c.route.json", out.p, out.len);
        str_release(&out);
        refused("c.route.json", x->says);
    }
}

static void all_weights_nought(void **state)
{
    const char *end = strstr(m.file.p, "},\"unsure_entropy\"");
    const char *at = strstr(m.file.p, "\"weights\":{");
    struct str out;

    (void)state;
    assert_true(at && end);
    str_init(&out);
    str_put(&out, m.file.p, (size_t)(at - m.file.p));
    str_puts(&out, "\"weights\":{\"entropy\":0,\"trend\":0,\"novelty\":0,"
             "\"structure\":-0,\"escalated\":0");
    str_puts(&out, end);
    spill("c.route.json", out.p, out.len);
    str_release(&out);
    refused("c.route.json", "the sum of all weights is 0");
}

/* --- no such file -------------------------------------------------------- */

static void files_that_are_none(void **state)
{
    struct str big;
    char path[128];

    (void)state;
    spill("empty.json", "", 0);
    refused("empty.json", "ends too early");
    spill("nul.json", "{\"model\":\"\0\"}", 13);
    refused("nul.json", "a NUL byte");
    spill("bytes.json", "\xff\xfe\x80\x1b[2J", 7);
    refused("bytes.json", "not JSON");
    str_init(&big);
    for (int i = 0; i < 500000; i++)
        str_puts(&big, i % 2 ? "[" : "{");
    spill("deep.json", big.p, big.len);
    refused("deep.json", "nested over 64 levels deep");
    for (int i = 0; i < 600000; i++)
        str_puts(&big, " ");
    spill("big.json", big.p, big.len);
    refused("big.json", "1048576");
    str_release(&big);
    snprintf(path, sizeof path, "%s/folder.json", prog_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    refused("folder.json", "");
    snprintf(path, sizeof path, "%s/fifo.json", prog_dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused("fifo.json", "");
    refused("nowhere.json", "No such file");
}

/* --- every byte ---------------------------------------------------------- */

static long n_refused, n_read;

static void meet(const char *json, size_t at)
{
    struct route *r = NULL;
    struct sor_msg msg = { "" };
    enum sor_err err = route_parse(json, "c.json", engine_hparams(m.e), &r,
                                   &msg);

    n_refused += err != SOR_OK;
    n_read += err == SOR_OK;
    if (err && (err == SOR_NOMEM || !strstr(msg.text, "c.json") ||
                strpbrk(msg.text, "\n\x1b")))
        fail_msg("byte %zu: says \"%s\"", at, msg.text);
    if (!err)           /* it holds together, so the engine may go by it */
        assert_int_equal(route_make(r, &msg), SOR_OK);
    route_close(r);
}

static void every_byte_damaged_and_every_length(void **state)
{
    char *p = m.route.p;

    (void)state;
    meet(p, 0);
    assert_int_equal(n_read, 1);
    for (size_t at = 0; at < m.route.len; at++) {
        char was = p[at];
        const char now[] = { 0, (char)0xff, (char)(was + 1),
                             (char)(was ^ 0x80) };

        for (size_t i = 0; i < sizeof now; i++) {
            p[at] = now[i];
            meet(p, at);
        }
        p[at] = was;
    }
    print_message("calibration: %ld files with one byte damaged or cut short, "
                  "of which %ld are good ones\n", n_refused + n_read - 1,
                  n_read - 1);
    assert_true(n_refused > 3 * n_read);
}

static void the_good_one_is_read(void **state)
{
    (void)state;
    spill("c.route.json", m.file.p, m.file.len);
    if (score_with("c.route.json") != 0)
        fail_msg("%s", prog_err);
}

/* --- the good one -------------------------------------------------------- */

static int setup(void **state)
{
    static const char in[] = "{\"id\":1,\"text\":\"the party and the term\"}\n";
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct route *r = NULL;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    unsigned char *bytes;
    size_t n;

    if (!(m.model = models_small()) || prog_setup(state) != 0 ||
        engine_open(m.model, &opts, &m.e, NULL) ||
        route_open(engine_hparams(m.e), &r, NULL) ||
        !(bytes = prog_slurp(m.model, &n)))
        return -1;
    sha256_bytes(bytes, n, digest);
    hash_hex(digest, sizeof digest, hex);
    free(bytes);
    str_init(&m.route);
    str_init(&m.file);
    route_print(r, &m.route);
    route_close(r);
    str_printf(&m.file, "{\"model\":\"%s\",\"route\":%s}", hex, m.route.p);
    spill("in", in, sizeof in - 1);
    return str_ok(&m.file) ? 0 : -1;
}

static int teardown(void **state)
{
    engine_close(m.e);
    str_release(&m.route);
    str_release(&m.file);
    return prog_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_one_is_read),
        cmocka_unit_test(one_thing_wrong),
        cmocka_unit_test(all_weights_nought),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(every_byte_damaged_and_every_length),
    };

    return cmocka_run_group_tests_name("hostile_calibration", tests, setup,
                                       teardown);
}
