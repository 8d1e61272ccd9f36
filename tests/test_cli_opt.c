/* Options from tables, and what a user mistypes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cli/opt.h"

static struct {
    int n, flag, other, level;
    double temp;
    uint64_t seed;
    const char *name;
} got;

static const struct opt_spec own[] = {
    { 'n', "paths", "N", OPT_INT, &got.n, "paths", 1, 64 },
    { 0, "temp", "T", OPT_NUM, &got.temp, "temperature", 0, 10 },
    { 0, "trace", "off|steps|tokens", OPT_WORD, &got.level, "level", 0, 0 },
    { 'f', "flag", NULL, OPT_FLAG, &got.flag, "a flag", 0, 0 },
    OPT_END
};
static const struct opt_spec common[] = {
    { 'g', "other", NULL, OPT_FLAG, &got.other, "another flag", 0, 0 },
    { 0, "seed", "N", OPT_U64, &got.seed, "seed", 0, 0 },
    { 'm', "model", "FILE", OPT_STR, &got.name, "model", 0, 0 },
    OPT_END
};

enum { MAX_ARGS = 8 };

/* Parses the words of `line`; the operands come back joined by '|'. */
static enum sor_err parse(const char *line, char *operands, struct sor_msg *msg)
{
    static char words[256];
    const struct opt_tables tables = { own, common };
    char *argv[MAX_ARGS], *save = NULL;
    int argc = 0;

    memset(&got, 0, sizeof got);
    strcpy(words, line);
    for (char *w = strtok_r(words, " ", &save); w;
         w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    enum sor_err err = opt_parse(&tables, &argc, argv, msg);
    operands[0] = '\0';
    for (int i = 0; !err && i < argc; i++) {
        strcat(operands, i ? "|" : "");
        strcat(operands, argv[i]);
    }
    return err;
}

static void every_spelling_is_taken(void **state)
{
    static const char *const lines[] = {
        "-n 8 a b", "-n8 a b", "a --paths 8 b", "a b --paths=8", "a -fn8 b",
        "a -gfn 8 b",
    };
    char operands[256];

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(parse(lines[i], operands, NULL), SOR_OK);
        assert_int_equal(got.n, 8);
        assert_string_equal(operands, "a|b");
        assert_int_equal(got.flag, strchr(lines[i], 'f') != NULL);
    }
    assert_int_equal(got.other, 1);
}

static void every_kind_is_set(void **state)
{
    char operands[256];

    (void)state;
    assert_int_equal(parse("--temp=0.5 --trace tokens", operands, NULL),
                     SOR_OK);
    assert_true(got.temp > 0.49 && got.temp < 0.51);
    assert_int_equal(got.level, 2);
    assert_int_equal(parse("--seed 18446744073709551615 -m x.gguf", operands,
                           NULL), SOR_OK);
    assert_true(got.seed == UINT64_MAX);
    assert_string_equal(got.name, "x.gguf");
    assert_int_equal(parse("--seed=0xff --model=", operands, NULL), SOR_OK);
    assert_int_equal(got.seed, 255);
    assert_string_equal(got.name, "");
}

static void dashes_can_be_operands(void **state)
{
    char operands[256];

    (void)state;
    assert_int_equal(parse("- -f -- -n --x --", operands, NULL), SOR_OK);
    assert_string_equal(operands, "-|-n|--x|--");
    assert_int_equal(got.flag, 1);
    assert_int_equal(parse("", operands, NULL), SOR_OK);
    assert_string_equal(operands, "");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line, *said;
    } cases[] = {
        { "--path 3", "no option --path; did you mean --paths?" },
        { "--tmep 3", "no option --tmep; did you mean --temp?" },
        { "--mod x", "no option --mod; did you mean --model?" },
        { "--zebra", "no option --zebra" },
        { "-z", "no option -z" },
        { "-n", "--paths needs a value: N" },
        { "-n 0", "--paths: '0' is not a whole number from 1 to 64" },
        { "-n 65", "--paths: '65' is not a whole number from 1 to 64" },
        { "-n 8x", "--paths: '8x' is not a whole number from 1 to 64" },
        { "--temp nan", "--temp: 'nan' is not a number" },
        { "--temp 11", "--temp: 11 is not within 0 to 10" },
        { "--trace all", "--trace: 'all' is none of off|steps|tokens" },
        { "--trace tok", "--trace: 'tok' is none of off|steps|tokens" },
        { "--seed -1", "--seed: '-1' is not a whole number from 0 to 2^64 - 1" },
        { "--flag=1", "--flag takes no value" },
    };
    char operands[256];
    struct sor_msg msg;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i].line, operands, &msg), SOR_USAGE);
        assert_string_equal(msg.text, cases[i].said);
    }
}

static void distance_counts_slips(void **state)
{
    (void)state;
    assert_int_equal(opt_distance("run", "run"), 0);
    assert_int_equal(opt_distance("rnu", "run"), 1);    /* swapped */
    assert_int_equal(opt_distance("ru", "run"), 1);
    assert_int_equal(opt_distance("runs", "run"), 1);
    assert_int_equal(opt_distance("", "run"), 3);
    assert_int_equal(opt_distance("replay", "report"), 3);
}

static void only_near_words_are_offered(void **state)
{
    int best = OPT_FAR;

    (void)state;
    assert_false(opt_nearer("x", "run", &best));
    assert_false(opt_nearer("zebra", "replay", &best));
    assert_true(opt_nearer("repaly", "report", &best) == 0);
    assert_true(opt_nearer("repaly", "replay", &best));
    assert_int_equal(best, 1);
    assert_false(opt_nearer("repaly", "replays", &best));   /* farther */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_taken),
        cmocka_unit_test(every_kind_is_set),
        cmocka_unit_test(dashes_can_be_operands),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(distance_counts_slips),
        cmocka_unit_test(only_near_words_are_offered),
    };
    return cmocka_run_group_tests_name("cli_opt", tests, NULL, NULL);
}
