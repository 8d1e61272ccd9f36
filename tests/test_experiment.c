/* Experiments on a recorded run, as a script meets them: what they say, that
 * they are stored and read again, that forks replay, and what goes with rm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/models.h"
#include "tests/prog.h"

static const char *model;               /* the small one */

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

static void record(const char *db)
{
    assert_int_equal(prog_run("run -q -m '%s' --db %s -n 2 --max-tokens 24 "
                              "--seed 3 'one two\nthree four\nfive?'", model,
                              db), 0);
}

/* The object that the program wrote. */
static cJSON *said(const char *args)
{
    cJSON *root;

    if (prog_run("%s", args) != 0)
        fail_msg("%s: %s", args, prog_err);
    root = cJSON_Parse(prog_out);
    assert_non_null(root);
    return root;
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *n = cJSON_GetObjectItem(o, key);

    if (!cJSON_IsNumber(n))
        fail_msg("%s is no number", key);
    return n->valuedouble;
}

static int is_true(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(o, key));
}

/* First column of the first row, as a number. */
static double ask(const char *leaf, const char *sql)
{
    char path[128];
    sqlite3 *sq;
    sqlite3_stmt *st;
    double v;

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    assert_int_equal(sqlite3_open(path, &sq), SQLITE_OK);
    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(sq);
    return v;
}

/* --- lens ---------------------------------------------------------------- */

/* The last layer's reading is what the run recorded of the next token. */
static void the_lens_ends_in_the_recorded_token(void **state)
{
    cJSON *root, *layers, *last;
    int pos, n;

    (void)state;
    record("lens.db");
    pos = (int)ask("lens.db", "SELECT n_prompt + 3 FROM run");
    char args[96];
    snprintf(args, sizeof args, "lens last:0@%d --json --db lens.db", pos);
    root = said(args);
    assert_false(is_true(root, "cached"));
    layers = cJSON_GetObjectItem(root, "layers");
    n = cJSON_GetArraySize(layers);
    assert_int_equal(n, 1 + (int)ask("lens.db", "SELECT n_layer FROM model"));
    last = cJSON_GetArrayItem(layers, n - 1);
    assert_true(fabs(number(last, "kl")) < 1e-9);
    double stored = ask("lens.db", "SELECT t.logprob FROM v_token t JOIN "
                        "v_lens l ON l.path_id = t.path_id AND l.pos + 1 = "
                        "t.pos AND l.token_id = t.token_id LIMIT 1");
    assert_true(fabs(number(last, "logprob") - stored) < 1e-5);
    assert_true(fabs(number(root, "logprob") - stored) < 1e-5);

    cJSON *again = said(args);
    assert_true(is_true(again, "cached"));
    cJSON_ReplaceItemInObject(again, "cached", cJSON_CreateFalse());
    assert_true(cJSON_Compare(root, again, 1));
    assert_int_equal(ask("lens.db", "SELECT count(*) FROM probe"), 1);
    cJSON_Delete(root);
    cJSON_Delete(again);
}

/* Both paths share the prompt, so its rows are computed once. */
static void one_key_is_computed_once(void **state)
{
    cJSON *root;

    (void)state;
    record("key.db");
    cJSON_Delete(said("lens last:0@4 --json --db key.db"));
    root = said("lens last:1@4 --json --db key.db");
    assert_true(is_true(root, "cached"));
    cJSON_Delete(root);
    root = said("lens last:1@4 --top 2 --json --db key.db");
    assert_false(is_true(root, "cached"));
    cJSON_Delete(root);
}

/* What a block wrote is what its heads and its MLP wrote. */
static void attribution_adds_up(void **state)
{
    (void)state;
    record("sum.db");
    cJSON_Delete(said("lens last:0@9 --attribution --json --db sum.db"));
    double off = ask("sum.db",
        "SELECT max(abs(w.logit - p.logit)) FROM v_attribution w JOIN "
        "(SELECT layer, sum(logit) AS logit FROM v_attribution "
        "WHERE part IN ('head','mlp') GROUP BY layer) p USING (layer) "
        "WHERE w.part = 'layer'");
    double size = ask("sum.db", "SELECT max(abs(logit)) FROM attribution");
    /* The head's products round activations to 8 bits, part by part. */
    assert_true(off < 0.05 * size);
    assert_true(size > 0);
}

static void attention_and_activations(void **state)
{
    (void)state;
    record("rows.db");
    cJSON_Delete(said("attention last:0@9 --json --db rows.db"));
    assert_int_equal(ask("rows.db", "SELECT count(DISTINCT layer * 1000 + "
                         "head) FROM v_attention"),
                     ask("rows.db", "SELECT n_layer * n_head FROM model"));
    assert_true(ask("rows.db", "SELECT max(s) FROM (SELECT sum(weight) AS s "
                    "FROM v_attention GROUP BY layer, head)") < 1.00001);
    assert_int_equal(ask("rows.db", "SELECT count(*) FROM v_attention "
                         "WHERE key_pos > 9"), 0);
    cJSON_Delete(said("activations last:0@9 --json --db rows.db"));
    /* norms that the recorder kept, in 11 bits */
    assert_true(ask("rows.db", "SELECT max(abs(a.norm - l.norm_out) / a.norm) "
                    "FROM v_activation a JOIN v_layer l ON "
                    "l.path_id = a.path_id AND l.pos = a.pos AND "
                    "l.layer = a.layer") < 0.01);
    assert_int_equal(prog_run("activations last:0@9 -o x.npy --db rows.db"),
                     0);
}

/* The whole rows sum to 1, agree with the heaviest keys, and are stored under
 * a key of their own. */
static void whole_rows_of_attention(void **state)
{
    static const char args[] = "attention last:0@40 --rows 0.1,2.3 --json "
                               "--db whole.db";
    cJSON *root, *whole;

    (void)state;
    record("whole.db");
    root = said(args);
    whole = cJSON_GetObjectItem(root, "whole");
    assert_int_equal(cJSON_GetArraySize(whole), 2);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(
        cJSON_GetArrayItem(whole, 1), "weights")), 41);
    cJSON *again = said(args);
    assert_true(is_true(again, "cached"));
    cJSON_ReplaceItemInObject(again, "cached", cJSON_CreateFalse());
    assert_true(cJSON_Compare(root, again, 1));
    cJSON_Delete(root);
    cJSON_Delete(again);
    assert_int_equal(ask("whole.db", "SELECT count(*) FROM v_attention_row"),
                     82);
    assert_true(ask("whole.db", "SELECT max(abs(s - 1)) FROM (SELECT "
                    "sum(weight) AS s FROM v_attention_row GROUP BY layer, "
                    "head)") < 1e-3);
    assert_int_equal(ask("whole.db", "SELECT count(*) FROM v_attention a JOIN "
                         "v_attention_row r USING (probe_id, layer, head, "
                         "key_pos) WHERE abs(a.weight - r.weight) <= "
                         "a.weight / 512"), 16);
    assert_int_equal(prog_run("attention last:0@40 --rows all -o a.npy --db "
                              "whole.db"), 0);
    /* the two of before are not computed again, nor are the heaviest keys */
    assert_int_equal(ask("whole.db", "SELECT count(*) FROM attention_row"),
                     ask("whole.db", "SELECT n_layer * n_head FROM model"));
    assert_int_equal(ask("whole.db", "SELECT count(*) - count(DISTINCT "
                         "layer * 10000 + head * 100 + rank) FROM attention"),
                     0);
    /* what is named is what is shown */
    assert_int_equal(prog_run("attention last:0@40 --rows 2.3 --db whole.db"),
                     0);
    assert_non_null(strstr(prog_err, "read from the database"));
    assert_non_null(strstr(prog_out, "    2    3  "));
    assert_null(strstr(prog_out, "    0    0  "));
    root = said("attention last:0@40 --rows 2.3 --json --db whole.db");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "whole")),
                     1);
    cJSON_ArrayForEach(whole, cJSON_GetObjectItem(root, "rows"))
        assert_int_equal((int)number(whole, "layer") * 100 +
                         (int)number(whole, "head"), 203);
    cJSON_Delete(root);
    assert_int_equal(prog_run("attention last:0@40 --layer 99 --db whole.db"),
                     2);
    assert_int_not_equal(prog_run("attention last:0 --rows 99.0 --db "
                                  "whole.db"), 0);
    assert_non_null(strstr(prog_err, "LAYER.HEAD"));
}

/* --- forks --------------------------------------------------------------- */

static const char *const forks[] = {
    "--text ' six seven'",
    "--token '#40'",
    "--temperature 1.3 --seed 9",
    "--head-mask 0.0,1.1 --temperature 1",
    "--layer-mask 1 --text ' so'",
    "",
};

/* Each a child of the one before, cut at a place of its own. */
static void forks_share_their_prefix_and_replay(void **state)
{
    (void)state;
    record("fork.db");
    for (size_t i = 0; i < sizeof forks / sizeof *forks; i++) {
        int pos = (int)ask("fork.db", "SELECT max(t.pos) - 5 FROM run r "
                           "JOIN path p ON p.run_id = r.id AND p.ordinal = 0 "
                           "JOIN v_token t ON t.path_id = p.id WHERE r.id = "
                           "(SELECT max(id) FROM run)");
        if (prog_run("fork last:0@%d -q --max-tokens 12 %s --db fork.db", pos,
                     forks[i]) != 0)
            fail_msg("%s: %s", forks[i], prog_err);
        if (prog_run("replay last --verify --db fork.db") != 0 ||
            strncmp(prog_out, "identical: ", 11) != 0)
            fail_msg("%s: %s%s", forks[i], prog_out, prog_err);
    }
    assert_int_equal(ask("fork.db", "SELECT count(*) FROM run WHERE kind = "
                         "'fork'"), sizeof forks / sizeof *forks);
    assert_int_equal(ask("fork.db", "SELECT count(*) FROM path c JOIN path p "
                         "ON p.id = c.parent_id WHERE c.kind = 'fork' AND "
                         "c.run_id <> p.run_id"),
                     sizeof forks / sizeof *forks);
    /* what is shared is stored once */
    assert_int_equal(ask("fork.db", "SELECT count(*) FROM token t JOIN path p "
                         "ON p.id = t.path_id WHERE t.pos < p.fork_pos"), 0);
    assert_int_equal(prog_run("lens last --db fork.db"), 0);
}

/* A fork's steps before it left are its parent's: each stands beside itself,
 * and the one that was cut beside the fork's first. */
static void a_forks_steps_stand_beside_its_parents(void **state)
{
    cJSON *root, *pair, *step;
    char uid[16], args[96];
    int n = 0, n_own = 0;

    (void)state;
    record("steps.db");
    int pos = (int)ask("steps.db", "SELECT s.tok_from + 1 FROM step s JOIN "
                       "path p ON p.id = s.path_id AND p.ordinal = 0 WHERE "
                       "s.tok_to > s.tok_from + 1 ORDER BY s.ordinal DESC "
                       "LIMIT 1");
    int before = (int)ask("steps.db", "SELECT max(s.ordinal) FROM step s JOIN "
                          "path p ON p.id = s.path_id AND p.ordinal = 0 "
                          "WHERE s.tok_to > s.tok_from + 1");
    assert_int_equal(prog_run("runs --json --db steps.db"), 0);
    snprintf(uid, sizeof uid, "%.8s", strstr(prog_out, "\"run\":\"") + 7);
    assert_int_equal(prog_run("fork last:0@%d -q --token '#40' --max-tokens 8 "
                              "--db steps.db", pos), 0);
    snprintf(args, sizeof args, "diff %s:0 last:0 --json --db steps.db", uid);
    root = said(args);
    cJSON_ArrayForEach(pair, cJSON_GetObjectItem(root, "steps")) {
        const cJSON *a = cJSON_GetObjectItem(pair, "a");
        const cJSON *b = cJSON_GetObjectItem(pair, "b");

        if (n++ < before) {
            assert_true(is_true(pair, "same"));
            step = cJSON_GetObjectItem(b, "step");
            assert_int_equal(strncmp(step->valuestring, uid, 8), 0);
        } else if (n == before + 1) {       /* the one that was cut */
            assert_false(is_true(pair, "same"));
            assert_true(number(pair, "shared") >= 1);
            step = cJSON_GetObjectItem(b, "step");
            assert_string_equal(step->valuestring, "B:0");
        }
        n_own += cJSON_IsObject(a);
    }
    assert_int_equal(n_own, ask("steps.db", "SELECT count(*) FROM step s JOIN "
                                "path p ON p.id = s.path_id WHERE "
                                "p.ordinal = 0 AND p.kind <> 'fork'"));
    cJSON_Delete(root);
}

static void diff_says_where_they_part(void **state)
{
    cJSON *root;

    (void)state;
    record("diff.db");
    assert_int_equal(prog_run("diff last:0 last:0 --db diff.db"), 0);
    assert_non_null(strstr(prog_out, "the same "));
    int pos = (int)ask("diff.db", "SELECT n_prompt + 4 FROM run");
    char uid[16], args[96];
    assert_int_equal(prog_run("runs --json --db diff.db"), 0);
    const char *at = strstr(prog_out, "\"run\":\"");
    assert_non_null(at);
    snprintf(uid, sizeof uid, "%.8s", at + 7);
    assert_int_equal(prog_run("fork last:0@%d -q --token '#40' --db diff.db",
                              pos), 0);
    snprintf(args, sizeof args, "diff %s:0 last:0 --json --db diff.db", uid);
    root = said(args);
    assert_int_equal((int)number(root, "part"), pos);
    assert_int_equal((int)number(cJSON_GetObjectItem(root, "b"), "token"), 40);
    assert_true(number(cJSON_GetObjectItem(root, "a"), "logprob_a") < 0);
    /* why: the other token was among the alternatives, or below them */
    cJSON *a = cJSON_GetObjectItem(root, "a");
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(a, "logprob_b")) !=
                cJSON_IsNumber(cJSON_GetObjectItem(a, "below_b")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(
        cJSON_GetObjectItem(root, "b"), "below_b")));   /* it was given */
    cJSON_Delete(root);
}

/* --- ablation ------------------------------------------------------------ */

/* Patching a row with itself changes no bit; every other effect is marked for
 * what it is. */
static void a_row_patched_with_itself_is_the_same(void **state)
{
    (void)state;
    record("self.db");
    cJSON_Delete(said("ablate last:0@9 --patch last:0@9 --json "
                      "--db self.db"));
    assert_true(ask("self.db", "SELECT count(*) FROM effect") > 1);
    assert_true(ask("self.db", "SELECT max(abs(change)) FROM v_effect") == 0);
    assert_true(ask("self.db", "SELECT max(kl) FROM effect") < 1e-12);
}

static void only_recompute_is_called_causal(void **state)
{
    (void)state;
    record("span.db");
    assert_int_equal(prog_run("ablate last:0@20 --mask 2:6,8:12,lines "
                              "--db span.db"), 2);
    assert_int_equal(prog_run("ablate last:0@20 --mask 2:6,8:12 --recompute "
                              "2:6,8:12 --head all --db span.db"), 0);
    assert_non_null(strstr(prog_out, "leaky, not causal"));
    assert_int_equal(ask("span.db", "SELECT count(*) FROM effect WHERE "
                         "(how = 'recompute') <> (measured = 'causal')"), 0);
    assert_int_equal(ask("span.db", "SELECT count(*) FROM effect WHERE "
                         "how IN ('mask','recompute')"), 4);
    assert_int_equal(prog_run("ablate last:0@20 --mask 2:21 --db span.db"),
                     2);
    assert_int_equal(prog_run("ablate last:0 --mask lines --recompute lines "
                              "--mean --layer 0 --db span.db"), 0);
}

/* A part is computed once, whichever requests hold it. */
static void a_part_is_computed_once(void **state)
{
    cJSON *root;

    (void)state;
    record("part.db");
    cJSON_Delete(said("ablate last:0@20 --mask 2:6,8:12 --recompute 2:6 "
                      "--json --db part.db"));
    double logprob = ask("part.db", "SELECT logprob FROM effect WHERE how = "
                         "'recompute'");
    root = said("ablate last:0@20 --recompute 2:6,2:6,8:12 --mask 8:12 "
                "--json --db part.db");
    assert_false(is_true(root, "cached"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "effects")),
                     3);
    cJSON_Delete(root);
    root = said("ablate last:1@20 --recompute 2:6 --json --db part.db");
    assert_true(is_true(root, "cached"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "effects")),
                     1);
    assert_true(fabs(number(cJSON_GetArrayItem(cJSON_GetObjectItem(
        root, "effects"), 0), "logprob") - logprob) < 1e-6);
    cJSON_Delete(root);
    assert_int_equal(ask("part.db", "SELECT count(*) FROM v_effect"), 4);
    assert_int_equal(ask("part.db", "SELECT count(*) FROM (SELECT DISTINCT "
                         "how, span_from, span_to FROM effect)"), 4);
    assert_int_equal(prog_run("verify --chain --db part.db"), 0);
}

static void options_that_would_do_nothing_are_refused(void **state)
{
    static const char *const args[] = {
        "--mask 2:6 --mean", "--recompute 2:6 --mean",
        "--patch last:0@9 --head 0.0", "--patch last:0@9 --mean",
        "--patch last:0@9 --mask 2:6",
    };

    (void)state;
    record("opts.db");
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        assert_int_equal(prog_run("ablate last:0@20 %s --db opts.db",
                                  args[i]), 2);
        assert_string_equal(prog_out, "");
    }
    assert_int_equal(ask("opts.db", "SELECT count(*) FROM probe"), 0);
}

/* Hiding nothing that matters: a mask over every key but the row's own leaves
 * a different distribution, one over no position cannot be asked for. */
static void a_mask_reaches_the_row(void **state)
{
    (void)state;
    record("mask.db");
    cJSON_Delete(said("ablate last:0@20 --mask 0:20 --json --db mask.db"));
    assert_true(ask("mask.db", "SELECT kl FROM effect") > 0);
}

/* --- what stays, what goes ----------------------------------------------- */

static void experiments_go_with_their_run(void **state)
{
    (void)state;
    record("rm.db");
    record("rm.db");
    assert_int_equal(prog_run("lens last:0@9 --attribution --db rm.db"), 0);
    assert_int_equal(prog_run("ablate last:0@9 --db rm.db"), 0);
    assert_int_equal(prog_run("verify --chain rm.db"), 0);
    assert_int_equal(prog_run("rm -y last --db rm.db"), 0);
    assert_int_equal(ask("rm.db", "SELECT (SELECT count(*) FROM probe) + "
                         "(SELECT count(*) FROM lens_top) + "
                         "(SELECT count(*) FROM effect)"), 0);
    assert_int_equal(prog_run("verify --chain rm.db"), 0);
    assert_int_equal(prog_run("lens last:0@9 --db rm.db"), 0);
    assert_int_equal(prog_run("forget -y last --db rm.db"), 0);
    assert_int_equal(ask("rm.db", "SELECT count(*) FROM probe"), 0);
    assert_int_equal(prog_run("verify --chain rm.db"), 0);
    assert_int_equal(prog_run("lens last:0@9 --db rm.db"), 4);
}

static void wrong_addresses_are_told(void **state)
{
    (void)state;
    record("bad.db");
    assert_int_equal(prog_run("lens last:7@3 --db bad.db"), 4);
    assert_int_equal(prog_run("lens last:0@99999 --db bad.db"), 4);
    assert_int_equal(prog_run("fork last:0@8 --head-mask 99.0 --db bad.db"),
                     2);
    assert_int_equal(prog_run("fork last:0@8 --token '#99999999' "
                              "--db bad.db"), 2);
    assert_int_equal(prog_run("fork last:0@8 --text a --token b --db bad.db"),
                     2);
    assert_int_equal(prog_run("ablate last:0@8 --head 0 --db bad.db"), 2);
    assert_int_equal(prog_run("lens last --db none.db"), 3);
    assert_int_equal(prog_run("faithful last:0 --accuracy 3 --db bad.db") == 0,
                     0);
}

/* What was guessed of an address is said; what was imported is not computed;
 * a refused fork prints nothing. */
static void addresses_are_said_and_refused(void **state)
{
    (void)state;
    record("say.db");
    assert_int_equal(prog_run("lens last --db say.db"), 0);
    assert_non_null(strstr(prog_err, "last: taken as "));
    assert_int_equal(prog_run("lens last:0@9 --db say.db"), 0);
    assert_null(strstr(prog_err, "taken as"));
    assert_int_equal(prog_run("diff last last:1 --db say.db"), 0);
    assert_non_null(strstr(prog_err, "last: taken as "));
    int n = (int)ask("say.db", "SELECT max(t.pos) + 1 FROM v_token t JOIN "
                     "path p ON p.id = t.path_id AND p.ordinal = 0");
    assert_int_equal(prog_run("fork last:0@0 --text ' so' --db say.db"), 2);
    char range[48];
    snprintf(range, sizeof range, "positions 1 to %d", n - 1);
    assert_non_null(strstr(prog_err, range));
    assert_string_equal(prog_out, "");
    assert_int_equal(prog_run("fork last:0@%d -q --max-tokens 2 --token '#40' "
                              "--db say.db", n - 1), 0);

    static const char chat[] = "{\"model\":\"m\",\"choices\":[{\"message\":"
        "{\"content\":\"one two\"}},{\"message\":{\"content\":\"one three\"}}]}";
    char path[96];
    snprintf(path, sizeof path, "%s/chat.json", prog_dir);
    prog_spill(path, chat, sizeof chat - 1);
    assert_int_equal(prog_run("import chat.json --db say.db"), 0);
    for (int i = 0; i < 3; i++) {
        static const char *const name[] = { "ablate", "lens", "attention" };

        assert_int_equal(prog_run("%s last:0@0 --db say.db", name[i]), 3);
        prog_expect_sentence("was imported: no model here computed it");
    }
    assert_int_equal(prog_run("diff last:0 last:1 --db say.db"), 0);
    assert_non_null(strstr(prog_out, "1 word the same; they part at 1 (A has 2 words"));
}

/* --- faithfulness: only a model that reasons has any --------------------- */

static void faithfulness_and_its_refusal(void **state)
{
    cJSON *root;

    (void)state;
    if (!models_real()) {
        print_message("SORITES_TEST_MODEL is unset\n");
        skip();
    }
    assert_int_equal(prog_run("run -q -m '%s' --db f.db -n 4 --max-tokens 80 "
                              "--seed 0 'What is 12 + 30? Think step by "
                              "step.'", models_real()), 0);
    int path = (int)ask("f.db", "SELECT p.ordinal FROM path p JOIN answer a "
                        "ON a.path_id = p.id AND a.final JOIN step s ON "
                        "s.id = a.step_id WHERE s.ordinal > 0 LIMIT 1");
    char args[128];
    snprintf(args, sizeof args, "faithful last:%d --samples 3 --json "
             "--accuracy 18/100 --chance 0.011 --db f.db", path);
    root = said(args);
    assert_true(is_true(root, "meaningful"));
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(root, "trials")) >= 5);
    cJSON_Delete(root);
    root = said(args);
    assert_true(is_true(root, "cached"));
    cJSON_Delete(root);
    /* the accuracy is no part of what was computed; other samples are */
    assert_int_equal(prog_run("faithful last:%d --samples 3 --accuracy 19/100 "
                              "--chance 0.011 --db f.db", path), 0);
    assert_non_null(strstr(prog_err, "read from the database"));
    assert_int_equal(prog_run("faithful last:%d --samples 0 --accuracy 18/100 "
                              "--chance 0.011 --db f.db", path), 0);
    assert_int_equal(ask("f.db", "SELECT count(*) FROM v_fixed WHERE "
                         "logprob_without < 0 AND logprob_with < 0 AND "
                         "fixed_before = (same_without AND same_with)"), 1);
    assert_int_equal(ask("f.db", "SELECT count(*) FROM v_trial WHERE "
                         "test = 'resample' AND n <> 3"), 0);
    /* each step removed is an edge to the step of the token asked about */
    assert_int_equal(prog_run("ablate last:%d --recompute steps --db f.db",
                              path), 0);
    assert_true(ask("f.db", "SELECT count(*) FROM effect") > 0);
    assert_int_equal(ask("f.db", "SELECT count(*) FROM v_edge WHERE measured "
                         "= 'causal' AND note LIKE 'ablate:%'"),
                     ask("f.db", "SELECT count(*) FROM effect"));
    assert_int_equal(ask("f.db", "SELECT count(*) FROM v_edge e WHERE "
                         "measured = 'causal' AND NOT (src_kind = 'step' AND "
                         "dst_kind = 'step' AND weight BETWEEN 0 AND 1 AND "
                         "kind IN ('supports','contradicts'))"), 0);
    assert_int_equal(prog_run("verify --chain --db f.db"), 0);
    assert_int_equal(prog_run("graph last -o causal.svg --db f.db"), 0);
    assert_int_equal(prog_run("faithful last:%d --accuracy 4/100 --chance "
                              "0.03 --db f.db", path), 1);
    prog_expect_sentence("mean nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lens_ends_in_the_recorded_token),
        cmocka_unit_test(one_key_is_computed_once),
        cmocka_unit_test(attribution_adds_up),
        cmocka_unit_test(attention_and_activations),
        cmocka_unit_test(whole_rows_of_attention),
        cmocka_unit_test(forks_share_their_prefix_and_replay),
        cmocka_unit_test(diff_says_where_they_part),
        cmocka_unit_test(a_forks_steps_stand_beside_its_parents),
        cmocka_unit_test(a_row_patched_with_itself_is_the_same),
        cmocka_unit_test(only_recompute_is_called_causal),
        cmocka_unit_test(a_part_is_computed_once),
        cmocka_unit_test(options_that_would_do_nothing_are_refused),
        cmocka_unit_test(a_mask_reaches_the_row),
        cmocka_unit_test(experiments_go_with_their_run),
        cmocka_unit_test(wrong_addresses_are_told),
        cmocka_unit_test(addresses_are_said_and_refused),
        cmocka_unit_test(faithfulness_and_its_refusal),
    };
    return cmocka_run_group_tests_name("experiment", tests, setup,
                                       prog_teardown);
}
