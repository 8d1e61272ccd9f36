#include "cli/policy.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "cli/input.h"
#include "review/review.h"

enum { POLICY_BYTES = 1 << 20 };

struct policy {
    const struct report *r;
    const cJSON *value;                 /* of the rule at hand */
    const char *rule;
    struct str *failed;
    int n_failed;
};

/* One claim with its verdict, corrected where a person did so. */
struct held {
    const struct db_claim *claim;
    const struct db_verdict *v;
    const char *verdict;
};

/* --- failures ------------------------------------------------------------ */

static void begin_line(struct policy *p)
{
    str_printf(p->failed, "%s", p->rule);
    if (cJSON_IsNumber(p->value))
        str_printf(p->failed, " %g", p->value->valuedouble);
    str_puts(p->failed, ": ");
    p->n_failed++;
}

static void fail_number(struct policy *p, const struct held *h, double have)
{
    begin_line(p);
    if (isnan(have))
        str_printf(p->failed, "%s: unmeasured\n", h->claim->name);
    else
        str_printf(p->failed, "%s has %.3g\n", h->claim->name, have);
}

static void fail_claim(struct policy *p, const struct held *h,
                       const char *what)
{
    begin_line(p);
    str_printf(p->failed, "%s: %s\n", h->claim->name, what);
}

/* --- rules on one claim -------------------------------------------------- */

static void at_least(struct policy *p, const struct held *h, double have)
{
    if (!(have >= p->value->valuedouble))
        fail_number(p, h, have);
}

static void stability(struct policy *p, const struct held *h)
{
    at_least(p, h, h->v->stability);
}

static void confidence(struct policy *p, const struct held *h)
{
    at_least(p, h, h->v->confidence);
}

static void error_rate(struct policy *p, const struct held *h)
{
    double have = h->claim->n_given > 0
        ? (double)h->claim->n_wrong / h->claim->n_given : (double)NAN;

    if (!(have <= p->value->valuedouble))
        fail_number(p, h, have);
}

static void measured(struct policy *p, const struct held *h)
{
    if (h->claim->n_given <= 0)
        fail_claim(p, h, "its error rate is unmeasured");
}

static void contrast(struct policy *p, const struct held *h)
{
    enum report_contrast c = report_contrast(p->r, h->claim->id);

    if (c != REPORT_CONTRAST_PASSED)
        fail_claim(p, h, report_contrast_word(c));
}

/* kind NULL: any. */
static void checks_of(struct policy *p, const struct held *h, const char *kind)
{
    for (int i = 0; i < report_n(p->r, DB_CHECK); i++) {
        const struct db_check *k = report_row(p->r, DB_CHECK, i);

        if (k->claim_id != h->claim->id || k->passed != 0 ||
            (kind && strcmp(kind, k->kind) != 0))
            continue;
        begin_line(p);
        str_printf(p->failed, "%s: %s: %s\n", h->claim->name, k->kind,
                   k->note ? k->note : "failed");
    }
}

static void checks(struct policy *p, const struct held *h)
{
    checks_of(p, h, NULL);
}

static void coverage(struct policy *p, const struct held *h)
{
    checks_of(p, h, "coverage");
}

static void located(struct policy *p, const struct held *h)
{
    for (int i = 0; i < report_n(p->r, DB_EVIDENCE); i++) {
        const struct db_evidence *e = report_row(p->r, DB_EVIDENCE, i);

        if (e->claim_id == h->claim->id && strcmp(e->status, "located") != 0)
            fail_claim(p, h, e->status);
    }
}

static void forbidden(struct policy *p, const struct held *h)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, p->value)
        if (cJSON_IsString(item) && strcmp(item->valuestring, h->verdict) == 0)
            fail_claim(p, h, h->verdict);
}

/* --- rules on the review ------------------------------------------------- */

static void complete(struct policy *p)
{
    if (strcmp(p->r->status, "complete") == 0)
        return;
    begin_line(p);
    str_printf(p->failed, "the review is %s\n", p->r->status);
}

/* Findings over the severity that nobody has decided. */
static void severity(struct policy *p)
{
    for (int i = 0; i < report_n(p->r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(p->r, DB_FINDING, i);

        if (f->severity <= p->value->valuedouble ||
            report_decision(p->r, f->id))
            continue;
        begin_line(p);
        str_printf(p->failed, "finding %d: %s\n", f->ordinal,
                   f->text ? f->text : "");
    }
}

static void decided(struct policy *p)
{
    for (int i = 0; i < report_n(p->r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(p->r, DB_FINDING, i);

        if (f->severity == 0 || report_decision(p->r, f->id))
            continue;
        begin_line(p);
        str_printf(p->failed, "finding %d is not decided\n", f->ordinal);
    }
}

/* --- the table ----------------------------------------------------------- */

enum rule_kind { RULE_NUMBER, RULE_FLAG, RULE_WORDS };

/* A number beyond its scale would hold always or never, unnoticed. */
static const struct rule {
    const char *name;
    enum rule_kind kind;
    void (*claim)(struct policy *p, const struct held *h);
    void (*review)(struct policy *p);
    int most;                           /* of a number; the least is 0 */
} rules[] = {
    { "minimum_stability", RULE_NUMBER, stability, NULL, 1 },
    { "minimum_confidence", RULE_NUMBER, confidence, NULL, 1 },
    { "maximum_error_rate", RULE_NUMBER, error_rate, NULL, 1 },
    { "maximum_severity", RULE_NUMBER, NULL, severity, 3 },
    { "measured", RULE_FLAG, measured, NULL, 0 },
    { "contrast_passed", RULE_FLAG, contrast, NULL, 0 },
    { "checks_passed", RULE_FLAG, checks, NULL, 0 },
    { "coverage", RULE_FLAG, coverage, NULL, 0 },
    { "located", RULE_FLAG, located, NULL, 0 },
    { "complete", RULE_FLAG, NULL, complete, 0 },
    { "decided", RULE_FLAG, NULL, decided, 0 },
    { "forbidden_verdicts", RULE_WORDS, forbidden, NULL, 0 },
};

static const struct rule *find_rule(const char *name)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

static int fits(const struct rule *rule, const cJSON *v)
{
    return rule->kind == RULE_NUMBER ? cJSON_IsNumber(v)
         : rule->kind == RULE_FLAG ? cJSON_IsBool(v) : cJSON_IsArray(v);
}

/* What a person made of a claim's verdict; NULL: nothing. */
static const char *corrected(const struct report *r, int64_t claim_id)
{
    const char *verdict = NULL;

    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);
        const struct db_decision *d = f->claim_id == claim_id
                                          ? report_decision(r, f->id) : NULL;

        if (d && d->verdict)
            verdict = d->verdict;
    }
    return verdict;
}

/* A verdict, and not that there is none. */
static int is_given(const char *verdict)
{
    return strcmp(verdict, verdict_name(VERDICT_NEEDS_REVIEW)) != 0 &&
           strcmp(verdict, verdict_name(VERDICT_NOT_MEASURED)) != 0;
}

/* Rules on claims bind verdicts that the program gave and left standing; where
 * nothing was judged there is nothing that they could vouch for. */
static void hold_claims(struct policy *p, const struct rule *rule)
{
    int given = 0;

    for (int i = 0; i < report_n(p->r, DB_CLAIM); i++) {
        struct held h = { .claim = report_row(p->r, DB_CLAIM, i) };
        const char *person = corrected(p->r, h.claim->id);

        h.v = report_verdict(p->r, h.claim->id);
        if (!h.v)
            continue;
        h.verdict = person ? person : h.v->verdict;
        given += is_given(h.verdict);
        if (rule->kind == RULE_WORDS || (!person && is_given(h.verdict)))
            rule->claim(p, &h);
    }
    if (given == 0) {
        begin_line(p);
        str_puts(p->failed, "no verdict was given\n");
    }
}

/* A word of a list that is no verdict would forbid nothing. */
static enum sor_err check_words(const cJSON *list, const char *path,
                                struct sor_msg *msg)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list) {
        int v = 0;

        while (v < VERDICTS && cJSON_IsString(item) &&
               strcmp(item->valuestring, verdict_name((enum verdict)v)) != 0)
            v++;
        if (!cJSON_IsString(item) || v == VERDICTS)
            return sor_fail(msg, SOR_FORMAT, "%s: %s: no verdict \"%.60s\"; "
                            "there are supported, contradicted, "
                            "not_addressed, needs_review and not_measured",
                            path, list->string, cJSON_IsString(item)
                            ? item->valuestring : "(no word)");
    }
    return SOR_OK;
}

/* Is this a rule, and its value one that it can have? */
static enum sor_err check_rule(const struct rule *rule, const cJSON *value,
                               const char *path, struct sor_msg *msg)
{
    if (!rule)
        return sor_fail(msg, SOR_FORMAT, "%s: no rule \"%s\"", path,
                        value->string);
    if (!fits(rule, value))
        return sor_fail(msg, SOR_FORMAT, "%s: %s: must be %s", path,
                        rule->name, rule->kind == RULE_NUMBER
                        ? "a number" : rule->kind == RULE_FLAG
                        ? "true or false" : "a list of verdicts");
    if (rule->kind == RULE_NUMBER &&
        !(value->valuedouble >= 0 && value->valuedouble <= rule->most))
        return sor_fail(msg, SOR_FORMAT, "%s: %s: must be from 0 to %d", path,
                        rule->name, rule->most);
    return rule->kind == RULE_WORDS ? check_words(value, path, msg) : SOR_OK;
}

static enum sor_err hold(struct policy *p, const cJSON *tree,
                         const char *path, int *n_rule, struct sor_msg *msg)
{
    enum sor_err err;

    cJSON_ArrayForEach(p->value, tree) {
        const struct rule *rule = find_rule(p->value->string);

        if ((err = check_rule(rule, p->value, path, msg)))
            return err;
        if (cJSON_IsFalse(p->value))
            continue;
        p->rule = rule->name;
        ++*n_rule;
        if (rule->review)
            rule->review(p);
        else
            hold_claims(p, rule);
    }
    return SOR_OK;
}

/* The policy's tree; the caller's, also on failure. */
static enum sor_err read_policy(const char *path, cJSON **tree,
                                struct sor_msg *msg)
{
    const char *key;
    struct str text;
    int twice;
    enum sor_err err;

    str_init(&text);
    if (!(err = input_slurp(path, POLICY_BYTES, &text, msg)))
        err = json_parse(text.p, text.len, path, tree, msg);
    str_release(&text);
    if (err)
        return err;
    if (!cJSON_IsObject(*tree))
        return sor_fail(msg, SOR_FORMAT, "%s: a policy is an object of rules",
                        path);
    if ((twice = json_twice(*tree, &key)) < 0)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    return twice ? sor_fail(msg, SOR_FORMAT, "%s: the rule \"%.60s\" stands "
                            "twice", path, key)
                 : SOR_OK;
}

enum sor_err policy_check(const char *path, const struct report *r,
                          struct str *failed, int *n_rule, int *n_failed,
                          struct sor_msg *msg)
{
    struct policy p = { .r = r, .failed = failed };
    cJSON *tree = NULL;
    enum sor_err err = read_policy(path, &tree, msg);

    *n_rule = 0;
    if (!err)
        err = hold(&p, tree, path, n_rule, msg);
    if (!err && *n_rule == 0)
        err = sor_fail(msg, SOR_FORMAT, "%s: holds no rule", path);
    *n_failed = p.n_failed;
    cJSON_Delete(tree);
    return err;
}
