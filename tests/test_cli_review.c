/* Reviews as a script meets them: rules within the program, rows, reports,
 * decisions, policies, and what is no contract.  The second tier reads with
 * the real model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "tests/prog.h"
#include "tests/xml.h"

/* A contract with one dangling reference and one blank. */
static const char contract[] =
    "SUPPLY AGREEMENT\n\n"
    "This Supply Agreement (the \"Agreement\") is made on 1 May 2024 between "
    "N\xc3\xb8rd Mills Ltd (\"Supplier\") and Cobble Foods Inc. "
    "(\"Customer\").\n\n"
    "1. Definitions\n\n"
    "1.1 \"Goods\" means the flour that Supplier sells to Customer.\n\n"
    "2. Supply\n\n"
    "2.1 Supplier shall deliver the Goods within ten (10) days after each "
    "order.\n\n"
    "2.2 Customer shall pay for the Goods as set out in Section 9.4.\n\n"
    "2.3 Customer may not resell the Goods, except to [RESELLER].\n\n"
    "3. General\n\n"
    "3.1 This Agreement is governed by the laws of Denmark.\n\n"
    "3.2 Neither Supplier nor Customer may assign this Agreement without the "
    "prior written consent of the other.\n\n"
    "3.3 This Agreement ends on 30 April 2026. Either party may terminate it "
    "earlier by sixty (60) days' written notice.\n";

static char domains[4096];

/* A file in the folder that the program runs in. */
static const char *in_dir(const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", prog_dir, name);
    return path;
}

static int setup(void **state)
{
    char cwd[3072];
    int rc = prog_setup(state);

    if (rc == 0) {
        prog_spill(in_dir("c.txt"), contract, sizeof contract - 1);
        if (!getenv("SORITES_DOMAINS") && getcwd(cwd, sizeof cwd)) {
            snprintf(domains, sizeof domains, "%s/domains", cwd);
            setenv("SORITES_DOMAINS", domains, 1);
        }
    }
    return rc;
}

/* Wrong usage: a sentence, and where the help is. */
static void expect_usage(int code, const char *with)
{
    assert_int_equal(code, 2);
    assert_string_equal(prog_out, "");
    if (!strstr(prog_err, with))
        fail_msg("expected \"%s\", got %s", with, prog_err);
}

static const cJSON *member(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!v)
        fail_msg("no member %s", key);
    return v;
}

static cJSON *parse_out(void)
{
    cJSON *tree = NULL;
    struct sor_msg msg;

    if (json_parse(prog_out, strlen(prog_out), "out", &tree, &msg))
        fail_msg("%s", msg.text);
    return tree;
}

/* The words at code points from..to of the contract. */
static void expect_quote(const cJSON *o, const char *want)
{
    int from = member(o, "start")->valueint, to = member(o, "end")->valueint;
    const char *p = contract;
    char got[128];
    int n = 0;

    for (int cp = 0; *p; p++) {
        cp += ((unsigned char)*p & 0xc0) != 0x80;
        if (cp > from && cp <= to && n < (int)sizeof got - 1)
            got[n++] = *p;
    }
    got[n] = '\0';
    assert_string_equal(got, want);
}

static const cJSON *find(const cJSON *list, const char *key, const char *value)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        if (cJSON_IsString(v) && strcmp(v->valuestring, value) == 0)
            return o;
    }
    fail_msg("nothing has %s \"%s\"", key, value);
    return NULL;
}

/* A review is drawn as its document's logic: what refers to nothing, what a
 * term is, and which words say so. */
static void its_logic_is_drawn(void **state)
{
    struct xml x;
    size_t n;

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q --db l.db c.txt"), 0);
    assert_int_equal(prog_run("graph --db l.db last -o l.svg"), 0);
    char *svg = (char *)prog_slurp(in_dir("l.svg"), &n);
    assert_non_null(svg);
    assert_int_equal(xml_check(svg, n, &x), 0);
    assert_non_null(strstr(svg, "Logic of c.txt"));
    assert_int_equal(xml_count(svg, "class=\"node outside\""), 1);
    assert_non_null(strstr(svg, "Section 9.4"));
    assert_non_null(strstr(svg, "not in this document"));
    assert_int_equal(xml_count(svg, "class=\"edge refers_to\""), 1);
    assert_int_equal(xml_count(svg, "class=\"edge defines\""),
                     xml_count(svg, "class=\"node term\""));
    assert_non_null(strstr(svg, "exception: except to"));
    assert_null(strstr(svg, "border: origin"));     /* no such thing here */
    free(svg);
    assert_int_equal(prog_run("graph --db l.db last --kind reasoning"), 0);
    assert_null(strstr(prog_out, "Logic of"));
    assert_int_equal(prog_run("forget -y --db l.db last"), 0);
    assert_int_equal(prog_run("graph --db l.db last"), 0);
    assert_null(strstr(prog_out, "Section 9.4"));
    assert_null(strstr(prog_out, "flour"));
}

static void rules_as_json(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only --json c.txt"), 0);
    cJSON *tree = parse_out();
    const cJSON *clauses = member(tree, "clauses");
    const cJSON *c = find(clauses, "number", "2.2");

    assert_true(cJSON_GetArraySize(clauses) >= 9);
    assert_int_equal(member(member(tree, "document"), "chars")->valueint,
                     (int)strlen(contract) - 1);    /* one of two bytes */
    assert_true(cJSON_IsNull(member(c, "type")));
    const cJSON *d = find(member(tree, "defects"), "kind",
                          "dangling_reference");
    expect_quote(d, "Section 9.4");
    expect_quote(find(member(tree, "defects"), "kind", "placeholder"),
                 "[RESELLER]");
    const cJSON *e = find(member(tree, "edges"), "dst", "term:Goods");
    assert_string_equal(member(e, "kind")->valuestring, "defines");
    expect_quote(e, "Goods");
    const cJSON *n = find(member(tree, "norms"), "bearer", "Supplier");
    assert_string_equal(member(n, "kind")->valuestring, "obligation");
    assert_int_equal(cJSON_GetArraySize(member(tree, "claims")), 0);
    assert_true(cJSON_GetArraySize(member(tree, "findings")) >= 2);
    cJSON_Delete(tree);
}

static void rules_are_quick(void **state)
{
    struct timespec a, b;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    /* a second on an idle machine; this one may be shared and sanitized */
    assert_true(b.tv_sec - a.tv_sec < 10);
}

static void the_screen_says_what_needs_you(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only --no-unicode c.txt"), 0);
    assert_non_null(strstr(prog_out, "What needs you"));
    assert_non_null(strstr(prog_out, "\"Section 9.4\"\n"));
    assert_non_null(strstr(prog_out, " rule "));
    assert_non_null(strstr(prog_out, "for a lawyer's decision"));
    assert_non_null(strstr(prog_out, "Not checked"));
    assert_non_null(strstr(prog_out, "No model was used"));
    assert_null(strchr(prog_out, '\033'));
}

/* Decisions are rows beside the finding, and every report shows them. */
static void decisions_show_everywhere(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    assert_int_equal(prog_run("decide last 0 reject --name 'Ann <b>' "
                              "--reason 'See the order form'"), 0);
    assert_int_equal(prog_run("report last --no-unicode"), 0);
    assert_non_null(strstr(prog_out, "rejected by Ann <b>"));
    assert_non_null(strstr(prog_out, "See the order form"));
    assert_int_equal(prog_run("report last -o r.html"), 0);
    char *page = (char *)prog_slurp(in_dir("r.html"), &n);
    assert_non_null(page);
    assert_non_null(strstr(page, "rejected by Ann &lt;b&gt;"));
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_int_equal(xml_count(page, "<script"), 1);
    assert_non_null(strstr(page, "<mark class=\"s"));
    assert_non_null(strstr(page, "<svg "));
    free(page);
    assert_int_equal(prog_run("report last -o r.md"), 0);
    page = (char *)prog_slurp(in_dir("r.md"), &n);
    assert_non_null(strstr(page, "**Decision:** rejected by Ann \\<b\\>"));
    free(page);
    assert_int_equal(prog_run("sql \"SELECT decision FROM v_finding WHERE "
                              "uid = (SELECT uid FROM v_review ORDER BY "
                              "run_id DESC LIMIT 1) AND ordinal = 0\""), 0);
    assert_non_null(strstr(prog_out, "reject"));
    assert_int_equal(prog_run("verify --chain"), 0);
}

/* A report that goes to a file is on the screen as well, and said to be. */
static void a_report_to_a_file_is_shown_too(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only c.txt -o s.html"), 0);
    assert_non_null(strstr(prog_out, "What needs you"));
    assert_non_null(strstr(prog_err, "report written to s.html"));
    assert_int_equal(prog_run("review --rules-only -q c.txt -o s.md"), 0);
    assert_string_equal(prog_out, "");
    assert_int_equal(prog_run("review --rules-only c.txt -o s.json"), 0);
    assert_string_equal(prog_out, "");
    expect_usage(prog_run("report last -o s.pdf"), "end it in .html, .md, ");
}

/* The decision before the last stays to be read, in every report. */
static void superseded_decisions_stay(void **state)
{
    static const char *const page[] = { "d.txt", "d.md", "d.html" };

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    assert_int_equal(prog_run("decide last 0 reject --name Ann"), 0);
    assert_int_equal(prog_run("decide last 0 accept --name Bo"), 0);
    for (size_t i = 0; i < sizeof page / sizeof *page; i++) {
        size_t n;

        assert_int_equal(prog_run("report last -o %s", page[i]), 0);
        char *p = (char *)prog_slurp(in_dir(page[i]), &n);
        const char *now = strstr(p, "accepted by Bo");
        const char *before = strstr(p, "uperseded: rejected by Ann");

        assert_true(now && before && now < before);
        free(p);
    }
}

/* One finding within another's mark: both numbers stand behind it. */
static void a_mark_carries_all_its_numbers(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt -o n.html"), 0);
    assert_int_equal(prog_run("sql --json \"SELECT count(*) AS n FROM "
                              "v_finding WHERE char_from >= 0 AND run_id = "
                              "(SELECT max(run_id) FROM v_review)\""), 0);
    int want = atoi(strchr(prog_out, ':') + 1), got = 0;
    char *p = (char *)prog_slurp(in_dir("n.html"), &n);

    for (const char *at = p; (at = strstr(at, "<sup>")); at++)
        got++;
    free(p);
    assert_true(want > 0);
    assert_int_equal(got, want);
}

static void decisions_make_sense(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    assert_int_equal(prog_run("decide last 99 accept"), 4);
    prog_expect_sentence("no finding 99");
    expect_usage(prog_run("decide last 0 perhaps"),
                 "accept, reject or correct");
    expect_usage(prog_run("decide last 0 correct --verdict supported"),
                 "about no claim");
    expect_usage(prog_run("decide last 0 correct"), "--reason");
    assert_int_equal(prog_run("decide last 0 correct --reason 'Annex B'"), 0);
    assert_string_equal(prog_out, "");
}

static void a_decision_as_json(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    assert_int_equal(prog_run("decide last 0 reject --name 'A \"B\"' --json"),
                     0);
    cJSON *tree = parse_out();
    assert_int_equal(member(tree, "finding")->valueint, 0);
    assert_string_equal(member(tree, "choice")->valuestring, "reject");
    assert_string_equal(member(tree, "name")->valuestring, "A \"B\"");
    assert_true(cJSON_IsNull(member(tree, "verdict")));
    assert_int_equal(strlen(member(tree, "run")->valuestring), 32);
    assert_true(member(tree, "at_us")->valuedouble > 1e15);
    cJSON_Delete(tree);
}

static void spill(const char *name, const char *text)
{
    prog_spill(in_dir(name), text, strlen(text));
}

/* Exit 1 where a rule fails, and every one of them is named. */
static void policies_fail_by_name(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only -q c.txt"), 0);
    spill("p.json", "{\"complete\": true}");
    assert_int_equal(prog_run("verify last --policy p.json"), 0);
    assert_non_null(strstr(prog_out, "passed: review"));
    spill("p.json", "{\"maximum_severity\": 2, \"decided\": true}");
    assert_int_equal(prog_run("verify last --policy p.json"), 1);
    assert_non_null(strstr(prog_out, "maximum_severity 2: finding"));
    assert_non_null(strstr(prog_out, "decided: finding 0 is not decided"));
    assert_int_equal(prog_run("verify last --json --policy p.json"), 1);
    cJSON *tree = parse_out();
    assert_true(cJSON_IsFalse(member(tree, "passed")));
    assert_true(cJSON_GetArraySize(member(tree, "failed")) >= 2);
    cJSON_Delete(tree);
    spill("p.json", "{\"minimal_stability\": 0.9}");
    assert_int_equal(prog_run("verify last --policy p.json"), 3);
    prog_expect_sentence("no rule \"minimal_stability\"");
    spill("p.json", "{\"coverage\": 1}");
    assert_int_equal(prog_run("verify last --policy p.json"), 3);
    prog_expect_sentence("must be true or false");
    spill("p.json", "{}");
    assert_int_equal(prog_run("verify last --policy p.json"), 3);
    assert_int_equal(prog_run("verify last --policy nowhere.json"), 3);
}

/* An honest sentence and no findings. */
static void what_is_no_contract(void **state)
{
    static const struct { const char *name, *text, *says; } none[] = {
        { "empty.txt", "", "no text" },
        { "poem.txt", "Roses are red\nViolets are blue\nSugar is sweet\nAnd "
          "so are you\n", "contract" },
        { "zh.txt", "\xe6\x9c\xac\xe5\x8d\x8f\xe8\xae\xae\xe7\x94\xb1\xe7\x94"
          "\xb2\xe6\x96\xb9\xe4\xb8\x8e\xe4\xb9\x99\xe6\x96\xb9\xe7\xad\xbe"
          "\xe8\xae\xa2\xe3\x80\x82\n", "English" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        spill(none[i].name, none[i].text);
        assert_int_equal(prog_run("review --rules-only %s", none[i].name), 3);
        prog_expect_sentence(none[i].says);
    }
    prog_spill(in_dir("bin.txt"), "\x7f""ELF\0\1\2", 7);
    assert_int_equal(prog_run("review --rules-only bin.txt"), 3);
    assert_string_equal(prog_out, "");
    assert_int_equal(prog_run("review --rules-only nowhere.txt"), 3);
    assert_int_equal(prog_run("review"), 2);
    assert_int_equal(prog_run("review --domain nowhere c.txt"), 3);
}

/* One that cannot be read does not keep the others from being reviewed. */
static void several_documents(void **state)
{
    (void)state;
    spill("empty.txt", "");
    assert_int_equal(prog_run("review --rules-only --json c.txt empty.txt "
                              "c.txt"), 3);
    const char *line = strchr(prog_out, '\n');
    assert_non_null(line);
    assert_non_null(strchr(line + 1, '\n'));
    expect_usage(prog_run("review --rules-only -o x.html c.txt c.txt"),
                 "one document");
    expect_usage(prog_run("review --rules-only -o x.doc c.txt"), "x.doc");
}

/* Three at once: what each said comes in order, and all rows are there. */
static void documents_at_once(void **state)
{
    (void)state;
    spill("empty.txt", "");
    spill("d.txt", contract);
    assert_int_equal(prog_run("review --rules-only --json --db j.db -j 3 "
                              "c.txt empty.txt d.txt nowhere.txt"), 3);
    char *line = strchr(prog_out, '\n');
    assert_non_null(line);
    assert_non_null(strstr(line, "\"d.txt\""));
    *line = '\0';
    assert_non_null(strstr(prog_out, "\"c.txt\""));
    assert_non_null(strstr(prog_err, "empty.txt"));
    assert_non_null(strstr(prog_err, "nowhere.txt"));
    assert_int_equal(prog_run("sql --db j.db \"SELECT count(*) || '/' || "
                              "sum(n_clause > 5) AS n FROM v_review\""), 0);
    assert_non_null(strstr(prog_out, "2/2"));
    assert_int_equal(prog_run("verify --chain j.db"), 0);
    assert_int_equal(prog_run("report last --db j.db"), 0);
}

/* Kills the processes that pid has started; 0: there are none. */
static int kill_children(pid_t pid)
{
    char path[64];
    FILE *f;
    int child, n = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid,
             (int)pid);
    if (!(f = fopen(path, "r")))
        return 0;
    while (fscanf(f, "%d", &child) == 1)
        n += kill(child, SIGKILL) == 0;
    fclose(f);
    return n;
}

/* A process of a review at once is killed: its document has no review and the
 * exit says so, the other's is there; given again, both are. */
static void a_killed_process_starts_anew(void **state)
{
    const struct timespec nap = { 0, 20000000 };
    int killed = 0;

    (void)state;
    if (access("/proc/self/task", R_OK) != 0)
        skip();
    assert_int_equal(mkfifo(in_dir("slow.txt"), 0600), 0);
    pid_t pid = prog_start("review --rules-only --json --db k.db -j 2 "
                           "slow.txt c.txt");
    /* nobody writes to it, so that its reader waits to be killed */
    for (int i = 0; i < 500 && !killed; i++) {
        nanosleep(&nap, NULL);
        killed = kill_children(pid);
    }
    assert_true(killed);
    assert_int_equal(prog_wait(pid), 3);
    assert_non_null(strstr(prog_err, "a process of this review died"));
    unlink(in_dir("slow.txt"));
    spill("slow.txt", contract);
    assert_int_equal(prog_run("review --rules-only --json --db k.db -j 2 "
                              "slow.txt c.txt"), 0);
    assert_non_null(strstr(prog_out, "\"slow.txt\""));
    assert_int_equal(prog_run("sql --db k.db \"SELECT count(*) > 1 AS n FROM "
                              "v_review WHERE status = 'complete'\""), 0);
    assert_non_null(strstr(prog_out, "1"));
    assert_int_equal(prog_run("verify --chain k.db"), 0);
}

static void hostile_text_stays_text(void **state)
{
    static const char bad[] =
        "1. Terms <script>alert(1)</script>\n\n1.1 \"Fee\" means \x1b[31m "
        "\xe2\x80\xae the amount.\n\n1.2 Customer shall pay the Fee as in "
        "Section 7.7 & <img src=x>.\n\n1.3 Supplier shall deliver the Goods "
        "to Customer under this Agreement.\n";
    size_t n;

    (void)state;
    prog_spill(in_dir("bad.txt"), bad, sizeof bad - 1);
    assert_int_equal(prog_run("review --rules-only -o b.html bad.txt"), 0);
    char *page = (char *)prog_slurp(in_dir("b.html"), &n);
    assert_int_equal(xml_count(page, "<script"), 1);
    assert_null(strstr(page, "<img"));
    assert_null(strchr(page, '\x1b'));
    assert_null(strstr(page, "\xe2\x80\xae"));
    assert_non_null(strstr(page, "&lt;img src=x&gt;"));
    free(page);
    assert_int_equal(prog_run("review --rules-only --all bad.txt"), 0);
    assert_null(strchr(prog_out, '\x1b'));
}

/* --- measuring ----------------------------------------------------------- */

/* Code points before a piece of the contract. */
static int cp_of(const char *piece)
{
    const char *at = strstr(contract, piece);
    int cp = 0;

    assert_non_null(at);
    for (const char *p = contract; p < at; p++)
        cp += ((unsigned char)*p & 0xc0) != 0x80;
    return cp;
}

/* The contract and `more` as a line of an annotated set. */
static void spill_gold(const char *name, const char *more)
{
    struct str line;
    struct json j;

    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_key(&j, "id"), json_str(&j, "c");
    json_key(&j, "text"), json_str(&j, contract);
    json_end_obj(&j);
    line.p[--line.len] = '\0';          /* in place of the closing brace */
    str_printf(&line, ",%s}\n", more);
    assert_true(str_ok(&line));
    spill(name, line.p);
    str_release(&line);
}

static double measure(const cJSON *tree, const char *name)
{
    return member(member(member(tree, "measures"), name), "value")
        ->valuedouble;
}

/* One of the four definitions is annotated: precision 1/4, recall 1. */
static void graphs_are_measured(void **state)
{
    int clause = cp_of("1.1 "), end = cp_of("\n\n2. Supply");
    int goods = cp_of("Goods\" means");
    char more[400];

    (void)state;
    snprintf(more, sizeof more, "\"clauses\":[{\"id\":\"c1\",\"start\":%d,"
             "\"end\":%d}],\"edges\":[{\"kind\":\"defines\",\"src\":\"c1\","
             "\"dst\":\"term:Goods\",\"start\":%d,\"end\":%d}],\"norms\":[]",
             clause, end, goods, goods + 5);
    spill_gold("g.jsonl", more);
    assert_int_equal(prog_run("eval graph g.jsonl --json"), 0);
    cJSON *tree = parse_out();
    assert_true(measure(tree, "edges.defines.f1") == 0.4);
    assert_true(measure(tree, "uses.f1") == 0.0);
    cJSON_Delete(tree);
    assert_int_equal(prog_run("sql \"SELECT value, n FROM v_eval WHERE "
                              "measure = 'edges.defines.f1'\""), 0);
    assert_non_null(strstr(prog_out, "0.4"));
}

/* The planted reference is found; the blank was there before. */
static void faults_are_measured(void **state)
{
    int fault = cp_of("Section 9.4"), blank = cp_of("[RESELLER]");
    char more[400];

    (void)state;
    snprintf(more, sizeof more, "\"faults\":[{\"kind\":"
             "\"dangling_reference\",\"start\":%d,\"end\":%d},{\"kind\":"
             "\"duplicate_definition\",\"start\":0,\"end\":9}],"
             "\"preexisting\":[{\"kind\":\"placeholder\",\"start\":%d,"
             "\"end\":%d}]", fault, fault + 11, blank, blank + 10);
    spill_gold("f.jsonl", more);
    assert_int_equal(prog_run("eval faults f.jsonl --json --no-record"), 0);
    cJSON *tree = parse_out();
    assert_true(measure(tree, "faults.found") == 0.5);
    assert_true(measure(tree, "faults.dangling_reference") == 1.0);
    assert_true(measure(tree, "faults.false_alarms") == 0.0);
    cJSON_Delete(tree);
    expect_usage(prog_run("eval everything"), "graph, faults, claims");
    assert_int_equal(prog_run("eval graph nowhere.jsonl"), 3);
    spill("bad.jsonl", "{\"text\": 1}\n");
    assert_int_equal(prog_run("eval graph bad.jsonl"), 3);
}

/* --- with the real model ------------------------------------------------- */

static const char *model(void)
{
    const char *path = getenv("SORITES_TEST_MODEL");

    if (!path || getenv("SORITES_FAST")) {
        print_message("$SORITES_TEST_MODEL names no model\n");
        skip();
    }
    return path;
}

static const char claims[] =
    "[{\"id\":\"own-1\",\"text\":\"Customer may return the Goods for any "
    "reason.\"}]";

/* What the program judged computes the same again, opens down to a token, and
 * a claim that was never measured gets no verdict. */
static void judged_and_replayed(void **state)
{
    const char *m = model();

    (void)state;
    spill("claims.json", claims);
    assert_int_equal(prog_run("review -m %s -n 3 --claims claims.json --json "
                              "c.txt", m), 0);
    cJSON *tree = parse_out();
    const cJSON *c = find(member(tree, "claims"), "id", "own-1");
    assert_string_equal(member(c, "verdict")->valuestring, "not_measured");
    assert_true(cJSON_GetArraySize(member(c, "evidence")) > 0);
    assert_string_equal(member(find(member(tree, "clauses"), "number", "3.1"),
                               "type")->valuestring, "Governing Law");
    cJSON_Delete(tree);
    assert_int_equal(prog_run("report last"), 0);
    assert_non_null(strstr(prog_out, "ranked clauses:\n      clause "));
    assert_non_null(strstr(prog_out, "bears on it (0."));
    assert_null(strstr(prog_out, "supports it"));
    assert_null(strstr(prog_out, "nan"));
    assert_int_equal(prog_run("report last -o k.md"), 0);
    size_t n;
    char *page = (char *)prog_slurp(in_dir("k.md"), &n);
    assert_non_null(strstr(page, "Ranked clauses:"));
    assert_non_null(strstr(page, "| - | - | - |"));
    free(page);
    assert_int_equal(prog_run("replay last --verify -m %s", m), 0);
    assert_non_null(strstr(prog_out, "identical: "));
    assert_int_equal(prog_run("lens last:0 -m %s", m), 0);
    assert_int_equal(prog_run("sql \"SELECT count(*) > 0 AS n FROM v_step "
                              "WHERE role = 'conclude' AND origin = "
                              "'rule'\""), 0);
    assert_non_null(strstr(prog_out, "1"));
}

/* The contract's own law in two wordings, and two others in each. */
static void values_are_measured(void **state)
{
    int law = cp_of("the laws of Denmark");
    const char *m = model();
    char more[200];

    (void)state;
    snprintf(more, sizeof more, "\"clauses\":[{\"category\":\"Governing Law\","
             "\"start\":%d,\"end\":%d}]", law, law + 19);
    spill_gold("v.jsonl", more);
    assert_int_equal(prog_run("eval values v.jsonl -m %s -n 2 --json "
                              "--no-record", m), 0);
    cJSON *tree = parse_out();
    assert_true(measure(tree, "changed.supported") == 0.0);
    assert_true(measure(tree, "changed.contradicted") == 1.0);
    assert_true(measure(tree, "true.supported") == 1.0);
    assert_true(measure(tree, "own.right.law") == 1.0);
    assert_int_equal(member(member(member(tree, "measures"),
                                   "changed.supported"), "n")->valueint, 4);
    cJSON_Delete(tree);
}

/* A long document is let go of while the rules are at it, and leaves no row. */
static void a_signal_ends_the_rules(void **state)
{
    const struct timespec nap = { 0, 50000000 };
    struct str text;

    (void)state;
    str_init(&text);
    while (text.len < 4000000)
        str_puts(&text, contract);
    prog_spill(in_dir("long.txt"), text.p, text.len);
    str_release(&text);
    pid_t pid = prog_start("review --rules-only -q --db s.db long.txt");
    for (int i = 0; i < 600 && access(in_dir("s.db"), F_OK) != 0; i++)
        nanosleep(&nap, NULL);
    nanosleep(&nap, NULL);
    kill(pid, SIGINT);
    assert_int_equal(prog_wait(pid), 130);
    assert_int_equal(prog_run("sql --db s.db \"SELECT count(*) AS n FROM "
                              "run\" --json"), 0);
    assert_non_null(strstr(prog_out, "\"n\":0"));
}

/* Killed while it reads, it goes on from what was stored. */
static void a_killed_review_goes_on(void **state)
{
    const struct timespec nap = { 0, 20000000 };
    const char *m = model();
    char doc[4200];
    int readings = 0;

    (void)state;
    snprintf(doc, sizeof doc, "%s/legal/samples/nda.txt",
             getenv("SORITES_DOMAINS"));
    pid_t pid = prog_start("review -m %s -n 2 -q %s", m, doc);
    for (int i = 0; i < 3000 && readings == 0; i++) {
        nanosleep(&nap, NULL);
        if (prog_run("sql -q \"SELECT count(*) > 20 AS n FROM reading\"") == 0)
            readings = strstr(prog_out, "1") != NULL;
    }
    kill(pid, SIGKILL);
    prog_wait(pid);
    assert_true(readings);
    assert_int_equal(prog_run("sql \"SELECT status IS NULL AS n FROM v_review "
                              "ORDER BY run_id DESC LIMIT 1\""), 0);
    if (!strstr(prog_out, "1"))
        skip();                         /* it was quicker than the knife */
    assert_int_equal(prog_run("review -m %s -n 2 %s", m, doc), 0);
    assert_non_null(strstr(prog_err, "goes on with the"));
    assert_int_equal(prog_run("verify --chain"), 0);
    assert_int_equal(prog_run("replay last --verify -m %s", m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_as_json),
        cmocka_unit_test(its_logic_is_drawn),
        cmocka_unit_test(rules_are_quick),
        cmocka_unit_test(the_screen_says_what_needs_you),
        cmocka_unit_test(decisions_show_everywhere),
        cmocka_unit_test(a_report_to_a_file_is_shown_too),
        cmocka_unit_test(superseded_decisions_stay),
        cmocka_unit_test(a_mark_carries_all_its_numbers),
        cmocka_unit_test(decisions_make_sense),
        cmocka_unit_test(a_decision_as_json),
        cmocka_unit_test(policies_fail_by_name),
        cmocka_unit_test(what_is_no_contract),
        cmocka_unit_test(several_documents),
        cmocka_unit_test(documents_at_once),
        cmocka_unit_test(a_killed_process_starts_anew),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(graphs_are_measured),
        cmocka_unit_test(faults_are_measured),
        cmocka_unit_test(judged_and_replayed),
        cmocka_unit_test(values_are_measured),
        cmocka_unit_test(a_signal_ends_the_rules),
        cmocka_unit_test(a_killed_review_goes_on),
    };
    return cmocka_run_group_tests_name("cli_review", tests, setup,
                                       prog_teardown);
}
