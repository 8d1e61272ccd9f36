/* trace/import*.c, trace/foreign.c, trace/vocab.c: traces of other programs
 * become rows like our own, and what is wrong with one costs no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/chain.h"
#include "tests/dbtest.h"
#include "trace/foreign.h"
#include "trace/import.h"
#include "trace/vocab.h"

/* --- aids ---------------------------------------------------------------- */

static char said[4096];         /* the sentences of refused records */

static void bad(void *ud, const char *sentence)
{
    (void)ud;
    strncat(said, sentence, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

/* Imports the values, NULL-terminated; "f:1", "f:2", ... are their places. */
static struct import_counts take(const char *const *value)
{
    struct import_opts o = { .bad = bad };
    struct db_writer *w = dbtest_writer();
    struct import_counts n;
    struct import *im;

    said[0] = '\0';
    OK(import_open(w, &o, &im, &t.msg));
    for (int i = 0; value[i]; i++) {
        char where[16];

        snprintf(where, sizeof where, "f:%d", i + 1);
        OK(import_value(im, value[i], strlen(value[i]), where, &t.msg));
    }
    OK(import_end(im, "f", &t.msg));
    n = *import_counts(im);
    import_close(im);
    db_writer_close(w);
    return n;
}

static struct import_counts take_one(const char *value)
{
    return take((const char *const[]){ value, NULL });
}

/* All values of a query, "|" between columns and ";" after rows. */
static const char *rows(const char *query)
{
    static char out[4096];
    sqlite3_stmt *st;
    sqlite3 *sq;

    out[0] = '\0';
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sq, query, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        for (int i = 0, n = sqlite3_column_count(st); i < n; i++) {
            const char *v = (const char *)sqlite3_column_text(st, i);
            size_t used = strlen(out);

            snprintf(out + used, sizeof out - used, "%s%s", v ? v : "NULL",
                     i + 1 < n ? "|" : ";");
        }
    sqlite3_finalize(st);
    sqlite3_close(sq);
    return out;
}

#define ROWS(query, want) assert_string_equal(rows(query), want)

static void chain_holds(void)
{
    struct db *d = dbtest_reader();
    struct chain_report r;

    OK(chain_verify(d, &r, &t.msg));
    assert_true(r.ok);
    db_close(d);
    ROWS("PRAGMA integrity_check", "ok;");
    ROWS("PRAGMA foreign_key_check", "");
}

/* --- chat ---------------------------------------------------------------- */

static const char batch_line[] =
    "{\"custom_id\":\"q-1\",\"response\":{\"status_code\":200,\"body\":{"
    "\"id\":\"c1\",\"created\":1700000000,\"model\":\"gpt-x\",\"choices\":["
    "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
    "\"3 + 4 = 7 \xE2\x82\xAC. The answer is 7.\"},\"finish_reason\":\"stop\","
    "\"logprobs\":{\"content\":["
    "{\"token\":\"3\",\"logprob\":-0.5,\"bytes\":[51],\"top_logprobs\":["
    "{\"token\":\"4\",\"logprob\":-2.5,\"bytes\":[52]},"
    "{\"token\":\"3\",\"logprob\":-0.5,\"bytes\":[51]}]},"
    "{\"token\":\" + 4 = 7 \",\"logprob\":-9999.0},"
    "{\"token\":\"\\\\xe2\\\\x82\",\"logprob\":-0.25,\"bytes\":[226,130]},"
    "{\"token\":\"\\\\xac\",\"logprob\":0.5,\"bytes\":[172]},"
    "{\"token\":\". The answer is 7.\",\"logprob\":-1,\"bytes\":null}]}},"
    "{\"index\":1,\"message\":{\"content\":\"The answer is 8.\","
    "\"reasoning_content\":\"Let me see. 3 + 5 = 8.\"},"
    "\"finish_reason\":\"length\"}],"
    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":40,"
    "\"completion_tokens_details\":{\"reasoning_tokens\":11}}}},"
    "\"error\":null}";

static void choices_are_paths_and_logprobs_tokens(void **state)
{
    (void)state;
    assert_int_equal(take_one(batch_line).n_new, 1);
    ROWS("SELECT kind, model, n_path, started, params FROM v_run",
         "import|gpt-x|2|2023-11-14T22:13:20Z|{\"source\":\"openai\","
         "\"custom_id\":\"q-1\",\"id\":\"c1\",\"usage\":{\"input_tokens\":9,"
         "\"output_tokens\":40,\"reasoning_tokens\":11}};");
    /* -9999 and a positive one are no log-probabilities */
    ROWS("SELECT pos, hex(w.bytes) FROM token t JOIN piece w "
         "ON w.token_id = t.token_id WHERE pos IN (0, 2, 3) ORDER BY pos",
         "0|33;2|E282;3|AC;");
    ROWS("SELECT pos, logprob FROM v_token",
         "0|-0.5;1|NULL;2|-0.25;3|NULL;4|-1.0;");
    ROWS("SELECT rank, text, round(logprob, 2), chosen FROM v_alt",
         "1|3|-0.5|1;2|4|-2.5|0;");
    ROWS("SELECT ordinal, stop, answer_norm FROM v_path",
         "0|eog|7;1|length|8;");
    ROWS("SELECT text FROM v_path WHERE ordinal = 1",
         "<think>\nLet me see. 3 + 5 = 8.\n</think>\n\nThe answer is 8.;");
    /* path 1 has no tokens: nobody knows where the two part */
    ROWS("SELECT count(*) FROM divergence", "0;");
    chain_holds();
}

static void words_show_where_paths_part(void **state)
{
    (void)state;
    assert_int_equal(take_one("{\"request\":{\"model\":\"m\",\"temperature\":"
        "0.5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"Why?\"}]}]},\"response\":{\"choices\":[{\"message\":{"
        "\"content\":\"It is so. The answer is rain.\"}},{\"message\":{"
        "\"content\":\"It is so. The answer is snow.\"}}]}}").n_new, 1);
    ROWS("SELECT prompt, temperature, model FROM v_run", "Why?|0.5|m;");
    ROWS("SELECT pos, text_a, text_b FROM v_divergence", "6| rain.| snow.;");
    ROWS("SELECT answer, votes FROM v_vote", "rain|1;snow|1;");
    ROWS("SELECT ordinal, tok_from, tok_to FROM v_step WHERE path = 0",
         "0|0|3;1|3|7;");
}

/* Words are no tokens, and the run says that its positions are words. */
static void words_are_not_counted_as_tokens(void **state)
{
    (void)state;
    assert_int_equal(take_one("{\"choices\":[{\"message\":{\"content\":"
        "\"It is so.\"}},{\"message\":{\"content\":\"It is not.\"}}]}").n_new,
        1);
    ROWS("SELECT n_token, params FROM v_run",
         "0|{\"source\":\"openai\",\"tokens\":\"words\"};");
    ROWS("SELECT n_token FROM v_path", "0;0;");
    ROWS("SELECT count(*) FROM v_token", "6;");
}

/* The server may send them in any order. */
static void choices_are_in_the_order_of_their_index(void **state)
{
    (void)state;
    assert_int_equal(take_one("{\"choices\":["
        "{\"index\":2,\"message\":{\"content\":\"The answer is 2.\"}},"
        "{\"index\":0,\"message\":{\"content\":\"The answer is 0.\"}},"
        "{\"index\":1,\"message\":{\"content\":\"The answer is 1.\"}}]}").n_new,
        1);
    ROWS("SELECT ordinal, answer FROM v_path ORDER BY ordinal",
         "0|0;1|1;2|2;");
}

/* Each pair of the first paths, and each later path from path 0. */
static void partings_are_linear_in_the_paths(void **state)
{
    enum { N = 80, PAIRED = 64 };
    struct str s;
    char want[32];

    (void)state;
    str_init(&s);
    str_puts(&s, "{\"choices\":[");
    for (int i = 0; i < N; i++)
        str_printf(&s, "%s{\"message\":{\"content\":\"So it is %d.\"}}",
                   i ? "," : "", i);
    str_puts(&s, "]}");
    assert_int_equal(take_one(s.p).n_new, 1);
    str_release(&s);
    snprintf(want, sizeof want, "%d;", PAIRED * (PAIRED - 1) / 2 + N - PAIRED);
    ROWS("SELECT count(*) FROM divergence", want);
    ROWS("SELECT count(*) FROM v_divergence WHERE path_a = 0", "79;");
    ROWS("SELECT pos, text_a, text_b FROM v_divergence WHERE path_b = 79",
         "3| 0.| 79.;");
    chain_holds();
}

/* What went wrong at the server is said, not that something is missing. */
static void failed_requests_are_told(void **state)
{
    static const struct { const char *line, *says; } bad[] = {
        { "{\"id\":\"b1\",\"custom_id\":\"q-7\",\"response\":null,\"error\":{"
          "\"code\":\"batch_expired\",\"message\":\"ran out of time\"}}",
          "f:1:1: request \"q-7\": the server reported an error and no answer: "
          "batch_expired: ran out of time" },
        { "{\"custom_id\":\"q-8\",\"response\":{\"status_code\":429,\"body\":{"
          "\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit\"}}},"
          "\"error\":null}", "q-8\": the server reported an error and no "
          "answer: rate_limit: slow down" },
        { "{\"custom_id\":\"q-9\",\"response\":{\"status_code\":500,"
          "\"body\":{}},\"error\":null}", "no answer: 500" },
        { "{\"error\":{\"code\":404,\"message\":\"no such model\"}}",
          "no answer: 404: no such model" },
        { "{\"error\":\"model not loaded\"}", "no answer: model not loaded" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(take_one(bad[i].line).n_bad, 1);
        if (!strstr(said, bad[i].says))
            fail_msg("%s", said);
    }
}

static void conversations_end_in_an_answer(void **state)
{
    (void)state;
    assert_int_equal(take_one("{\"messages\":[{\"role\":\"system\","
        "\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"A?\"},"
        "{\"role\":\"assistant\",\"content\":\"No.\"},{\"role\":\"user\","
        "\"content\":\"Sure?\"},{\"role\":\"assistant\",\"content\":"
        "\"<think>Hm.</think>Yes.\"}]}").n_new, 1);
    ROWS("SELECT prompt, system FROM v_run",
         "user: A?\n\nassistant: No.\n\nuser: Sure?|Be brief.;");
    ROWS("SELECT text, answer_norm FROM v_path",
         "<think>Hm.</think>Yes.|yes;");
    /* one path without tokens has none */
    ROWS("SELECT count(*) FROM token", "0;");
    ROWS("SELECT level, n_token FROM v_run", "steps|0;");
}

/* --- rows ---------------------------------------------------------------- */

static void rows_have_a_question_and_an_answer(void **state)
{
    (void)state;
    assert_int_equal(take((const char *const[]){
        "{\"id\":\"r1\",\"model\":\"R1\",\"question\":\"Which?\",\"options\":"
        "{\"A\":\"this\",\"B\":\"that\"},\"gold\":\"B\",\"correct\":true,"
        "\"completion\":\"<think>\\nIt is this.\\n</think>\\nThe answer is "
        "B.\"}",
        "{\"question\":\"Sum?\",\"steps\":[\"1 + 1 = 2.\",\"2 + 1 = 3.\"],"
        "\"mistake_index\":null}", NULL }).n_new, 2);
    ROWS("SELECT prompt, answer, params FROM v_run WHERE id = 1",
         "Which?\n\nA. this\nB. that|B|{\"source\":\"rows\",\"fields\":{"
         "\"id\":\"r1\",\"model\":\"R1\",\"gold\":\"B\",\"correct\":true}};");
    ROWS("SELECT text FROM v_step WHERE run_id = 2",
         "1 + 1 = 2.;2 + 1 = 3.;");
    ROWS("SELECT DISTINCT kind FROM edge ORDER BY kind",
         "concludes;follows;shares;");
}

/* --- spans --------------------------------------------------------------- */

#define SPANS(list) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" list \
                    "]}]}]}"
#define ATTR(key, kind, value) \
    "{\"key\":\"" key "\",\"value\":{\"" kind "\":" value "}}"

static void genai_spans_of_one_parent_are_paths(void **state)
{
    static const char one[] =
        ATTR("gen_ai.operation.name", "stringValue", "\"chat\"") ","
        ATTR("gen_ai.request.model", "stringValue", "\"m\"") ","
        ATTR("gen_ai.input.messages", "stringValue",
             "\"[{\\\"role\\\":\\\"user\\\",\\\"parts\\\":[{\\\"type\\\":"
             "\\\"text\\\",\\\"content\\\":\\\"Q?\\\"}]}]\"") ",";
    char value[4096];

    (void)state;
    snprintf(value, sizeof value, SPANS(
        "{\"traceId\":\"aa\",\"spanId\":\"01\",\"name\":\"agent\"},"
        "{\"traceId\":\"aa\",\"spanId\":\"02\",\"parentSpanId\":\"01\","
        "\"startTimeUnixNano\":\"1700000000000000000\","
        "\"endTimeUnixNano\":\"1700000002000000000\",\"attributes\":[%s"
        ATTR("gen_ai.usage.output_tokens", "intValue", "\"7\"") ","
        ATTR("gen_ai.output.messages", "arrayValue", "{\"values\":[{"
             "\"kvlistValue\":{\"values\":["
             ATTR("role", "stringValue", "\"assistant\"") ","
             ATTR("parts", "arrayValue", "{\"values\":[{\"kvlistValue\":{"
                  "\"values\":[" ATTR("type", "stringValue", "\"reasoning\"")
                  "," ATTR("content", "stringValue", "\"Hm.\"") "]}},"
                  "{\"kvlistValue\":{\"values\":["
                  ATTR("type", "stringValue", "\"text\"") ","
                  ATTR("content", "stringValue", "\"The answer is 4.\"")
                  "]}}]}") "]}}]}") "]},"
        "{\"traceId\":\"aa\",\"spanId\":\"03\",\"parentSpanId\":\"01\","
        "\"attributes\":[%s"
        ATTR("gen_ai.output.messages", "stringValue",
             "\"[{\\\"role\\\":\\\"assistant\\\",\\\"content\\\":"
             "\\\"The answer is 5.\\\","
             "\\\"finish_reason\\\":\\\"length\\\"}]\"")
        "]}"), one, one);
    assert_int_equal(take_one(value).n_new, 1);
    assert_string_equal(said, "");
    ROWS("SELECT prompt, model, started FROM v_run",
         "Q?|m|2023-11-14T22:13:20Z;");
    ROWS("SELECT ordinal, n_token, stop, text FROM v_path",
         "0|7|import|<think>Hm.</think>The answer is 4.;"
         "1|0|length|The answer is 5.;");
}

static void openinference_spans_are_read(void **state)
{
    (void)state;
    assert_int_equal(take_one(SPANS("{\"traceId\":\"bb\",\"spanId\":\"01\","
        "\"attributes\":["
        ATTR("openinference.span.kind", "stringValue", "\"LLM\"") ","
        ATTR("llm.model_name", "stringValue", "\"oi\"") ","
        ATTR("llm.token_count.completion", "intValue", "12") ","
        ATTR("llm.input_messages.0.message.role", "stringValue",
             "\"system\"") ","
        ATTR("llm.input_messages.0.message.content", "stringValue",
             "\"Be kind.\"") ","
        ATTR("llm.input_messages.1.message.role", "stringValue", "\"user\"")
        "," ATTR("llm.input_messages.1.message.content", "stringValue",
                 "\"Hello?\"") ","
        ATTR("llm.output_messages.0.message.role", "stringValue",
             "\"assistant\"") ","
        ATTR("llm.output_messages.0.message.content", "stringValue",
             "\"Yes.\"") "]}")).n_new, 1);
    ROWS("SELECT prompt, system, model, answer FROM v_run",
         "Hello?|Be kind.|oi|yes;");
    ROWS("SELECT n_token FROM v_path", "12;");
}

#define CHAT ATTR("gen_ai.operation.name", "stringValue", "\"chat\"") ","
#define KIND ATTR("openinference.span.kind", "stringValue", "\"LLM\"") ","
#define SPAN(trace, attributes) "{\"traceId\":\"" trace "\",\"spanId\":" \
                                "\"0" trace "\",\"attributes\":[" \
                                attributes "]}"

/* The same things, as other programs write them. */
static void spans_are_said_in_other_ways(void **state)
{
    static const char *const value[] = {
        /* one message each, and all the numbers */
        SPANS(SPAN("1", CHAT
            ATTR("gen_ai.system", "stringValue", "\"them\"") ","
            ATTR("gen_ai.usage.prompt_tokens", "intValue", "\"5\"") ","
            ATTR("gen_ai.usage.reasoning.output_tokens", "intValue", "3") ","
            ATTR("sorites.path.stop", "stringValue", "\"context\"") ","
            ATTR("gen_ai.system_instructions", "stringValue",
                 "\"[{\\\"parts\\\":[{\\\"type\\\":\\\"text\\\","
                 "\\\"content\\\":\\\"Be.\\\"}]},\\\" Kind.\\\"]\"") ","
            ATTR("gen_ai.input.messages", "stringValue",
                 "\"{\\\"messages\\\":[{\\\"role\\\":\\\"user\\\","
                 "\\\"content\\\":\\\"Whole?\\\"}]}\"") ","
            ATTR("gen_ai.output.messages", "kvlistValue", "{\"values\":["
                 ATTR("content", "stringValue", "\"It is 1.\"") ","
                 ATTR("rank", "intValue", "\"4\"") ","
                 ATTR("at", "intValue", "4") "]}"))),
        /* bare text */
        SPANS(SPAN("2", KIND
            ATTR("input.value", "stringValue", "\"Bare?\"") ","
            ATTR("output.value", "stringValue", "\"It is 2.\""))),
        /* messages numbered as nobody should */
        SPANS(SPAN("3", KIND
            ATTR("llm.input_messages.x.message.role", "stringValue",
                 "\"user\"") ","
            ATTR("llm.input_messages.-1.message.content", "stringValue",
                 "\"no\"") ","
            ATTR("llm.input_messages.99999999999.message.content",
                 "stringValue", "\"no\"") ","
            ATTR("llm.input_messages.1.message.content", "stringValue",
                 "\"Odd?\"") ","
            ATTR("llm.output_messages.0.message.content", "stringValue",
                 "\"It is 3.\""))),
        /* no answer, no id */
        SPANS(SPAN("4", CHAT ATTR("x", "boolValue", "true"))),
        SPANS("{\"attributes\":["
              ATTR("gen_ai.operation.name", "stringValue", "\"chat\"") "]}"),
        NULL
    };

    (void)state;
    assert_int_equal(take(value).n_new, 3);
    ROWS("SELECT r.id, r.prompt, p.text FROM v_path p JOIN v_run r "
         "ON r.id = p.run_id ORDER BY r.id",
         "1|Whole?|It is 1.;2|Bare?|It is 2.;"
         "3|user: \n\nuser: Odd?|It is 3.;");
    ROWS("SELECT stop FROM v_path WHERE run_id = 1", "context;");
    ROWS("SELECT system FROM v_run WHERE id = 1", "Be. Kind.;");
    assert_non_null(strstr(said, "span 04: a call of a model with no "
                                 "answer in it"));
    assert_non_null(strstr(said, "span (no id): a call"));
}

/* --- our own lines ------------------------------------------------------- */

static const char begin_line[] =
    "{\"sorites\":1,\"run\":\"0123456789abcdef0123456789abcdef\"}";

/* What is no row of a run, each time after a good beginning. */
static void rows_of_no_run_are_refused(void **state)
{
    static char wide[4096] = "{\"run\":{\"a\":1";
    static const struct { const char *line, *says; } bad[] = {
        { "{\"run\":{\"uid\":[1]}}", "run: uid: no value of a row" },
        { "{\"run\":{\"uid\":{\"hex\":\"zz\"}}}", "run: uid: no value" },
        { "{\"nowhere\":{\"id\":1}}", "nowhere" },
        { "{\"end\":\"0123456789abcdef0123456789abcdef\",\"rows\":7}",
          "0 rows came of the run's 7; it is left out" },
        { "{\"sorites\":1}", "the run is not named" },
        { "{\"sorites\":1,\"run\":\"up\"}", "32 hex digits" },
        { wide, "too many columns" },
    };

    (void)state;
    for (int i = 0; i < 99; i++)
        snprintf(wide + strlen(wide), 16, ",\"c%d\":%d", i, i);
    strcat(wide, "}}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const list[] = { begin_line, bad[i].line, NULL };

        assert_int_equal(take(list).n_new, 0);
        if (!strstr(said, bad[i].says))
            fail_msg("not \"%s\" but \"%s\"", bad[i].says, said);
    }
    ROWS("SELECT count(*) FROM run", "0;");
    chain_holds();
}

/* --- what may come ------------------------------------------------------- */

static void bad_lines_are_named_and_good_ones_stored(void **state)
{
    static const char good[] = "{\"question\":\"Q\",\"completion\":\"42\"}";
    char deep[200] = "";
    const char *const list[] = {
        good, "not json", "{\"question\":\"a\",\"completion\":NaN}",
        "{\"question\":\"a\",\"question\":\"b\",\"completion\":\"c\"}",
        "{\"question\":\"a\",\"completion\":\"\\ud800\"}",
        "{\"question\":1e999,\"completion\":\"c\"}",
        "{\"question\":\"a\",\"completion\":\"\"}",
        "{\"choices\":5}", "{\"choices\":[{\"message\":7}]}",
        "{\"choices\":[{\"message\":{\"content\":\"x\"},\"logprobs\":{"
        "\"content\":[{\"token\":3,\"logprob\":\"x\",\"bytes\":[1e300]}]}}]}",
        "{\"resourceSpans\":[{\"scopeSpans\":{\"spans\":[1,[],{}]}}]}",
        "{\"custom_id\":\"z\",\"response\":{\"status_code\":500},"
        "\"error\":{\"code\":1}}",
        "{\"sorites\":2,\"run\":\"x\"}", "[1,2]", "{}", deep,
        "{\"question\":\"n\\u0000l\",\"completion\":\"b\xFF" "d 43\"}", NULL
    };

    (void)state;
    memset(deep, '[', 70);
    memset(deep + 70, ']', 70);
    struct import_counts n = take(list);
    assert_int_equal(n.n_new, 3);           /* odd token types are no reason */
    assert_int_equal(n.n_bad, 15);          /* [1,2] holds two */
    assert_non_null(strstr(said, "f:2:1: not JSON"));
    assert_non_null(strstr(said, "f:3:30: not JSON"));
    assert_non_null(strstr(said, "f:4:1: the key \"question\" stands twice"));
    assert_non_null(strstr(said, "f:16:65: nested over 64 levels deep"));
    ROWS("SELECT answer FROM v_run WHERE id IN (1, 3)", "42;43;");
    ROWS("SELECT prompt FROM v_run WHERE id = 3",
         "n\xEF\xBF\xBDl;");        /* one sign for one NUL */
    ROWS("SELECT instr(text, 'b\xEF\xBF\xBD" "d') FROM v_path WHERE run_id = 3",
         "1;");
    chain_holds();
}

static void twice_adds_nothing(void **state)
{
    struct import_counts n;

    (void)state;
    take_one(batch_line);
    n = take_one(batch_line);
    assert_int_equal(n.n_new, 0);
    assert_int_equal(n.n_known, 1);
    ROWS("SELECT count(*) FROM run", "1;");
}

static void forgetting_leaves_no_text(void **state)
{
    struct db_writer *w;

    (void)state;
    take_one(batch_line);
    w = dbtest_writer();
    OK(db_forget_run(w, 1, &t.msg));
    db_writer_close(w);
    ROWS("SELECT (SELECT count(*) FROM token) + (SELECT count(*) FROM piece) "
         "+ (SELECT count(*) FROM text WHERE body IS NOT NULL)", "0;");
}

/* Imports it with the ith allocation refused, for i from 1 until it goes in;
 * so many runs there are before it and with it. */
static void starve(const char *value, const char *none, const char *one)
{
    for (uint64_t i = 1; ; i += i < 200 ? 1 : 17) {
        struct import_opts o = { .bad = bad };
        struct db_writer *w = dbtest_writer();
        struct import *im = NULL;
        uint64_t before = mem_count();
        enum sor_err err;

        said[0] = '\0';
        mem_fail_at(i);
        err = import_open(w, &o, &im, &t.msg);
        if (!err)
            err = import_value(im, value, strlen(value), "f:1", &t.msg);
        int reached = mem_count() - before >= i;
        mem_fail_at(0);
        import_close(im);
        db_writer_close(w);
        if (!reached || (!err && !*said)) {
            assert_int_equal(err, SOR_OK);
            break;              /* it went in */
        }
        if (err != SOR_NOMEM)
            fail_msg("allocation %d: error %d, \"%s\"", (int)i, (int)err,
                     said);
        ROWS("SELECT count(*) FROM run", none);
    }
    ROWS("SELECT count(*) FROM run", one);
    chain_holds();
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    starve(batch_line, "0;", "1;");
    starve(SPANS(SPAN("1", KIND
        ATTR("input.value", "stringValue", "\"Bare?\"") ","
        ATTR("output.value", "stringValue", "\"It is 2.\""))), "1;", "2;");
    starve("{\"question\":\"Q\",\"options\":[\"a\",7,\"b\"],"
           "\"steps\":[\"One.\",\"It is 4.\"]}", "2;", "3;");
}

/* --- the parts ----------------------------------------------------------- */

static void a_vocabulary_is_sorted_bytes(void **state)
{
    struct vocab v = { .n = 0 };

    (void)state;
    assert_int_equal(vocab_id(&v, "a", 1), -1);
    for (const char *p = "bab"; *p; p++)
        assert_int_equal(vocab_add(&v, p, 1), 0);
    assert_int_equal(vocab_add(&v, "ab", 2), 0);
    vocab_sort(&v);
    assert_int_equal(v.n, 3);
    assert_int_equal(vocab_id(&v, "a", 1), 0);
    assert_int_equal(vocab_id(&v, "ab", 2), 1);
    assert_int_equal(vocab_id(&v, "b", 1), 2);
    assert_int_equal(vocab_id(&v, "c", 1), -1);
    vocab_release(&v);
}

static void a_run_without_paths_is_refused(void **state)
{
    struct db_writer *w = dbtest_writer();
    struct foreign f;
    char uid[33];
    int known;

    (void)state;
    foreign_init(&f);
    assert_int_equal(foreign_put(w, &f, uid, &known, &t.msg), SOR_FORMAT);
    struct foreign_path *p = foreign_path(&f);
    foreign_text(&p->text, "a\0b", 3);
    assert_string_equal(p->text.p, "a\xEF\xBF\xBD" "b");
    assert_int_equal(foreign_tok(p, "a", 1, (double)NAN), 0);
    assert_int_equal(foreign_alt(p, "c", 1, -3.0), 0);
    assert_int_equal(foreign_alt(p, "d", 1, -1.0), 0);
    assert_string_equal(p->bytes.p, "acd");
    assert_true(p->alt[0].logprob > p->alt[1].logprob);
    foreign_release(&f);
    db_writer_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(choices_are_paths_and_logprobs_tokens),
        DBTEST(words_show_where_paths_part),
        DBTEST(words_are_not_counted_as_tokens),
        DBTEST(choices_are_in_the_order_of_their_index),
        DBTEST(partings_are_linear_in_the_paths),
        DBTEST(failed_requests_are_told),
        DBTEST(conversations_end_in_an_answer),
        DBTEST(rows_have_a_question_and_an_answer),
        DBTEST(genai_spans_of_one_parent_are_paths),
        DBTEST(openinference_spans_are_read),
        DBTEST(spans_are_said_in_other_ways),
        DBTEST(rows_of_no_run_are_refused),
        DBTEST(bad_lines_are_named_and_good_ones_stored),
        DBTEST(twice_adds_nothing),
        DBTEST(forgetting_leaves_no_text),
        DBTEST(every_allocation_may_fail),
        DBTEST(a_vocabulary_is_sorted_bytes),
        DBTEST(a_run_without_paths_is_refused),
    };

    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
