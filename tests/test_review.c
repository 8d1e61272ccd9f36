/* Claims decided: verdicts that follow the text, paths that count only where
 * they read something else, checks, and claims that nobody measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "review/claim_impl.h"
#include "tests/models.h"

#define HEAD \
    "NON-DISCLOSURE AGREEMENT\n\n" \
    "This Non-Disclosure Agreement is made on 1 March 2024 between Alder Ltd " \
    "(\"Disclosing Party\") and Birch Ltd (\"Receiving Party\").\n\n" \
    "1. Definition. \"Confidential Information\" means all information that " \
    "the Disclosing Party discloses, in writing or orally, whether or not it " \
    "is marked as confidential.\n\n"
#define EMPLOYEES \
    "2. Employees. The Receiving Party may disclose Confidential Information " \
    "to those of its employees who need to know it and who are bound by " \
    "duties of confidence no less strict than these.\n\n"
#define TAIL \
    "3. Reverse engineering. The Receiving Party shall not reverse engineer, " \
    "decompile or disassemble any prototypes or other objects that embody " \
    "the Disclosing Party's Confidential Information.\n\n" \
    "4. Law. This Agreement is governed by the laws of the State of " \
    "Delaware.\n"

static struct {
    struct engine *engine;
    struct pack *pack;
    struct judge *judge;
} m;

static int setup(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = 1024 };
    struct sor_msg msg;

    (void)state;
    if (pack_open("domains/legal", &m.pack, &msg)) {
        print_message("%s\n", msg.text);
        return -1;
    }
    if (!models_real())
        return 0;
    if (engine_open(models_real(), &o, &m.engine, &msg) ||
        judge_open(m.engine, m.pack, &m.judge, &msg)) {
        print_message("%s\n", msg.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    judge_close(m.judge);
    engine_close(m.engine);
    pack_close(m.pack);
    return 0;
}

static const struct claim *pack_claim(const char *id)
{
    for (int i = 0; i < m.pack->n_claim; i++)
        if (strcmp(m.pack->claim[i].id, id) == 0)
            return &m.pack->claim[i];
    fail_msg("no claim %s", id);
    return NULL;
}

/* A review of `text`, its claims those of *o. */
static struct review *review_of(const char *text, const struct review_opts *o,
                                enum sor_err want)
{
    char path[] = "/tmp/sorites-review-XXXXXX";
    struct review *r = NULL;
    struct sor_msg msg;
    int fd = mkstemp(path);
    enum sor_err err;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    err = review_read(path, o, &r, &msg);
    unlink(path);
    if (err)
        fail_msg("%s", msg.text);
    if (!o->rules_only) {
        err = review_judge(r, o, m.judge, &msg);
        if (err != want)
            fail_msg("%s", msg.text);
    }
    return r;
}

static const struct claim_result *result(const struct review *r,
                                         const char *id)
{
    for (int i = 0; i < r->n_claim; i++)
        if (strcmp(r->claim[i].claim->id, id) == 0)
            return &r->claim[i];
    fail_msg("%s was not asked", id);
    return NULL;
}

static const struct check *check_of(const struct claim_result *c,
                                    enum check_kind kind)
{
    for (int i = 0; i < c->n_check; i++)
        if (c->check[i].kind == kind)
            return &c->check[i];
    return NULL;
}

/* What code makes of a value: the check that puts nothing to the model. */
static const struct check *by_rule(const struct claim_result *c)
{
    for (int i = 0; i < c->n_check; i++)
        if (c->check[i].kind == CHECK_VALUE && !c->check[i].input)
            return &c->check[i];
    fail_msg("%s: code says nothing", c->claim->id);
    return NULL;
}

static void needs_model(void)
{
    if (!m.judge) {
        print_message("no $SORITES_TEST_MODEL\n");
        skip();
    }
}

/* --- arithmetic ---------------------------------------------------------- */

static void readings_become_three_probabilities(void **state)
{
    struct calibration cal = { .related = { 1, 0, 0 },
                               .supports = { 1, 0, 0 } };
    struct claim c = { .id = "x" };
    float p[2][RELATIONS] = { { 0.2f, 0.6f, 0.2f }, { 1.0f, 0.0f, 0.0f } };
    double out[3];

    (void)state;
    conclude_p(&cal, &c, p, 2, out);    /* related 0.8, supports 3 of 4 */
    assert_true(fabs(out[VERDICT_SUPPORTED] - 0.8 * 0.75) < 1e-6);
    assert_true(fabs(out[VERDICT_CONTRADICTED] - 0.8 * 0.25) < 1e-6);
    assert_true(fabs(out[VERDICT_NOT_ADDRESSED] - 0.2) < 1e-6);
    assert_int_equal(conclude_forced(out), VERDICT_SUPPORTED);
    cal.related.prior = 1;
    c.prior.related = -20;              /* a document never says so */
    conclude_p(&cal, &c, p, 2, out);
    assert_true(out[VERDICT_NOT_ADDRESSED] > 0.999);
    conclude_p(&cal, &c, p, 0, out);    /* nothing was read */
    assert_int_equal(conclude_forced(out), VERDICT_NOT_ADDRESSED);
}

/* Rare words count more than common ones, other forms of a word count, and
 * short words do not. */
static void likeness_is_of_rare_words(void **state)
{
    static const char *const text[] = {
        "The party shall keep the information secret.",
        "The party may show the information to its employees.",
        "The party shall pay for the information.",
    };
    struct wording w = { .text = "An employee of the party may see the "
                                 "information.",
                         .to = RELATION_SUPPORTS, .role = "statement" };
    struct claim c = { .id = "x", .wording = &w, .n_wording = 1 };
    struct passage_text plain[3];
    struct passages p = { .n = 3 };
    struct review r = { .passages = &p };
    struct judging j = { .r = &r, .plain = plain };
    struct words of;

    (void)state;
    for (int i = 0; i < 3; i++)
        plain[i] = (struct passage_text){ "", text[i] };
    claims_words(&j);
    of = claim_words(&j, &c);
    assert_int_equal(j.failed, SOR_OK);
    assert_int_equal(of.n, 3);          /* employ(ee), inform(ation), party */
    assert_true(claim_likeness(&j, &of, 0) == 0.0);     /* all have those */
    assert_true(claim_likeness(&j, &of, 1) > 0.1);
    assert_true(claim_likeness(&j, &of, 2) == 0.0);
    arena_release(&j.scratch);
}

static void every_word_has_a_name(void **state)
{
    (void)state;
    for (int v = 0; v < VERDICTS; v++)
        assert_non_null(verdict_name((enum verdict)v));
    for (int v = 0; v < PATH_VARIANTS; v++)
        assert_non_null(path_variant_name((enum path_variant)v));
    for (int k = 0; k < CHECK_KINDS; k++)
        assert_non_null(check_kind_name((enum check_kind)k));
}

static void rules_alone_need_no_model(void **state)
{
    struct review_opts o = { .pack = m.pack, .rules_only = 1 };
    struct review *r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);

    (void)state;
    assert_true(r->clauses->n >= 4);
    assert_true(r->passages->n >= 4);
    assert_int_equal(r->n_claim, 0);
    assert_null(r->clause_type);
    for (int i = 0; i < r->n_finding; i++)
        assert_string_equal(r->finding[i].origin, "rule");
    review_close(r);
}

/* --- verdicts ------------------------------------------------------------ */

static void quotes(const struct review *r, const struct evidence *e,
                   const char *word)
{
    const char *at = strstr(r->doc->text + e->span.from, word);

    assert_string_equal(e->status, "located");
    assert_true(at && at < r->doc->text + e->span.to);
}

static void a_clause_carries_a_verdict_and_its_loss_turns_it(void **state)
{
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 4 };
    struct claim claim = *pack_claim("nda-5");
    struct review *with, *without;
    const struct claim_result *a, *b;
    const struct check *knock;

    (void)state;
    needs_model();
    o.claim = &claim;
    with = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    without = review_of(HEAD TAIL, &o, SOR_OK);
    a = result(with, "nda-5");
    b = result(without, "nda-5");
    assert_int_equal(a->verdict, VERDICT_SUPPORTED);
    assert_true(a->confidence >= m.pack->calibration.answer);
    assert_int_equal(a->evidence[0].relation, RELATION_SUPPORTS);
    quotes(with, &a->evidence[0], "employees");
    assert_int_equal(conclude_forced(b->p), VERDICT_NOT_ADDRESSED);
    /* what the check says is what happens */
    knock = check_of(a, CHECK_KNOCKOUT);
    assert_non_null(knock);
    assert_non_null(strstr(knock->note, "sole basis"));
    assert_true(fabs(knock->p[VERDICT_NOT_ADDRESSED] -
                     b->p[VERDICT_NOT_ADDRESSED]) < 0.3);
    assert_int_equal(check_of(a, CHECK_NEGATION)->passed, 1);
    assert_int_equal(check_of(a, CHECK_COVERAGE)->passed, 1);
    assert_int_equal(check_of(a, CHECK_LOCATION)->passed, 1);
    review_close(with);
    review_close(without);
}

static void a_path_that_reads_the_same_does_not_count(void **state)
{
    struct review_opts o = { .pack = m.pack, .n_claim = 1,
                             .n_path = PATH_VARIANTS };
    struct claim claim = *pack_claim("nda-11");
    struct review *r;
    const struct claim_result *c;
    int counting = 0, votes = 0;

    (void)state;
    needs_model();
    o.claim = &claim;
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    c = result(r, "nda-11");
    assert_int_equal(c->n_path, PATH_VARIANTS);
    assert_true(c->path[PATH_PLAIN].counts);
    assert_true(c->path[PATH_PARAPHRASE].counts);
    assert_true(c->path[PATH_OPPOSITE].counts);
    assert_false(c->path[PATH_PARENT].counts);  /* no clause has a parent */
    for (int i = 0; i < c->n_path; i++)
        counting += c->path[i].counts;
    for (int v = 0; v < VERDICTS; v++)
        votes += c->votes[v];
    assert_int_equal(c->n_count, counting);
    assert_int_equal(votes, counting);
    assert_true(c->stability > 0.0 && c->stability <= 1.0);
    review_close(r);
}

/* The NDA's set and the law that it names; nothing of a commercial contract,
 * and each clause its type. */
static void a_document_is_asked_what_is_meant_for_it(void **state)
{
    struct review_opts o = { .pack = m.pack, .claim = m.pack->claim,
                             .n_claim = m.pack->n_claim, .n_path = 1 };
    struct review *r;
    const struct claim_result *law;
    int nda = 0, commercial = 0;

    (void)state;
    needs_model();
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    for (int i = 0; i < r->n_claim; i++) {
        nda += strcmp(r->claim[i].claim->set, "nda") == 0;
        commercial += strcmp(r->claim[i].claim->set, "commercial") == 0;
    }
    assert_int_equal(nda, 17);
    assert_int_equal(commercial, 0);
    law = result(r, "law");
    assert_int_equal(law->verdict, VERDICT_SUPPORTED);
    assert_non_null(strstr(law->path[0].statement, "Delaware"));
    /* another law first, then what code makes of this one */
    assert_null(strstr(check_of(law, CHECK_VALUE)->input, "Delaware"));
    assert_string_equal(by_rule(law)->note,
                        "clause 4 states Delaware: by rule supported, by the "
                        "model supported");
    assert_int_equal(by_rule(law)->passed, 1);
    assert_string_equal(m.pack->type[r->clause_type[law->evidence[0].clause]]
                            .label, "Governing Law");
    for (int i = 1; i < r->n_finding; i++)
        assert_true(r->finding[i].severity <= r->finding[i - 1].severity);
    review_close(r);
}

#define LIST \
    "5. Exceptions. The duties of this Agreement do not apply to information " \
    "that:\n\n" \
    "(a) is or becomes public other than by a breach of this Agreement;\n\n" \
    "(b) the Receiving Party receives from a third party who is entitled to " \
    "disclose it; or\n\n" \
    "(c) the Receiving Party develops independently.\n"

/* Of a list the item is cited, not the words before it; and no clause that is
 * struck out still carries anything. */
static void items_are_cited_before_their_lead(void **state)
{
    static const char *const about[] = { "nda-13", "nda-12", "nda-16" };
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 3 };

    (void)state;
    needs_model();
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        o.claim = pack_claim(about[i]);
        struct review *r = review_of(HEAD EMPLOYEES TAIL LIST, &o, SOR_OK);
        const struct claim_result *c = result(r, about[i]);
        const struct check *knock = check_of(c, CHECK_KNOCKOUT);
        const struct check *turned = check_of(c, CHECK_NEGATION);

        if (i == 0)
            quotes(r, &c->evidence[0], "third party");
        if (i == 0)                     /* 5(b) is struck: not by 5 */
            assert_string_not_equal(knock->note, "clause 5 still carries it");
        if (turned && turned->passed < 0)
            assert_null(strstr(turned->note, "no opposite"));
        review_close(r);
    }
}

/* A pack that has a figure for a value has verdicts on it, each put to another
 * value; two laws for one agreement exclude each other, and none is claimed. */
static void values_are_measured_or_one(void **state)
{
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 1 };
    struct claim claim = *pack_claim("law");
    const struct check *other;
    struct review *r;

    (void)state;
    needs_model();
    claim.error.n = 20;
    o.claim = &claim;
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    other = check_of(result(r, "law"), CHECK_VALUE);
    assert_int_equal(result(r, "law")->verdict, VERDICT_SUPPORTED);
    assert_null(strstr(other->input, "Delaware"));
    assert_int_equal(other->passed, 1);
    review_close(r);
    r = review_of(HEAD TAIL "5. Governing law. This Agreement is governed by "
                  "the laws of Norway.\n", &o, SOR_OK);
    assert_int_equal(r->n_claim, 1);
    assert_int_equal(r->claim[0].verdict, VERDICT_NOT_MEASURED);
    assert_null(strstr(r->claim[0].claim->title, "Delaware"));
    assert_non_null(strstr(check_of(&r->claim[0], CHECK_VALUE)->note,
                           "Norway: none is singled out"));
    review_close(r);
}

/* A value that a claim states is held against those of the clauses: verdicts
 * are given where code and model come to the same one. */
static void a_stated_value_is_held_against_the_clauses(void **state)
{
    static const char second[] = "5. Governing law. This Agreement is "
                                 "governed by the laws of Norway.\n";
    static const struct {
        const char *value, *more;
        enum verdict verdict;
        const char *note;
    } row[] = {
        { "Delaware", "", VERDICT_SUPPORTED, "by rule supported" },
        { "Montana", "", VERDICT_CONTRADICTED, "by rule contradicted" },
        { "Montana", second, VERDICT_CONTRADICTED, "states Norway" },
        { "Delaware", second, VERDICT_NEEDS_REVIEW, "by rule open" },
    };
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 2 };

    (void)state;
    needs_model();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct claim claim = *pack_claim("law");
        const struct claim_result *c;
        struct review *r;
        char text[2000];

        claim.error.n = 20;
        claim.stated = row[i].value;
        o.claim = &claim;
        snprintf(text, sizeof text, "%s%s", HEAD EMPLOYEES TAIL, row[i].more);
        r = review_of(text, &o, SOR_OK);
        c = result(r, "law");
        if (c->verdict != row[i].verdict)
            fail_msg("%s: %s", row[i].value, verdict_name(c->verdict));
        assert_non_null(strstr(c->claim->wording[0].text, row[i].value));
        assert_non_null(strstr(by_rule(c)->note, row[i].note));
        review_close(r);
    }
}

/* Where no clause of its type states one, nothing was measured. */
static void a_value_that_nothing_states_gets_no_verdict(void **state)
{
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 2 };
    struct claim claim = *pack_claim("renewal-term-period");
    struct review *r;

    (void)state;
    needs_model();
    claim.error.n = 20;
    claim.stated = "two years";
    o.claim = &claim;
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    assert_int_equal(r->n_claim, 1);
    assert_int_equal(r->claim[0].verdict, VERDICT_NOT_MEASURED);
    assert_non_null(strstr(check_of(&r->claim[0], CHECK_VALUE)->note,
                           "no clause of type Renewal Term"));
    review_close(r);
}

static void a_claim_of_ones_own_gets_clauses_and_no_verdict(void **state)
{
    const struct wording own = { .text = "The Receiving Party may show the "
                                         "information to its staff.",
                                 .to = RELATION_SUPPORTS,
                                 .role = "statement" };
    const struct claim claim = { .id = "mine", .set = "custom",
        .title = "Mine", .kind = "statement", .wording = &own, .n_wording = 1,
        .custom = own.text };
    struct review_opts o = { .pack = m.pack, .claim = &claim, .n_claim = 1,
                             .n_path = 8 };
    struct review *r;
    const struct claim_result *c;

    (void)state;
    needs_model();
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    c = result(r, "mine");
    assert_int_equal(c->verdict, VERDICT_NOT_MEASURED);
    assert_true(isnan(c->confidence) && isnan(c->p[0]));
    assert_true(c->n_evidence > 0);
    quotes(r, &c->evidence[0], "employees");
    assert_int_equal(c->path[0].verdict, VERDICT_NOT_MEASURED);
    review_close(r);
}

/* Nor does one of the pack's whose errors nobody counted. */
static void a_claim_without_figures_gets_no_verdict(void **state)
{
    struct review_opts o = { .pack = m.pack, .n_claim = 1, .n_path = 2 };
    struct claim claim = *pack_claim("nda-5");
    struct review *r;

    (void)state;
    needs_model();
    assert_true(claim.error.n > 0);
    claim.error.n = 0;
    o.claim = &claim;
    r = review_of(HEAD EMPLOYEES TAIL, &o, SOR_OK);
    assert_int_equal(result(r, "nda-5")->verdict, VERDICT_NOT_MEASURED);
    quotes(r, &result(r, "nda-5")->evidence[0], "employees");
    review_close(r);
}

static int at_once(void *ud)
{
    (void)ud;
    return 1;
}

static void a_review_can_be_stopped(void **state)
{
    struct review_opts o = { .pack = m.pack, .claim = m.pack->claim,
                             .n_claim = m.pack->n_claim, .n_path = 8,
                             .cancelled = at_once };

    (void)state;
    needs_model();
    review_close(review_of(HEAD EMPLOYEES TAIL, &o, SOR_INTERRUPTED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_become_three_probabilities),
        cmocka_unit_test(likeness_is_of_rare_words),
        cmocka_unit_test(every_word_has_a_name),
        cmocka_unit_test(rules_alone_need_no_model),
        cmocka_unit_test(a_clause_carries_a_verdict_and_its_loss_turns_it),
        cmocka_unit_test(a_path_that_reads_the_same_does_not_count),
        cmocka_unit_test(a_document_is_asked_what_is_meant_for_it),
        cmocka_unit_test(items_are_cited_before_their_lead),
        cmocka_unit_test(values_are_measured_or_one),
        cmocka_unit_test(a_stated_value_is_held_against_the_clauses),
        cmocka_unit_test(a_value_that_nothing_states_gets_no_verdict),
        cmocka_unit_test(a_claim_of_ones_own_gets_clauses_and_no_verdict),
        cmocka_unit_test(a_claim_without_figures_gets_no_verdict),
        cmocka_unit_test(a_review_can_be_stopped),
    };

    return cmocka_run_group_tests_name("review", tests, setup, teardown);
}
