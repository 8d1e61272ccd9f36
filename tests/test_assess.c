/* The finance and medical packs at work: a score with its reasons, sentences
 * that bear on a question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "review/bearing.h"
#include "review/score.h"

static struct pack *open_domain(const char *dir)
{
    struct pack *p = NULL;
    struct sor_msg msg = { "" };

    if (pack_open(dir, &p, &msg))
        fail_msg("%s", msg.text);
    return p;
}

static const char whole[] =
    "{\"id\":\"x\",\"status_account\":\"%s\",\"duration_months\":%d,"
    "\"credit_history\":\"%s\",\"purpose\":\"A43\",\"amount\":%d,\"bonds\":"
    "\"A61\",\"employment\":\"A73\",\"installment_rate\":4,"
    "\"personal_status_and_sex\":\"%s\",\"other_debtors\":\"A101\","
    "\"present_residence_since\":4,\"property\":\"A121\",\"age\":%d,"
    "\"installment_plans\":\"A143\",\"housing\":\"A152\","
    "\"number_of_credit_cards\":1,\"job\":\"A173\",\"liable_people\":1,"
    "\"telephone\":\"A191\",\"foreign\":\"A201\"}";

static enum sor_err score(const struct pack *p, const char *text,
                          struct score *out, struct sor_msg *msg)
{
    cJSON *row = cJSON_Parse(text);
    enum sor_err err;

    assert_non_null(row);
    err = score_read(p, row, out, msg);
    cJSON_Delete(row);
    return err;
}

static void a_score_has_its_reasons(void **state)
{
    struct pack *p = open_domain("domains/finance");
    struct score good, bad;
    char text[1024];
    double odds = 0;

    (void)state;
    snprintf(text, sizeof text, whole, "A14", 6, "A34", 1000, "A93", 40);
    assert_int_equal(score(p, text, &good, NULL), SOR_OK);
    snprintf(text, sizeof text, whole, "A11", 48, "A30", 9000, "A93", 40);
    assert_int_equal(score(p, text, &bad, NULL), SOR_OK);
    assert_true(good.p > 0.8 && good.granted && good.decides);
    assert_true(bad.p < 0.5 && !bad.granted && bad.decides);
    assert_int_equal(bad.n_reason, 17);
    for (int i = 1; i < bad.n_reason; i++)
        assert_true(bad.reason[i - 1].value->weight <=
                    bad.reason[i].value->weight);
    for (int i = 0; i < bad.n_reason; i++) {
        odds += bad.reason[i].value->weight;
        assert_non_null(bad.reason[i].why);
    }
    odds += log(good.p / (1 - good.p));         /* the start, by the other */
    for (int i = 0; i < good.n_reason; i++)
        odds -= good.reason[i].value->weight;
    assert_true(fabs(1 / (1 + exp(-odds)) - bad.p) < 1e-9);
    /* measured apart, and each better than its base */
    assert_int_equal(good.error.n + bad.error.n, p->claim[0].error.n);
    assert_true(1 - good.error.high > good.base);
    assert_true(1 - bad.error.high > bad.base);
    pack_close(p);
}

static void protected_attributes_take_no_part(void **state)
{
    static const char *const sex[] = { "A91", "A92", "A93", "A94", "A95" };
    struct pack *p = open_domain("domains/finance");
    struct score one, other;
    char text[1024];
    int n;
    const struct fact *f = pack_facts(p, "protected", &n);

    (void)state;
    assert_int_equal(n, 3);
    snprintf(text, sizeof text, whole, "A12", 24, "A32", 3000, "A93", 25);
    assert_int_equal(score(p, text, &one, NULL), SOR_OK);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, whole, "A12", 24, "A32", 3000, sex[i],
                 20 + 12 * i);
        assert_int_equal(score(p, text, &other, NULL), SOR_OK);
        assert_true(one.p == other.p);
    }
    for (int i = 0; i < one.n_reason; i++)
        for (int k = 0; k < n; k++)
            assert_string_not_equal(one.reason[i].attribute->id, f[k].id);
    pack_close(p);
}

static void what_is_not_known_is_said(void **state)
{
    struct pack *p = open_domain("domains/finance");
    struct score s;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(score(p, "{\"status_account\":\"A14\"}", &s, NULL),
                     SOR_OK);
    assert_int_equal(s.n_missing, 16);
    assert_int_equal(s.decides, 0);             /* only reasons */
    assert_int_equal(score(p, "{\"status_account\":\"A99\"}", &s, &msg),
                     SOR_FORMAT);
    assert_non_null(strstr(msg.text, "\"status_account\""));
    assert_int_equal(score(p, "{\"amount\":-5}", &s, &msg), SOR_FORMAT);
    assert_int_equal(score(p, "{\"colour\":\"red\"}", &s, &msg), SOR_FORMAT);
    pack_close(p);
    p = open_domain("domains/medical");
    assert_int_equal(score(p, "{\"amount\":5}", &s, &msg), SOR_UNSUP);
    pack_close(p);
}

static void results_bear_on_a_question_and_methods_do_not(void **state)
{
    static const char text[] =
        "Smoking is common. We enrolled 200 patients with asthma. "
        "Smoking was associated with more frequent asthma attacks than in "
        "non-smokers (P<0.05, n=200). The weather was fine. These findings "
        "suggest that smoking worsens asthma.";
    struct pack *p = open_domain("domains/medical");
    struct bearing b[4];
    int n = bearing_read(p, "Does smoking make asthma attacks worse?", text, b,
                         4);

    (void)state;
    assert_true(n >= 2);
    for (int i = 0; i < 2; i++) {
        const char *s = text + b[i].span.from;

        assert_true(strncmp(s, "Smoking was", 11) == 0 ||
                    strncmp(s, "These findings", 14) == 0);
        assert_true(b[i].n_cue >= 2);
    }
    assert_true(b[0].score >= b[1].score);
    for (int i = 0; i < n; i++)
        assert_int_not_equal(strncmp(text + b[i].span.from, "The weather", 11),
                             0);
    assert_int_equal(bearing_read(p, "Does smoking matter?", text, b, 1), 1);
    assert_int_equal(bearing_read(p, "", "", b, 4), 0);
    pack_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_score_has_its_reasons),
        cmocka_unit_test(protected_attributes_take_no_part),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(results_bear_on_a_question_and_methods_do_not),
    };

    return cmocka_run_group_tests_name("assess", tests, NULL, NULL);
}
