/* --route-low, --route-high, --route-budget and --domain: they reach the run's
 * params and its replay, they do what they say, and what has no effect or no
 * sense is refused with one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;       /* the small one */
static char text[4096];         /* long enough that blocks are left out */

/* The one value that a query gives; until the next call. */
static const char *ask(const char *query)
{
    static char value[4096];
    cJSON *row = NULL;

    if (prog_run("sql --json --db routed.db \"%s\"", query) != 0)
        fail_msg("%s", prog_err);
    assert_int_equal(json_parse(prog_out, strcspn(prog_out, "\n"), "sql", &row,
                                NULL), SOR_OK);
    assert_true(cJSON_IsString(row->child));
    snprintf(value, sizeof value, "%s", row->child->valuestring);
    cJSON_Delete(row);
    return value;
}

/* Records a run with these options and leaves it in routed.db. */
static void record(const char *options)
{
    if (prog_run("run -q -m '%s' --db routed.db --raw --max-tokens 4 %s - "
                 "< text", model, options) != 0)
        fail_msg("%s: %s", options, prog_err);
}

static void replays(void)
{
    if (prog_run("replay last --verify --json --db routed.db") != 0 ||
        !strstr(prog_out, "\"result\":\"identical\""))
        fail_msg("%s%s", prog_out, prog_err);
}

/* A pack that has nothing but a route. */
static void spill_pack(const char *route)
{
    char path[128], json[512];

    snprintf(path, sizeof path, "%s/pack", prog_dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/pack/pack.json", prog_dir);
    snprintf(json, sizeof json, "{\"format\":1,\"id\":\"p\",\"title\":\"P\","
             "\"version\":\"1\",\"licence\":\"L\",\"attribution\":\"A\","
             "\"note\":\"N\",%s\"files\":{}}", route);
    prog_spill(path, json, strlen(json));
}

/* The small model's default policy as if it had been calibrated. */
static int setup(void **state)
{
    char path[128];

    if (!(model = models_small()) || prog_setup(state) != 0)
        return -1;
    while (strlen(text) + 40 < 2048)
        snprintf(text + strlen(text), 40, "%s", "the cat and the dog and the "
                 "house ");
    snprintf(path, sizeof path, "%s/text", prog_dir);
    prog_spill(path, text, strlen(text));
    if (!getenv("SORITES_PROG"))
        return 0;
    record("--route sparse");
    snprintf(path, sizeof path, "%s/policy.json", prog_dir);
    const char *json = ask(
        "SELECT '{\\\"model\\\":\\\"' || lower(hex(m.sha256)) || "
        "'\\\",\\\"route\\\":' || json_extract(r.params, '$.route') || '}' "
        "FROM run r JOIN model m ON m.id = r.model_id");

    prog_spill(path, json, strlen(json));
    return 0;
}

static void what_is_asked_for_is_recorded(void **state)
{
    (void)state;
    record("--route auto --route-file policy.json --route-low 0.25 "
           "--route-high 0.75 --route-budget 3");
    assert_string_equal(ask(
        "SELECT json_extract(params, '$.route.low') || ' ' || "
        "json_extract(params, '$.route.high') || ' ' || "
        "json_extract(params, '$.route.sparse.best') || ' ' || "
        "json_extract(params, '$.route.sparse.cap') || ' ' || "
        "json_extract(params, '$.route.hybrid.best') || ' ' || route "
        "FROM run ORDER BY id DESC LIMIT 1"), "0.25 0.75 3 12 3 auto");
    replays();
}

/* All is sparse below a threshold of 1, and nothing below one of 0; before the
 * first block nothing is known. */
static void thresholds_choose(void **state)
{
    static const char modes[] =
        "SELECT group_concat(DISTINCT mode) FROM route WHERE path_id = "
        "(SELECT max(path_id) FROM route) AND pos >= 16";

    (void)state;
    record("--route auto --route-file policy.json --route-low 1 "
           "--route-high 1");
    assert_non_null(strstr(ask(modes), "sparse"));
    assert_null(strstr(ask(modes), "full"));
    replays();
    record("--route auto --route-file policy.json --route-low 0 "
           "--route-high 0");
    assert_string_equal(ask(modes), "full");
    replays();
}

static double work_of(const char *options)
{
    char path[128], line[4200];
    const char *at;

    snprintf(line, sizeof line, "{\"id\":1,\"text\":\"%s\"}\n", text);
    snprintf(path, sizeof path, "%s/text.jsonl", prog_dir);
    prog_spill(path, line, strlen(line));
    if (prog_run("score -q -m '%s' --top 0 %s text.jsonl", model, options))
        fail_msg("%s: %s", options, prog_err);
    at = strstr(prog_out, "\"attention_macs\":");
    assert_non_null(at);
    return atof(at + 17);
}

static void a_smaller_budget_is_less_work(void **state)
{
    double wide, narrow;

    (void)state;
    wide = work_of("--route sparse --route-budget 8");
    narrow = work_of("--route sparse --route-budget 1");
    assert_true(narrow < wide);
    assert_true(wide <= work_of("--route full"));
}

static void a_pack_may_ask(void **state)
{
    static const char asked[] =
        "SELECT route || ' ' || json_extract(params, '$.route.sparse.best') "
        "FROM run ORDER BY id DESC LIMIT 1";

    (void)state;
    spill_pack("\"route\":{\"mode\":\"hybrid\",\"budget\":5},");
    record("--domain ./pack");
    assert_string_equal(ask(asked), "hybrid 5");
    replays();
    record("--domain ./pack --route sparse --route-budget 2");
    assert_string_equal(ask(asked), "sparse 2");
    spill_pack("\"route\":{\"mode\":\"auto\",\"low\":0.2,\"high\":0.4},");
    record("--domain ./pack --route-file policy.json --route auto "
           "--route-high 0.5");
    assert_string_equal(ask(
        "SELECT json_extract(params, '$.route.low') || ' ' || "
        "json_extract(params, '$.route.high') FROM run "
        "ORDER BY id DESC LIMIT 1"), "0.2 0.5");
}

/* One sentence with `says`; of a wrong usage, where to read of the right one
 * as well. */
static void expect_refusal(const char *says)
{
    const char *rest = strchr(prog_err, '\n');

    if (!strstr(prog_err, says) || !rest || prog_out[0] ||
        (rest[1] && strncmp(rest + 1, "see `sorites ", 13) != 0))
        fail_msg("no sentence with \"%s\": %s%s", says, prog_out, prog_err);
}

static void what_has_no_sense_is_refused(void **state)
{
    static const struct { const char *options, *says; int code; } bad[] = {
        { "--route-low 0.5", "--route auto", 2 },
        { "--route sparse --route-high 0.5", "--route auto", 2 },
        { "--route-budget 4", "--route auto, sparse and hybrid", 2 },
        { "--route full --route-budget 4", "--route auto, sparse", 2 },
        { "--route-file policy.json", "give --route too", 2 },
        { "--route auto --route-low 1.5", "--route-low", 2 },
        { "--route auto --route-low -0.1", "--route-low", 2 },
        { "--route auto --route-low nan", "--route-low", 2 },
        { "--route sparse --route-budget 0", "--route-budget", 2 },
        { "--route sparse --route-budget 99999", "--route-budget", 2 },
        { "--route sparse --route-budget x", "--route-budget", 2 },
        { "--route auto --route-file policy.json --route-low 0.6 "
          "--route-high 0.5", "high is 0.5", 2 },
        { "--domain ./none", "none", 3 },
    };
    static const struct { const char *name, *operand; } command[] = {
        { "run", "hello" }, { "score", "text.jsonl" } };

    (void)state;
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            int code = prog_run("%s -q -m '%s' %s %s", command[c].name,
                                model, bad[i].options, command[c].operand);

            if (code != bad[i].code)
                fail_msg("%s %s: exit %d: %s", command[c].name,
                         bad[i].options, code, prog_err);
            expect_refusal(bad[i].says);
        }
}

static void packs_are_checked(void **state)
{
    static const struct { const char *route, *says; } bad[] = {
        { "\"route\":{},", "mode" },
        { "\"route\":{\"mode\":\"quick\"},", "mode" },
        { "\"route\":{\"mode\":\"auto\",\"low\":2},", "route.low" },
        { "\"route\":{\"mode\":\"auto\",\"low\":0},", "route.low" },
        { "\"route\":{\"mode\":\"auto\",\"low\":0.5,\"high\":0.4},",
          "over high" },
        { "\"route\":{\"mode\":\"sparse\",\"high\":0.4},", "threshold" },
        { "\"route\":{\"mode\":\"full\",\"budget\":4},", "limits nothing" },
        { "\"route\":{\"mode\":\"sparse\",\"budget\":0},", "route.budget" },
        { "\"route\":{\"mode\":\"sparse\",\"quick\":1},", "quick" },
        { "", "asks for no routing" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spill_pack(bad[i].route);
        assert_true(prog_run("run -q -m '%s' --domain ./pack hello", model) !=
                    0);
        expect_refusal(bad[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_recorded),
        cmocka_unit_test(thresholds_choose),
        cmocka_unit_test(a_smaller_budget_is_less_work),
        cmocka_unit_test(a_pack_may_ask),
        cmocka_unit_test(what_has_no_sense_is_refused),
        cmocka_unit_test(packs_are_checked),
    };

    return cmocka_run_group_tests_name("cli_route", tests, setup,
                                       prog_teardown);
}
