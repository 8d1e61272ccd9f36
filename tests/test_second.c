/* probe/second.c: the local model's view of a foreign text is recorded as a
 * run of ours would be, and of the model's own text it is what the model said
 * when it wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/models.h"
#include "tests/prog.h"

static const char rows[] =
    "{\"question\":\"Why?\",\"completion\":\"It is so. The answer is 4.\"}\n"
    "{\"messages\":[{\"role\":\"user\",\"content\":\"How?\"}],\"choices\":["
    "{\"message\":{\"content\":\"By rain.\"}},"
    "{\"message\":{\"content\":\"By snow and ice.\"}}]}\n";

static char path[128];

static void spill(const char *leaf, const char *text)
{
    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    prog_spill(path, text, strlen(text));
}

static const char *sql(const char *db, const char *query)
{
    assert_int_equal(prog_run("sql --db %s --json \"%s\"", db, query), 0);
    return prog_out;
}

static void the_view_is_a_run_of_its_own(void **state)
{
    const char *model = models_small();
    char uid[33];

    (void)state;
    assert_non_null(model);
    spill("rows.jsonl", rows);
    assert_int_equal(prog_run("import --db s.db --second-opinion -m '%s' "
                              "rows.jsonl", model), 0);
    assert_string_equal(prog_out, "2 runs added, 0 there already\n");
    assert_string_equal(sql("s.db", "SELECT count(*) AS n, "
        "sum(params LIKE '%the local model''s view%') AS views FROM v_run"),
        "{\"n\":4,\"views\":2}\n");
    /* the same texts, with a probability and layers for every token */
    assert_string_equal(sql("s.db", "SELECT count(*) AS n FROM v_path a "
        "JOIN v_path b ON a.text = b.text AND a.kind = 'import' AND "
        "b.kind = 'score' AND b.stop = 'scored'"), "{\"n\":3}\n");
    assert_string_equal(sql("s.db", "SELECT count(*) > 20 AS many, "
        "sum(t.logprob IS NULL) AS none, sum(t.entropy IS NULL) AS no_entropy, "
        "sum(t.layers IS NULL) AS no_layers, sum(t.alt IS NULL) AS no_alt, "
        "sum(t.digest IS NULL) AS no_digest "
        "FROM token t JOIN path p ON p.id = t.path_id JOIN run r "
        "ON r.id = p.run_id WHERE p.kind = 'score' AND t.pos >= r.n_prompt"),
        "{\"many\":1,\"none\":0,\"no_entropy\":0,\"no_layers\":0,"
        "\"no_alt\":0,\"no_digest\":0}\n");
    assert_int_equal(prog_run("verify --chain s.db"), 0);
    assert_int_equal(prog_run("replay last --verify --db s.db"), 0);
    assert_int_equal(strncmp(prog_out, "identical: 2 paths", 18), 0);
    assert_int_equal(prog_run("sql --db s.db \"SELECT uid FROM run WHERE id = "
                              "1\""), 0);
    snprintf(uid, sizeof uid, "%.32s", strchr(prog_out, '\n') + 1);
    assert_int_equal(prog_run("replay %s --verify --db s.db -m '%s'", uid,
                              model), 3);
    prog_expect_sentence("was imported");
    assert_int_equal(prog_run("import --db s.db --second-opinion -m none.gguf "
                              "rows.jsonl"), 0);     /* nothing was added */
    assert_int_equal(prog_run("import --db n.db --second-opinion -m none.gguf "
                              "rows.jsonl"), 3);
    assert_string_equal(sql("n.db", "SELECT count(*) AS n FROM v_run"),
                        "{\"n\":2}\n");
}

/* Teacher forcing over greedy text gives the bits of the decoding, since a
 * prompt's chunking does not change them. */
static void of_its_own_text_it_says_the_same(void **state)
{
    static const char query[] = "SELECT t.token_id, t.logprob, t.entropy "
        "FROM v_token t WHERE run_id = %d AND logprob IS NOT NULL AND pos < "
        "(SELECT n_prompt FROM run WHERE id = %d) + 24 ORDER BY pos";
    char q[256], *own;

    (void)state;
    if (!models_real()) {
        print_message("SORITES_TEST_MODEL is unset\n");
        skip();
    }
    assert_int_equal(prog_run("run -q -m '%s' --db o.db --max-tokens 40 "
                              "'What is the capital of France?'",
                              models_real()), 0);
    snprintf(q, sizeof q, query, 1, 1);
    own = strdup(sql("o.db", q));
    sql("o.db", "SELECT 'What is the capital of France?' AS question, "
        "text AS completion FROM v_path");
    spill("own.jsonl", prog_out);
    assert_int_equal(prog_run("import --db o.db --second-opinion -m '%s' "
                              "own.jsonl", models_real()), 0);
    snprintf(q, sizeof q, query, 3, 3);
    assert_true(strlen(own) > 200);
    /* the last token ended the turn; it has no text to be read again */
    own[strlen(own) - 1] = '\0';
    strrchr(own, '\n')[1] = '\0';
    assert_int_equal(strncmp(own, sql("o.db", q), strlen(own)), 0);
    free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_view_is_a_run_of_its_own),
        cmocka_unit_test(of_its_own_text_it_says_the_same),
    };

    return cmocka_run_group_tests_name("second", tests, prog_setup,
                                       prog_teardown);
}
