/* A review made by hand goes into the database and comes out as JSON, as
 * Markdown and as a page; and what was read is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/policy.h"
#include "cli/review_json.h"
#include "db/chain.h"
#include "db/review.h"
#include "engine/engine.h"
#include "review/memo.h"
#include "review/recheck.h"
#include "review/store.h"
#include "tests/dbtest.h"
#include "tests/models.h"
#include "viz/calibration.h"
#include "viz/report.h"

/* "\xc3\xa9" is one code point of two bytes: places differ behind it. */
static const char text[] = "1. Caf\xc3\xa9. Recipient shall keep it secret.\n"
                           "2. It ends <b>soon</b>.\n";

enum { SECRET_FROM = 10, SECRET_TO = 41 };     /* bytes of 1.'s sentence */

static struct clause clause[2] = {
    { .kind = CLAUSE_NUMBERED, .parent = -1, .number = "1", .path = "1",
      .heading = "Caf\xc3\xa9", .span = { 0, 41 }, .own = { 0, 41 },
      .text = { SECRET_FROM, SECRET_TO } },
    { .kind = CLAUSE_NUMBERED, .parent = -1, .number = "2", .path = "2",
      .span = { 42, 65 }, .own = { 42, 65 }, .text = { 45, 65 } },
};
static struct clauses clauses = { clause, 2, NULL, 0 };
static struct passage passage[2] = { { 0, { SECRET_FROM, SECRET_TO } },
                                     { 1, { 45, 65 } } };
static struct passages passages = { passage, 2 };
static struct term term = { .name = "Recipient", .clause = 0,
                            .span = { 10, 19 }, .n_def = 1, .n_use = 1 };
static struct edge edge[2] = {
    { EDGE_USES, { NODE_CLAUSE, 0, NULL }, { NODE_TERM, 0, NULL },
      { 10, 19 }, 1, "uses.term" },
    { EDGE_REFERS_TO, { NODE_CLAUSE, 1, NULL },
      { NODE_DANGLING, -1, "Section 9" }, { 45, 47 }, 1, "ref" },
};
static struct norm norm = { 0, NORM_OBLIGATION, "Recipient", "shall",
                            { 10, 40 }, { 26, 40 }, { 0, 0 }, { 0, 0 } };
static struct graph graph = { .term = &term, .n_term = 1, .edge = edge,
                              .n_edge = 2, .norm = &norm, .n_norm = 1 };
static struct defect defect = { .kind = DEFECT_DANGLING_REFERENCE,
                                .span = { 45, 47 },
                                .note = "Section 9 <i>is</i> missing" };
static struct defects defects = { &defect, 1 };

static const struct wording wording = { .text = "It is kept secret.",
    .to = RELATION_SUPPORTS, .role = "statement", .trained = 1 };
static const struct clause_type type[2] = { { .label = "None" },
                                            { .label = "Secrecy" } };
static struct claim claim = { .id = "own-1", .title = "Secrecy",
    .kind = "statement", .wording = &wording, .n_wording = 1,
    .error = { 200, 10, 0.03, 0.09, "unseen" } };
static struct pack pack = { .id = "test", .version = "7", .type = type,
    .n_type = 2, .claim = &claim, .n_claim = 1, .note = "Preliminary.",
    .calibration = { .temperature = 1, .type_temperature = 1 } };

static struct path_reading reading[2] = {
    { 0, { -1, 3, -2 }, { 0.02f, 0.97f, 0.01f }, 0xfeedfacecafebeefu, 40 },
    { 1, { 2, 0, 0 }, { 0.8f, 0.1f, 0.1f }, 77, 41 },
};
static struct evidence evidence = { 0, 0, { SECRET_FROM, SECRET_TO },
                                    RELATION_SUPPORTS, 0.97, "located" };
static struct check check[2] = {
    { CHECK_NEGATION, 1, "It is public.", { 0.1, 0.8, 0.1 },
      "contradicted, as it should be", 0 },
    { CHECK_KNOCKOUT, 1, "clause 1 struck out", { 0.1, 0, 0.9 },
      "sole basis", 0 },
};
static struct review_path path[2] = {
    { PATH_PLAIN, "It is kept secret.", 1, VERDICT_SUPPORTED,
      { 0.95, 0.02, 0.03 }, reading, 2, 0 },
    { PATH_SHORT_CONTEXT, "It is kept secret.", 0, VERDICT_SUPPORTED,
      { 0.95, 0.02, 0.03 }, reading, 1, 0 },
};
static struct claim_result result = { .claim = &claim,
    .verdict = VERDICT_SUPPORTED, .confidence = 0.91,
    .p = { 0.95, 0.02, 0.03 }, .stability = 1, .votes = { 1 }, .n_count = 1,
    .error_correlation = NAN, .evidence = &evidence, .n_evidence = 1,
    .path = path, .n_path = 2, .check = check, .n_check = 2,
    .first_diff = { -1, -1 }, .flip = "Strike clause 1." };
static struct finding finding[2] = {
    { "claim", 0, 0, "scored", "Secrecy: supported",
      { SECRET_FROM, SECRET_TO }, 0, 0.91 },
    { "defect", 0, 3, "rule", "Section 9 <i>is</i> missing", { 45, 47 }, 1,
      NAN },
};
static int clause_types[2] = { 1, -1 };
static double clause_scores[2] = { 0.9, NAN };

static struct review review;
static struct review_opts opts = { .pack = &pack, .claim = &claim,
                                   .n_claim = 1, .n_path = 2 };

static int setup(void **state)
{
    int rc = dbtest_setup(state);

    review = (struct review){ .clauses = &clauses, .graph = &graph,
        .defects = &defects, .passages = &passages,
        .clause_type = clause_types, .clause_score = clause_scores,
        .claim = &result, .n_claim = 1, .finding = finding, .n_finding = 2 };
    if (rc == 0)
        OK(document_from("caf\xc3\xa9.txt", text, sizeof text - 1,
                         &review.doc, &t.msg));
    return rc;
}

static int teardown(void **state)
{
    document_close(review.doc);
    return dbtest_teardown(state);
}

static int64_t put(struct db_writer *w)
{
    struct store_run run = { .opts = &opts };
    struct store *s = NULL;

    OK(store_begin(w, &run, &review, &s, &t.msg));
    OK(store_judged(s, &review, NULL, &t.msg));
    OK(store_end(s, "complete", &t.msg));
    int64_t id = store_run_id(s);
    store_close(s);
    return id;
}

static void rows_say_what_the_review_said(void **state)
{
    struct chain_report r;
    struct report *p = NULL;

    (void)state;
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    db_writer_close(w);
    struct db *d = dbtest_reader();
    OK(chain_verify(d, &r, &t.msg));
    assert_true(r.ok);
    OK(report_load(d, id, &p, &t.msg));
    db_close(d);
    assert_int_equal(report_n(p, DB_CLAIM_PATH), 2);
    assert_int_equal(report_n(p, DB_CLAIM_READING), 3);
    /* two edges by rule, one by what was cited */
    assert_int_equal(report_n(p, DB_LOGIC), 3);

    const struct db_evidence *e = report_row(p, DB_EVIDENCE, 0);
    struct report_text q = report_quote(p, e->char_from, e->char_to);
    assert_int_equal(q.n, SECRET_TO - SECRET_FROM);
    assert_memory_equal(q.p, text + SECRET_FROM, q.n);
    assert_int_equal(e->char_from, SECRET_FROM - 1);    /* code points */
    const struct db_verdict *v = report_verdict(p, e->claim_id);
    assert_string_equal(v->verdict, "supported");
    assert_true(v->confidence == 0.91 && isnan(v->error_correlation));
    assert_int_equal(report_contrast(p, e->claim_id),
                     REPORT_CONTRAST_PASSED);
    const struct db_finding *f = report_row(p, DB_FINDING, 1);
    assert_true(f->defect_id && !f->claim_id && isnan(f->confidence));
    report_close(p);
}

static void paths_have_steps(void **state)
{
    static const char *const want[] = { "cites 1, 2", NULL, NULL,
        "supported (supported 0.950, contradicted 0.020, not addressed "
        "0.030)" };
    struct db_step step;

    (void)state;
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    db_writer_close(w);
    struct db *d = dbtest_reader();
    struct db_cur *paths = db_paths(d, id);
    struct db_path row;
    assert_int_equal(db_path_next(paths, &row), 1);
    assert_string_equal(row.kind, "score");
    struct db_cur *c = db_steps(d, row.id, (struct db_window){ 0, 0, 0 });
    for (int i = 0; i < 4; i++) {
        assert_int_equal(db_step_next(c, &step), 1);
        if (want[i])
            assert_string_equal(step.text, want[i]);
        assert_string_equal(step.origin, i < 2 ? "scored" : "rule");
    }
    OK(db_cur_close(c));
    OK(db_cur_close(paths));
    db_close(d);
}

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!v)
        fail_msg("no %s", key);
    return v;
}

static void json_has_its_shape(void **state)
{
    cJSON *tree = NULL;
    struct str out;

    (void)state;
    str_init(&out);
    review_json(&out, &review, &pack, NULL);
    OK(json_parse(out.p, out.len, "out", &tree, &t.msg));
    const cJSON *c = cJSON_GetArrayItem(at(tree, "claims"), 0);
    assert_string_equal(at(c, "id")->valuestring, "own-1");
    assert_string_equal(at(c, "verdict")->valuestring, "supported");
    assert_int_equal(at(at(c, "votes"), "supported")->valueint, 1);
    assert_int_equal(at(at(c, "measured_error"), "n")->valueint, 200);
    assert_true(cJSON_IsNull(at(c, "first_difference")));
    const cJSON *e = cJSON_GetArrayItem(at(c, "evidence"), 0);
    assert_int_equal(at(e, "start")->valueint, SECRET_FROM - 1);
    assert_string_equal(at(e, "quote")->valuestring,
                        "Recipient shall keep it secret.");
    assert_string_equal(at(e, "clause")->valuestring, "c1");
    assert_string_equal(at(e, "relation")->valuestring, "supports");
    assert_null(cJSON_GetObjectItemCaseSensitive(e, "page"));
    c = cJSON_GetArrayItem(at(tree, "clauses"), 0);
    assert_string_equal(at(c, "type")->valuestring, "Secrecy");
    assert_true(cJSON_IsNull(at(cJSON_GetArrayItem(at(tree, "clauses"), 1),
                                "type")));
    e = cJSON_GetArrayItem(at(tree, "edges"), 2);
    assert_string_equal(at(e, "dst")->valuestring, "claim:own-1");
    assert_string_equal(at(e, "origin")->valuestring, "scored");
    assert_true(cJSON_IsNull(at(tree, "run")));
    cJSON_Delete(tree);
    str_release(&out);
}

static void reports_escape(void **state)
{
    struct report *p = NULL;
    struct str page;

    (void)state;
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    OK(report_load(db_writer_reader(w), id, &p, &t.msg));
    str_init(&page);
    report_html(p, NULL, &page);
    assert_true(str_ok(&page));
    assert_non_null(strstr(page.p, "Section 9 &lt;i&gt;is&lt;/i&gt;"));
    assert_non_null(strstr(page.p, "&lt;b&gt;soon&lt;/b&gt;"));
    assert_null(strstr(page.p, "<i>"));
    assert_non_null(strstr(page.p, "wrong in 5 % of 200 (3-9 %)"));
    assert_non_null(strstr(page.p, "sole basis"));
    str_clear(&page);
    report_markdown(p, &page);
    assert_non_null(strstr(page.p, "Section 9 \\<i\\>is"));
    assert_non_null(strstr(page.p, "Strike clause 1."));
    str_release(&page);
    report_close(p);
    db_writer_close(w);
}

/* A text that the playbook would have stands for the claim's first passage, in
 * every form; one that is accepted already is not suggested. */
static void suggestions_are_changes(void **state)
{
    struct report *p = NULL;
    struct str page;
    int from, to;

    (void)state;
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    OK(report_load(db_writer_reader(w), id, &p, &t.msg));
    struct db_verdict *v = p->set[DB_VERDICT].row;
    v->suggest = "Recipient shall keep it <secret> for five years.";
    v->stance = "standard";
    assert_null(report_suggestion(p, v->claim_id, &from, &to));
    v->stance = "unacceptable";
    assert_non_null(report_suggestion(p, v->claim_id, &from, &to));
    assert_int_equal(from, SECRET_FROM - 1);
    str_init(&page);
    report_markdown(p, &page);
    assert_non_null(strstr(page.p, "suggested text: Recipient shall keep it "
                                   "\\<secret\\> for five years."));
    str_clear(&page);
    p->redline = 1;
    report_markdown(p, &page);
    assert_non_null(strstr(page.p, "Recipient shall keep it ~~secret.~~ "
                                   "**\\<secret\\> for five years.**"));
    str_clear(&page);
    report_html(p, NULL, &page);
    assert_non_null(strstr(page.p, "<del>secret.</del> <ins>&lt;secret&gt; "
                                   "for five years.</ins>"));
    report_close(p);
    str_release(&page);
    db_writer_close(w);
}

/* The logic of the document, ends named as they are while it is reviewed. */
static void expect_logic(const struct report *p, const cJSON *tree)
{
    static const struct { const char *key; enum db_review_table table; }
        list[] = {
        { "clauses", DB_CLAUSE }, { "terms", DB_TERM }, { "edges", DB_LOGIC },
        { "norms", DB_NORM }, { "values", DB_VALUE },
        { "defects", DB_DEFECT } };
    const cJSON *e = at(tree, "edges"), *c = at(tree, "clauses");

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        assert_int_equal(cJSON_GetArraySize(at(tree, list[i].key)),
                         report_n(p, list[i].table));
    assert_string_equal(at(cJSON_GetArrayItem(c, 0), "type")->valuestring,
                        "Secrecy");
    assert_true(cJSON_IsNull(at(cJSON_GetArrayItem(c, 1), "type")));
    assert_string_equal(at(cJSON_GetArrayItem(e, 0), "src")->valuestring,
                        "c1");
    assert_string_equal(at(cJSON_GetArrayItem(e, 0), "dst")->valuestring,
                        "term:Recipient");
    assert_string_equal(at(cJSON_GetArrayItem(e, 1), "dst")->valuestring,
                        "dangling:Section 9");
    assert_string_equal(at(cJSON_GetArrayItem(e, 2), "dst")->valuestring,
                        "claim:own-1");
    assert_string_equal(at(cJSON_GetArrayItem(e, 2), "origin")->valuestring,
                        "scored");
}

/* Names and values of the page, for programs. */
static void stored_json_has_its_shape(void **state)
{
    struct report *p = NULL;
    cJSON *tree = NULL;
    struct str out;

    (void)state;
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    OK(report_load(db_writer_reader(w), id, &p, &t.msg));
    str_init(&out);
    report_json(p, &out);
    OK(json_parse(out.p, out.len, "out", &tree, &t.msg));
    const cJSON *c = cJSON_GetArrayItem(at(tree, "claims"), 0);
    assert_string_equal(at(c, "id")->valuestring, "own-1");
    assert_string_equal(at(c, "verdict")->valuestring, "supported");
    assert_int_equal(at(at(c, "votes"), "supported")->valueint, 1);
    assert_int_equal(at(at(c, "measured_error"), "n")->valueint, 200);
    assert_int_equal(cJSON_GetArraySize(at(c, "paths")), 2);
    const cJSON *s = at(cJSON_GetArrayItem(at(c, "paths"), 0), "steps");
    assert_int_equal(cJSON_GetArraySize(s), 4);
    const cJSON *e = cJSON_GetArrayItem(at(c, "evidence"), 0);
    assert_int_equal(at(e, "start")->valueint, SECRET_FROM - 1);
    assert_string_equal(at(e, "quote")->valuestring,
                        "Recipient shall keep it secret.");
    assert_int_equal(cJSON_GetArraySize(at(tree, "findings")),
                     report_n(p, DB_FINDING));
    expect_logic(p, tree);
    assert_true(cJSON_GetArraySize(at(tree, "not_checked")) >= 1);
    assert_non_null(at(at(tree, "method"), "chain_head")->valuestring);
    cJSON_Delete(tree);
    str_release(&out);
    report_close(p);
    db_writer_close(w);
}

/* One decision on a scored finding is one point of the curve. */
static void decisions_make_a_curve(void **state)
{
    struct db_decision said = { .at_us = 5, .choice = "accept", .name = "A" };
    struct report *p = NULL;
    struct str svg;

    (void)state;
    struct db_writer *w = dbtest_writer();
    struct db *d = db_writer_reader(w);
    int64_t id = put(w);
    OK(report_load(d, id, &p, &t.msg));
    str_init(&svg);
    assert_int_equal(calibration_svg(d, &svg, &t.msg), SOR_NOTFOUND);
    for (int i = 0; i < report_n(p, DB_FINDING); i++) {
        const struct db_finding *f = report_row(p, DB_FINDING, i);

        if (!isnan(f->confidence))
            said.finding_id = f->id;
    }
    assert_true(said.finding_id > 0);
    OK(db_begin(w, id, &t.msg));
    OK(db_put_review_row(w, DB_DECISION, id, &said, NULL, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    OK(calibration_svg(d, &svg, &t.msg));
    assert_non_null(strstr(svg.p, "1 decision on findings by the model"));
    assert_non_null(strstr(svg.p, "as right as it says"));
    str_release(&svg);
    report_close(p);
    db_writer_close(w);
}

static void rules_of(const char *policy, struct str *failed, int *n)
{
    struct report *p = NULL;
    int n_rule = 0;
    FILE *f = fopen(t.other, "w");

    assert_non_null(f);
    fputs(policy, f);
    fclose(f);
    struct db_writer *w = dbtest_writer();
    int64_t id = put(w);
    OK(report_load(db_writer_reader(w), id, &p, &t.msg));
    OK(policy_check(t.other, p, failed, &n_rule, n, &t.msg));
    assert_int_equal(n_rule, 3);
    report_close(p);
    db_writer_close(w);
}

static void policies_hold_verdicts(void **state)
{
    struct str failed;
    int n;

    (void)state;
    str_init(&failed);
    rules_of("{\"minimum_stability\":0.8,\"contrast_passed\":true,"
             "\"maximum_error_rate\":0.06}", &failed, &n);
    assert_int_equal(n, 0);
    rules_of("{\"minimum_confidence\":0.95,\"contrast_passed\":true,"
             "\"maximum_error_rate\":0.04}", &failed, &n);
    assert_int_equal(n, 2);
    assert_non_null(strstr(failed.p, "minimum_confidence 0.95: own-1 has "
                                     "0.91\n"));
    assert_non_null(strstr(failed.p, "maximum_error_rate 0.04: own-1 has "
                                     "0.05\n"));
    str_release(&failed);
}

/* A report of what was cut off does not say that nothing is wrong. */
static void expect_unfinished(struct db_writer *w, int64_t run_id)
{
    struct report *p = NULL;
    struct str page;

    OK(report_load(db_writer_reader(w), run_id, &p, &t.msg));
    str_init(&page);
    report_markdown(p, &page);
    assert_non_null(strstr(page.p, "unfinished and has no findings yet; 1 "
                                   "defect was found"));
    assert_null(strstr(page.p, "Nothing was found"));
    str_release(&page);
    report_close(p);
}

/* What was read is kept as it comes, and known again after a cut. */
static void readings_outlive_a_cut(void **state)
{
    struct store_run run = { .opts = &opts };
    struct passage_text p = { "before", "It ends soon." };
    struct reading r = { .logit = { 1, -2, 0.5f }, .digest = 99, .n_tok = 12 };
    struct reading again = { .n_tok = 0 };
    float logp[2] = { -0.1f, -2.5f }, types[2] = { 0, 0 };
    struct store *s = NULL;
    char uid[33];

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(store_begin(w, &run, &review, &s, &t.msg));
    const struct judge_memory *m = store_memory(s);
    assert_int_equal(m->recall(m->ud, &p, "It ends.", &again), 0);
    m->note(m->ud, &p, "It ends.", &r);
    m->note_types(m->ud, &p, logp, 2);
    OK(store_end(s, "interrupted", &t.msg));
    snprintf(uid, sizeof uid, "%s", store_uid(s));
    expect_unfinished(w, store_run_id(s));
    store_close(s);
    db_writer_close(w);

    w = dbtest_writer();
    OK(store_begin(w, &run, &review, &s, &t.msg));
    assert_string_equal(store_uid(s), uid);
    assert_int_equal(store_resumed(s), 2);
    m = store_memory(s);
    assert_int_equal(m->recall(m->ud, &p, "It ends.", &again), 1);
    assert_memory_equal(again.logit, r.logit, sizeof r.logit);
    assert_true(again.digest == 99 && again.n_tok == 12);
    assert_int_equal(m->recall(m->ud, &p, "It goes on.", &again), 0);
    assert_int_equal(m->recall_types(m->ud, &p, types, 2), 1);
    assert_memory_equal(types, logp, sizeof logp);
    OK(store_judged(s, &review, NULL, &t.msg));
    OK(store_end(s, "complete", &t.msg));
    store_close(s);

    /* a finished review is not gone on with, nor one with other options */
    OK(store_begin(w, &run, &review, &s, &t.msg));
    assert_string_not_equal(store_uid(s), uid);
    snprintf(uid, sizeof uid, "%s", store_uid(s));
    store_close(s);
    opts.strict = 1;
    OK(store_begin(w, &run, &review, &s, &t.msg));
    assert_string_not_equal(store_uid(s), uid);
    store_close(s);
    opts.strict = 0;
    db_writer_close(w);
}

/* --- computed again ------------------------------------------------------ */

static void keep_reading(void *ud, const struct reading *r)
{
    struct reading *all = ud;

    all[r->passage] = *r;
}

/* Stores the review with these readings, and computes it again. */
static struct recheck_report computed_again(struct judge *j,
                                            const struct passage_text *p,
                                            const struct reading *r)
{
    struct store_run run = { .opts = &opts };
    struct db_writer *w = dbtest_writer();
    struct recheck_report report;
    struct store *s = NULL;

    OK(store_begin(w, &run, &review, &s, &t.msg));
    const struct judge_memory *m = store_memory(s);
    for (int i = 0; i < 2; i++) {
        m->note(m->ud, &p[i], wording.text, &r[i]);
        reading[i].digest = r[i].digest;
    }
    OK(store_judged(s, &review, NULL, &t.msg));
    OK(store_end(s, "complete", &t.msg));
    struct db_run of = { .id = store_run_id(s), .uid = store_uid(s),
                         .isa = "another" };
    OK(recheck_review(db_writer_reader(w), &of, j, NULL, &report, &t.msg));
    store_close(s);
    db_writer_close(w);
    return report;
}

/* Recorded on another instruction set, a reading may be off by a little; one
 * that is off by more is named by its claim, path and clause. */
static void a_reading_that_differs_is_named(void **state)
{
    static const struct passage_text p[2] = {
        { "", "Recipient shall keep it secret." }, { "", "It ends soon." } };
    const char *statement = wording.text;
    struct engine_opts o = { .n_thread = 1, .n_ctx = 512 };
    struct reading r[2];
    struct judge_job job = { .passage = p, .n_passage = 2,
        .statement = &statement, .n_statement = 1,
        .on_reading = keep_reading, .ud = r };
    struct engine *e = NULL;
    struct pack *legal = NULL;
    struct judge *j = NULL;
    struct recheck_report report;

    (void)state;
    if (!models_real()) {
        print_message("no $SORITES_TEST_MODEL\n");
        skip();
    }
    OK(pack_open("domains/legal", &legal, &t.msg));
    OK(engine_open(models_real(), &o, &e, &t.msg));
    OK(judge_open(e, legal, &j, &t.msg));
    OK(judge_pairs(j, &job, &t.msg));
    report = computed_again(j, p, r);
    assert_int_equal(report.same, 1);
    assert_int_equal(report.exact, 0);
    assert_int_equal(report.n_pair, 2);
    assert_true(report.worst == 0.0);
    r[1].logit[RELATION_SUPPORTS] += 0.25f;
    r[1].digest++;
    report = computed_again(j, p, r);
    assert_int_equal(report.same, 1);
    assert_true(fabs(report.worst - 0.25) < 1e-6);
    r[1].logit[RELATION_SUPPORTS] += 1.0f;
    r[1].digest++;
    report = computed_again(j, p, r);
    assert_int_equal(report.same, 0);
    assert_true(fabs(report.worst - 1.25) < 1e-6);
    assert_non_null(strstr(report.where, "claim own-1, path 0, clause 2: "
                                         "logits recorded "));
    judge_close(j);
    engine_close(e);
    pack_close(legal);
}

static void memo_tells_inputs_apart(void **state)
{
    struct memo m = { .n = 0 };
    char word[16];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct passage_text p = { "c", word };
        struct memo_entry e = { .digest = (uint64_t)i * 7, .id = i + 1 };

        snprintf(word, sizeof word, "%d", i);
        e.key = memo_key_of(&p, "s");
        OK(memo_put(&m, &e));
        OK(memo_put(&m, &e));
    }
    assert_int_equal(m.n, 5000);
    struct passage_text p = { "c", "4321" };
    assert_int_equal(memo_find(&m, memo_key_of(&p, "s"))->id, 4322);
    assert_int_equal(memo_find_digest(&m, 7 * 4321)->id, 4322);
    assert_null(memo_find(&m, memo_key_of(&p, NULL)));
    struct passage_text moved = { "c4", "321" };
    assert_null(memo_find(&m, memo_key_of(&moved, "s")));
    memo_release(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_say_what_the_review_said),
        TEST(paths_have_steps),
        TEST(json_has_its_shape),
        TEST(reports_escape),
        TEST(suggestions_are_changes),
        TEST(stored_json_has_its_shape),
        TEST(decisions_make_a_curve),
        TEST(policies_hold_verdicts),
        TEST(readings_outlive_a_cut),
        TEST(a_reading_that_differs_is_named),
        cmocka_unit_test(memo_tells_inputs_apart),
    };
    return cmocka_run_group_tests_name("review_store", tests, NULL, NULL);
}
