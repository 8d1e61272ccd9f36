/* Traces from strangers: whatever a line says, it is stored or named with its
 * line and column, the lines beside it are stored, and what was stored can be
 * listed, drawn, exported and browsed without a byte that commands a terminal
 * or an element that is not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/str.h"
#include "base/text.h"
#include "tests/mkdb.h"
#include "tests/prog.h"
#include "tests/slow.h"

static void spill(const char *leaf, const struct str *s)
{
    char path[128];

    assert_true(str_ok(s));
    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    prog_spill(path, s->p, s->len);
}

static char *slurp(const char *leaf, size_t *n)
{
    char path[128];
    char *bytes;

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    bytes = (char *)prog_slurp(path, n);
    assert_non_null(bytes);
    return bytes;
}

/* Repeats a text n times. */
static void again(struct str *s, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        str_puts(s, text);
}

static int said(const char *what)
{
    return strstr(prog_err, what) != NULL;
}

/* --- lines --------------------------------------------------------------- */

#define GOOD "{\"question\":\"Q\",\"completion\":\"The answer is 42.\"}"

/* One line between two good ones; says: what is told of it, NULL where it is
 * stored as well. */
static const struct { const char *line; size_t n; const char *says; }
lines[] = {
#define LINE(text, told) { text, sizeof text - 1, told }
    LINE("{\"question\":\"a\",\"completion\":NaN}", "f.jsonl:2:30: "),
    LINE("{\"question\":\"a\",\"completion\":-Infinity}", "f.jsonl:2:30: "),
    LINE("{\"question\":\"a\",\"completion\":\"b\"", "f.jsonl:2:"),
    LINE("{\"question\":\"a\",\"completion\":\"b\"}}", "f.jsonl:2:"),
    LINE("{\"question\":\"a\" \"completion\":\"b\"}", "f.jsonl:2:17: "),
    LINE("{\"question\":\"a\",\"completion\":\"\\ud83d\"}", "f.jsonl:2:"),
    LINE("{\"question\":\"a\",\"completion\":\"\\udc00\\ud83d\"}",
         "f.jsonl:2:"),
    LINE("{\"question\":\"a\",\"completion\":\"b\\x\"}", "f.jsonl:2:"),
    LINE("{\"question\":\"a\",\"completion\":\"b\0c\"}", "f.jsonl:2:32: a NUL"),
    LINE("{\"question\":\"a\",\"completion\":\"b\",\"question\":\"c\"}",
         "f.jsonl:2:1: the key \"question\" stands twice"),
    LINE("{\"question\":\"a\",\"completion\":\"b\",\"x\":{\"y\":1,\"y\":1}}",
         "f.jsonl:2:1: the key \"y\" stands twice"),
    LINE("\xff\xfe{\0}\0", "f.jsonl:2:"),
    LINE("{\"question\":\"a\",\"completion\":\"b\xc0\x80\xed\xa0\x80\xf5\"}",
         NULL),
    LINE("{\"question\":\"a\",\"completion\":\"b\\u0000\\u001b[31m\"}", NULL),
    LINE("{\"question\":\"a\",\"completion\":\"b\",\"n\":1e999}", NULL),
    LINE("{\"question\":\"a\",\"completion\":\"b\",\"n\":-1e-999}", NULL),
    LINE("{\"question\":\"a\",\"completion\":\"b\","
         "\"n\":123456789012345678901234567890123456789012345678901234567890}",
         NULL),
    LINE("{\"messages\":[{\"role\":\"assistant\",\"content\":{\"a\":[]}}]}",
         "f.jsonl:2:"),
    LINE("{\"choices\":[{\"message\":{\"content\":\"x\"},\"logprobs\":{"
         "\"content\":[{\"token\":\"x\",\"logprob\":1e308,\"bytes\":"
         "[-1,256,1e9]}]}}]}", NULL),
    LINE("{\"choices\":[{\"index\":-5,\"message\":{\"content\":\"x\"}},"
         "{\"index\":1e18,\"message\":{\"content\":\"y\"}}]}", NULL),
    LINE("{\"sorites\":1,\"run\":\"../../etc/passwd\"}", "f.jsonl:2:"),
    LINE("{\"sorites\":99,\"run\":\"x\"}", "f.jsonl:2:"),
#undef LINE
};

static void a_bad_line_costs_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct str s;
        int rc;

        str_init(&s);
        str_puts(&s, GOOD "\n");
        str_put(&s, lines[i].line, lines[i].n);
        str_puts(&s, "\n{\"question\":\"R\",\"completion\":\"7.\"}\n");
        spill("f.jsonl", &s);
        str_release(&s);
        rc = prog_run("import --db l%zu.db f.jsonl", i);
        if (rc != (lines[i].says ? 3 : 0) ||
            (lines[i].says && !said(lines[i].says)))
            fail_msg("line %zu: exit %d, \"%s\"", i, rc, prog_err);
        assert_null(strchr(prog_err, '\x1b'));
        assert_int_equal(prog_run("sql --json --db l%zu.db "
                                  "'SELECT count(*) AS n FROM run'", i), 0);
        assert_string_equal(prog_out, lines[i].says ? "{\"n\":2}\n"
                                                    : "{\"n\":3}\n");
    }
}

/* --- great ones ---------------------------------------------------------- */

enum { MIB = 1 << 20 };

/* Of a tenth of the size where sanitizers or the like slow all down. */
static int mib(int n)
{
    return (getenv("SORITES_FAST") ? n / 10 : n) * MIB;
}

static void deep(struct str *s)
{
    again(s, "[", mib(50));
    str_putc(s, '\n');
}

static void deep_objects(struct str *s)
{
    again(s, "{\"a\":", mib(10));
    str_putc(s, '\n');
}

static void long_text(struct str *s)
{
    str_puts(s, "{\"question\":\"long\",\"completion\":\"");
    again(s, "word ", mib(10));
    str_puts(s, "The answer is 1.\"}\n");
}

static void over_the_limit(struct str *s)
{
    str_puts(s, "{\"question\":\"long\",\"completion\":\"");
    again(s, "0123456789abcdef", 4 * MIB + 1);
    str_puts(s, "\"}\n");
}

static void many_spans(struct str *s)
{
    str_puts(s, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    for (int i = 0; i < 2000; i++)
        str_printf(s, "%s{\"traceId\":\"aa\",\"spanId\":\"%d\",\"attributes\":["
                   "{\"key\":\"gen_ai.operation.name\",\"value\":{"
                   "\"stringValue\":\"chat\"}},{\"key\":\"input.value\","
                   "\"value\":{\"stringValue\":\"%d?\"}},{\"key\":"
                   "\"output.value\",\"value\":{\"stringValue\":\"%d\"}}]}",
                   i ? "," : "", i, i, i);
    str_puts(s, "]}]}]}\n");
}

static void one_key_often(struct str *s)
{
    str_puts(s, "{\"question\":\"k\",\"completion\":\"c\"");
    again(s, ",\"k\":0", 2 * MIB);
    str_puts(s, "}\n");
}

static void many_keys(struct str *s)
{
    str_puts(s, "{\"question\":\"k\",\"completion\":\"c\"");
    for (int i = 0; i < 300000; i++)
        str_printf(s, ",\"k%d\":%d", i, i);
    str_puts(s, "}\n");
}

static void marks(struct str *s)
{
    str_puts(s, "{\"question\":\"m\",\"completion\":\"a");
    again(s, "\xcc\x81\xe2\x80\xae", MIB);
    str_puts(s, " The answer is 1.\"}\n");
}

/* Seconds of processor time, a few times what they take. */
static const struct {
    const char *name;
    void (*make)(struct str *s);
    const char *says;           /* NULL: stored */
    int seconds;
} greats[] = {
    { "deep", deep, "nested over 64", 5 },
    { "deep objects", deep_objects, "nested over 64", 5 },
    { "long text", long_text, NULL, 30 },
    { "over the limit", over_the_limit, "g.jsonl:2", 5 },
    { "many spans", many_spans, NULL, 60 },
    { "one key often", one_key_often, "stands twice", 15 },
    { "many keys", many_keys, NULL, 15 },
    { "combining marks", marks, NULL, 30 },
};

/* Processor time of the commands so far; the clock on the wall would tell of
 * the machine's other work too. */
static double spent(void)
{
    struct rusage u;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &u), 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void great_lines_are_met_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof greats / sizeof *greats; i++) {
        struct str s;
        double from;
        int rc;

        str_init(&s);
        str_puts(&s, GOOD "\n");
        greats[i].make(&s);
        str_puts(&s, GOOD "\n{\"question\":\"R\",\"completion\":\"7.\"}\n");
        spill("g.jsonl", &s);
        str_release(&s);
        from = spent();
        rc = prog_run("import --db g%zu.db g.jsonl", i);
        double took = spent() - from;
        print_message("%-16s %5.2f s\n", greats[i].name, took);
        if (rc != (greats[i].says ? 3 : 0) ||
            (greats[i].says && !said(greats[i].says)))
            fail_msg("%s: exit %d, \"%.300s\"", greats[i].name, rc, prog_err);
        assert_true(slow() || took < greats[i].seconds);
        assert_int_equal(prog_run("sql --db g%zu.db \"SELECT 'R' FROM v_run "
                                  "WHERE prompt = 'R'\"", i), 0);
        assert_non_null(strchr(prog_out, 'R'));
    }
}

/* --- every field of our own format --------------------------------------- */

/* Where the value of the k-th key of {"table":{...}} stands; 0: no such. */
static size_t value_at(const char *line, int k, size_t *n)
{
    const char *p = strstr(line, ":{");

    for (p = p ? p + 1 : line; *p; p++) {
        if (*p == '"') {                        /* keys and texts */
            for (p++; *p && *p != '"'; p++)
                p += *p == '\\';
            continue;
        }
        if (*p != ':' || k-- > 0)
            continue;
        p++;
        *n = strcspn(p, *p == '"' ? "}" : ",}");
        if (*p == '"') {
            const char *q = p + 1;

            while (*q != '"')
                q += *q == '\\' ? 2 : 1;
            *n = (size_t)(q + 1 - p);
        }
        return (size_t)(p - line);
    }
    return 0;
}

/* The run's lines with one value replaced; its uid becomes `uid`. */
static void with(const char *run, const char *line, size_t at, size_t n,
                 const char *value, const char *uid, struct str *out)
{
    static const char was[] = "3fa2000000c0ffee00abcdef00000000";
    size_t from = out->len, cut = (size_t)(line - run) + at;

    str_put(out, run, cut);
    str_puts(out, value);
    str_puts(out, run + cut + n);
    for (char *p = out->p + from; (p = strstr(p, was)) != NULL; )
        memcpy(p, uid, strlen(uid));
}

static void every_field_may_lie(void **state)
{
    static const char *const values[] = {
        "-1", "0", "1", "2", "99", "2147483648", "\"9223372036854775807\"",
        "\"-9223372036854775808\"", "1e308", "0.5", "null", "true", "[]",
        "\"\"", "\"x\"", "\"\\u001b]0;\\u0007\\u202e\"",
    };
    struct mkdb_opts o = { .n_run = 1, .n_path = 3, .heads = 1 };
    char path[128], last[32] = "";
    struct str out;
    size_t n;
    int tried = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/src.db", prog_dir);
    assert_int_equal(mkdb(path, &o, NULL), SOR_OK);
    assert_int_equal(prog_run("export -a --db src.db -o src.jsonl"), 0);
    char *run = slurp("src.jsonl", &n);
    str_init(&out);
    for (const char *line = run; *line; line = strchr(line, '\n') + 1) {
        char table[32];
        size_t at;

        snprintf(table, sizeof table, "%.*s",
                 (int)(strcspn(line + 2, "\"") % sizeof table), line + 2);
        if (strcmp(table, last) == 0 || strcmp(table, "sorites") == 0 ||
            strcmp(table, "end") == 0)
            continue;           /* the first row of each table */
        strcpy(last, table);
        for (int k = 0; (at = value_at(line, k, &n)) &&
                        at < strcspn(line, "\n"); k++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                char uid[33];

                snprintf(uid, sizeof uid, "%032x", (unsigned)++tried);
                with(run, line, at, n, values[v], uid, &out);
            }
    }
    free(run);
    spill("lies.jsonl", &out);
    str_release(&out);
    int rc = prog_run("import --json --db lies.db lies.jsonl");
    assert_true(rc == 0 || rc == 3);
    print_message("%d lies: %s", tried, prog_out);
    assert_true(tried > 1000);
    assert_int_equal(prog_run("verify --chain lies.db"), 0);
}

/* What was believed can be looked at in every way. */
static void what_was_believed_can_be_shown(void **state)
{
    static const char keys[] = "j Enter j Enter Enter j j Enter ? q q G Enter "
                               "Enter Enter l h / a Enter n i + - q";
    const int every = getenv("SORITES_HARD") ? 1 : 8;
    struct str s;
    size_t n;
    int n_run = 0;

    (void)state;
    str_init(&s);
    str_puts(&s, keys);
    spill("keys", &s);
    str_release(&s);
    assert_int_equal(prog_run("sql --json --db lies.db 'SELECT uid FROM run' "
                              "-o uids"), 0);
    char *uids = slurp("uids", &n);
    for (char *p = uids; (p = strstr(p, "\"uid\":\"")) != NULL; n_run++) {
        p += 7;
        if (n_run % every == 0)
            assert_int_equal(prog_run("graph --db lies.db %.32s -o one.dot",
                                      p), 0);
        if (n_run % (8 * every) == 0) {
            assert_int_equal(prog_run("export --db lies.db %.32s", p), 0);
            assert_int_equal(prog_run("export -f otlp --db lies.db %.32s", p),
                             0);
        }
    }
    free(uids);
    print_message("%d runs with one lie each\n", n_run);
    assert_true(n_run > 20);
    assert_int_equal(prog_run("runs --db lies.db -n 0"), 0);
    assert_int_equal(prog_run("browse lies.db --keys keys --dump screen"), 0);
    for (const char *const *v = (const char *const[]){ "v_run", "v_path",
             "v_step", "v_token", "v_layer", "v_alt", "v_vote", NULL }; *v; v++)
        assert_int_equal(prog_run("sql --db lies.db 'SELECT count(*) FROM %s'",
                                  *v), 0);
}

/* --- hostile words ------------------------------------------------------- */

/* As they stand in JSON: escapes of terminals, HTML, DOT and SQL, characters
 * that turn text around, hide in it or pile up on it. */
#define NASTY "\\u001b[2J\\u001b]52;c;eA==\\u0007\\u009b31m<script>alert(1)" \
    "</script><img src=x onerror=y>\\\" ]; URL=\\\"javascript:z\\\" [\\\\N" \
    "';DROP TABLE run;--\\u202egnp.exe\\u2066\\u200b\\u00ad\\ufeffe\\u0301" \
    "\\u0301\\u0301\\u0085\\u2028</title>]]>&amp;{{7*7}}%n$(id)`id`\\r\\b"

static void nothing_commands(const char *leaf)
{
    size_t n;
    char *bytes = slurp(leaf, &n);
    uint32_t cp;

    assert_true(n > 0);
    for (size_t i = 0; i < n; ) {
        size_t from = i;

        i += utf8_next(bytes + i, n - i, &cp);
        if (cp != '\n' && cp != '\t' && text_hidden(cp))
            fail_msg("%s: U+%04X at byte %zu", leaf, (unsigned)cp, from);
    }
    free(bytes);
}

static void nasty_words_are_only_words(void **state)
{
    static const struct { const char *args, *leaf; int raw; } outs[] = {
        { "runs --db n.db -o out.runs", "out.runs", 0 },
        { "graph --db n.db last -o out.dot", "out.dot", 0 },
        { "graph --db n.db last -o out.svg", "out.svg", 0 },
        { "export --db n.db -a -o out.jsonl", "out.jsonl", 0 },
        { "export --db n.db -a -f otlp -o out.otlp", "out.otlp", 0 },
        { "sql --db n.db 'SELECT * FROM v_step' -o out.sql", "out.sql", 0 },
        { "sql --json --db n.db 'SELECT * FROM v_run' -o out.json",
          "out.json", 0 },
        { "browse n.db --keys keys --dump out.screen", "out.screen", 0 },
        { "browse n.db --keys keys --dump-svg out.tui.svg", "out.tui.svg", 0 },
    };
    struct str s;

    (void)state;
    str_init(&s);
    str_puts(&s, "{\"question\":\"" NASTY "\",\"model\":\"" NASTY "\","
             "\"id\":\"" NASTY "\",\"steps\":[\"" NASTY "\",\"" NASTY
             "The answer is " NASTY "\"]}\n"
             "{\"custom_id\":\"" NASTY "\",\"response\":{\"body\":{\"model\":\""
             NASTY "\",\"choices\":[{\"message\":{\"content\":\"" NASTY
             "The answer is 1.\"},\"finish_reason\":\"" NASTY "\"},"
             "{\"message\":{\"content\":\"" NASTY "The answer is 2.\"}}]}}}\n");
    spill("n.jsonl", &s);
    str_clear(&s);
    str_puts(&s, "Enter j Enter Enter j Enter l");
    spill("keys", &s);
    str_release(&s);
    assert_int_equal(prog_run("import --db n.db n.jsonl"), 0);
    nothing_commands("out");
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        if (prog_run("%s", outs[i].args) != 0)
            fail_msg("%s: %s", outs[i].args, prog_err);
        nothing_commands(outs[i].leaf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_line_costs_no_other),
        cmocka_unit_test(great_lines_are_met_in_time),
        cmocka_unit_test(every_field_may_lie),
        cmocka_unit_test(what_was_believed_can_be_shown),
        cmocka_unit_test(nasty_words_are_only_words),
    };

    return cmocka_run_group_tests_name("hostile_trace", tests, prog_setup,
                                       prog_teardown);
}
