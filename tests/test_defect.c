/* Defects: each kind in a small contract that is otherwise in order, what must
 * not be taken for one, hostile text, and the annotated faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "review/graph.h"

/* A contract without defects.  $1, $2 and $3 are places for one more sentence
 * in clauses 2, 4 and 5; LAW is where the law is named. */
static const char contract[] =
    "SUPPLY AGREEMENT\n\n"
    "This Supply Agreement (the \"Agreement\") is made on March 1, 2024 between "
    "Northwind Tools Ltd, a company of England (\"Supplier\"), and Brightwater "
    "Homes, Inc., a Delaware corporation (\"Buyer\").\n\n"
    "1. Definitions\n"
    "\"Goods\" means the tools listed in each order. \"Delivery Date\" means the "
    "date that an order names for delivery.\n\n"
    "2. Supply\n"
    "Supplier shall deliver the Goods on the Delivery Date. Buyer shall inspect "
    "the Goods without delay.$1\n\n"
    "3. Price\n"
    "Buyer shall pay the price of the Goods within thirty (30) days of the date "
    "of the invoice, as set out in Section 2.\n\n"
    "4. Confidentiality\n"
    "Each party shall keep the other's information secret. This obligation shall "
    "survive for three (3) years after the end of this Agreement.$2\n\n"
    "5. General\n"
    "Neither party may assign this Agreement without consent. A party may "
    "terminate it where the other is in breach.$3 LAW\n\n"
    "IN WITNESS WHEREOF the parties have signed.\n\n"
    "By: ____________________\nName: ____________________\n";
static const char law[] =
    "This Agreement is governed by the law of England.";

static char *with(const char *one, const char *two, const char *three,
                  const char *last)
{
    const char *put[] = { one, two, three };
    struct str out;
    char *copy;

    str_init(&out);
    for (const char *s = contract; *s; s++)
        if (*s == '$')
            str_puts(&out, put[*++s - '1']);
        else if (strncmp(s, "LAW", 3) == 0 && s[3] == '\n')
            str_puts(&out, last), s += 2;
        else
            str_putc(&out, *s);
    assert_true(str_ok(&out));
    copy = mem_strdup(out.p);
    str_release(&out);
    return copy;
}

/* --- what is found ------------------------------------------------------- */

static struct pack *pack;
static struct document *doc;
static struct clauses *clauses;
static struct graph *graph;
static struct defects *found;

static int open_pack(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    if (pack_open("domains/legal", &pack, &msg))
        print_error("%s\n", msg.text);
    return pack ? 0 : -1;
}

static int close_pack(void **state)
{
    (void)state;
    pack_close(pack);
    return 0;
}

static void forget(void)
{
    defects_close(found);
    graph_close(graph);
    clauses_close(clauses);
    document_close(doc);
    found = NULL, graph = NULL, clauses = NULL, doc = NULL;
}

static void hunt(const char *text)
{
    struct sor_msg msg = { "" };

    if (document_from("test", text, strlen(text), &doc, &msg) ||
        clauses_read(doc, &clauses, &msg) ||
        graph_read(doc, clauses, pack, &graph, &msg) ||
        defects_find(doc, clauses, graph, pack, &found, &msg))
        fail_msg("%s", msg.text);
}

static void print_found(void)
{
    for (int i = 0; i < found->n; i++)
        print_message("%s \"%.*s\": %s\n", defect_kind_name(found->at[i].kind),
                      (int)(found->at[i].span.to - found->at[i].span.from),
                      doc->text + found->at[i].span.from, found->at[i].note);
}

static void a_contract_in_order_has_none(void **state)
{
    char *text = with("", "", "", law);

    (void)state;
    hunt(text);
    print_found();
    assert_int_equal(found->n, 0);
    forget();
    mem_free(text);
}

/* One fault each, in clauses 2, 4 and 5; words: what the span must hold. */
static const struct fault {
    const char *one, *two, *three;
    enum defect_kind kind;
    const char *words;
} faults[] = {
    { " \"Idle Stock\" means tools that nobody ordered.", "", "",
      DEFECT_UNUSED_DEFINITION, "Idle Stock" },
    { "", " The provisions of this Section apply to Affiliates (the \"Goods\").",
      "", DEFECT_DUPLICATE_DEFINITION, "Goods" },
    { "", "", " Supplier may postpone the Delivery date once.",
      DEFECT_INCONSISTENT_CAPITALISATION, "Delivery date" },
    { " Supplier shall pack the Goods as required by the Packing Manual.", "",
      "", DEFECT_UNDEFINED_TERM, "Packing Manual" },
    { "", " Exceptions are in Section 12.", "", DEFECT_DANGLING_REFERENCE,
      "Section 12" },
    { "", " The return of samples is governed by Section 4.7.", "",
      DEFECT_DANGLING_REFERENCE, "Section 4.7" },
    { "", "", " The labels are described in Schedule 4.",
      DEFECT_DANGLING_REFERENCE, "Schedule 4" },
    { "", "", " Buyer shall pay each invoice not later than sixty (60) days of "
      "the invoice date.", DEFECT_CONFLICTING_NUMBER, "(30)" },
    { "", "", " Orders may be changed within ten (12) days.",
      DEFECT_CONFLICTING_NUMBER, "ten (12)" },
    { "", "", " The obligation to keep the other's information secret shall "
      "survive for five (5) years after the end of this Agreement.",
      DEFECT_CONTRADICTORY_SURVIVAL, "three" },
    { "", "", " The duty of secrecy shall survive termination indefinitely.",
      DEFECT_CONTRADICTORY_SURVIVAL, "three" },
    { "", " The contact for questions is [name of officer].", "",
      DEFECT_PLACEHOLDER, "[name of officer]" },
    { " The first delivery is on ____________.", "", "", DEFECT_PLACEHOLDER,
      "____" },
    { "", " No information shall be passed on by Castlegate Pumps GmbH.", "",
      DEFECT_WRONG_PARTY_NAME, "Castlegate Pumps GmbH" },
    { "", "", " The risk passes to Northwind Tools LLC on delivery.",
      DEFECT_WRONG_PARTY_NAME, "Northwind Tools LLC" },
    { " Supplier (the \"Receiving Party\") keeps the plans. A copy that the "
      "receiving party makes is lent to the Receiving Party.", "", "",
      DEFECT_INCONSISTENT_CAPITALISATION, "receiving party" },
    { " Northwind Retail Inc. shall pay the carrier.", "", "",
      DEFECT_WRONG_PARTY_NAME, "Northwind Retail Inc." },
    { "", "", " The deposit is $10,000 (twenty thousand dollars).",
      DEFECT_CONFLICTING_NUMBER, "(twenty" },
    { "", "", " The deposit is Two Million Dollars ($2,500,000).",
      DEFECT_CONFLICTING_NUMBER, "$2,500,000" },
    { "", "", " A discount of 10% (twelve percent) is given.",
      DEFECT_CONFLICTING_NUMBER, "10% (twelve" },
    { "", " The term of this Agreement is two (2) years.", " This Agreement "
      "shall remain in effect for a period of three (3) years.",
      DEFECT_CONFLICTING_NUMBER, "two (2) years" },
    { "", "", " This Agreement shall be governed by the laws of France.",
      DEFECT_CONFLICTING_LAW, "France" },
    { " No provision of this Agreement survives termination.", "",
      " Section 1 survives the termination of this Agreement.",
      DEFECT_CONTRADICTORY_SURVIVAL, "No provision" },
    { "", " Section 2 prevails over Section 3.", " Section 3 prevails over "
      "Section 2.", DEFECT_CIRCULAR_PRECEDENCE, "Section 2" },
};

static void each_fault_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const struct fault *f = &faults[i];
        char *text = with(f->one, f->two, f->three, law);
        struct span s;

        hunt(text);
        if (found->n != 1 || found->at[0].kind != f->kind) {
            print_found();
            fail_msg("%d found; \"%s\" should be one %s", found->n, f->words,
                     defect_kind_name(f->kind));
        }
        s = found->at[0].span;
        if (!strstr(doc->text + s.from, f->words) ||
            strstr(doc->text + s.from, f->words) >= doc->text + s.to)
            fail_msg("\"%.*s\" does not hold \"%s\"", (int)(s.to - s.from),
                     doc->text + s.from, f->words);
        forget();
        mem_free(text);
    }
}

static void two_clauses_that_each_give_way_are_a_circle(void **state)
{
    static const char text[] =
        "1. Term\nSubject to Section 3, this contract lasts one year.\n\n"
        "2. Notices\nNotices are in writing under the laws of England, which "
        "govern this contract.\n\n"
        "3. Renewal\nSubject to Section 1, this contract renews.\n";

    (void)state;
    hunt(text);
    print_found();
    assert_int_equal(found->n, 1);
    assert_int_equal(found->at[0].kind, DEFECT_CIRCULAR_PRECEDENCE);
    assert_true(found->at[0].related.from > found->at[0].span.to);
    forget();
}

static void a_missing_law_has_its_witness(void **state)
{
    char *text = with("", "", "", "");

    (void)state;
    hunt(text);
    print_found();
    assert_int_equal(found->n, 1);
    assert_int_equal(found->at[0].kind, DEFECT_MISSING_CLAUSE);
    assert_string_equal(found->at[0].missing, "governing_law");
    assert_int_equal(found->at[0].n_searched, clauses->n);
    assert_int_equal(found->at[0].span.from, found->at[0].span.to);
    forget();
    mem_free(text);
}

/* What a careful reader does not take for a defect. */
static void what_is_in_order_is_left_alone(void **state)
{
    static const char *const good[] = {
        " Supplier may end an order on thirty (30) days' notice, Buyer on ten "
        "(10) days' notice.",
        " Disputes go to the courts of the City of London.",
        " Supplier complies with Section 8 of the Sale of Goods Act.",
        " Payment may be made through Barclays Bank PLC, a bank of England.",
        " Buyer may inspect the works [*** omitted] at any time.",
        " The words \"Best Price\" are not used in advertisements.",
        " Trade secrets are kept secret for ten (10) years after the end of "
        "this Agreement.",
        " THE GOODS ARE NEW.",
        " What breaks within an Order, Northwind Tools Ltd will replace.",
        " The bond is Five Hundred  Thousand Dollars  ($500,000).",
        " Interest is one and one-half percent (1.5%), or 5 percent (five).",
        (" The term of this Agreement is two (2) years. After the initial term "
         "this Agreement shall be renewed for three (3) years."),
        (" The arbitration under this Agreement is governed by the laws of "
         "France."),
        " Section 1 survives termination, no right under a lease survives it.",
        " It is provided by the Porter The Porter carries them.",
        (" Variables have the meanings given on a Cover Page. Within the "
         "Harbour Window it is open."),
        " It is all bought under these Standard Conditions and paid.",
        (" Signed for all. Signature ______________ Name Ho Kok Chan "
         "______________ Common Seal"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *text = with("", good[i], "", law);

        hunt(text);
        print_found();
        if (found->n)
            fail_msg("a false alarm on \"%s\"", good[i]);
        forget();
        mem_free(text);
    }
}

/* --- hostile text -------------------------------------------------------- */

/* A text of nothing but what the rules look for ends soon, whatever is found. */
static void hostile_texts_end_soon(void **state)
{
    static const char *const bits[] = {
        "\"A\" means ", "Section 9.9.9 ", "[[[[ ", "____ ", "Subject to Section 1, ",
        "survive for 1 year ", "the Aa Bb Cc Dd ", "(30) ", "A Inc. ",
        "((((((", "\xe2\x80\xa6" };

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        struct str s;
        uint64_t began;

        str_init(&s);
        str_puts(&s, "1. Rules\n");
        while (s.len < 40000)
            str_puts(&s, bits[i]);
        assert_true(str_ok(&s));
        began = clock_mono_ns();
        hunt(s.p);
        if (clock_mono_ns() - began > 20000000000u)
            fail_msg("\"%s\" takes over 20 s", bits[i]);
        forget();
        str_release(&s);
    }
}

static void an_empty_text_has_none(void **state)
{
    (void)state;
    hunt("");
    assert_int_equal(found->n, 0);
    forget();
}

static void out_of_memory_is_an_error(void **state)
{
    char *text = with(faults[0].one, faults[9].three, "", "");
    uint64_t before, n;

    (void)state;
    hunt(text);
    defects_close(found);
    before = mem_count();
    assert_int_equal(defects_find(doc, clauses, graph, pack, &found, NULL),
                     SOR_OK);
    n = mem_count() - before;
    defects_close(found);
    found = NULL;
    for (uint64_t i = 1; i <= n; i += 1 + n / 200) {
        enum sor_err err;

        mem_fail_at(i);
        err = defects_find(doc, clauses, graph, pack, &found, NULL);
        mem_fail_at(0);
        assert_true(!err || err == SOR_NOMEM);
        defects_close(found);
        found = NULL;
    }
    forget();
    mem_free(text);
}

/* --- the annotated faults ------------------------------------------------ */

static int overlaps(const cJSON *place, struct span s)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(place, "start");
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(place, "end");

    return (double)document_cp(doc, s.from) < b->valuedouble &&
           a->valuedouble < (double)document_cp(doc, s.to);
}

/* The fault that the defect names, by kind and place; an absence by kind. */
static int names(const struct defect *x, const cJSON *fault)
{
    const cJSON *related = cJSON_GetObjectItemCaseSensitive(fault, "related");
    const char *kind = cJSON_GetObjectItemCaseSensitive(fault, "kind")
                           ->valuestring;
    int hit;

    if (x->kind == DEFECT_MISSING_CLAUSE)
        return strncmp(kind, "missing_", 8) == 0 &&
               strcmp(kind + 8, x->missing) == 0;
    if (strcmp(kind, defect_kind_name(x->kind)) != 0)
        return 0;
    hit = overlaps(fault, x->span) || overlaps(fault, x->related);
    for (int i = 0; i < cJSON_GetArraySize(related); i++)
        hit |= overlaps(cJSON_GetArrayItem(related, i), x->span);
    return hit;
}

static int named(const struct defect *x, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
        if (names(x, item))
            return 1;
    return 0;
}

static void the_annotated_faults_are_found(void **state)
{
    const char *shared = getenv("SORITES_SHARED");
    static char line[1 << 20];
    char path[512];
    cJSON *tree = NULL;
    const cJSON *list, *old, *item;
    FILE *f;
    int hit = 0, alarms = 0, n = 0, got;

    (void)state;
    snprintf(path, sizeof path, "%s/gold/dev_faults.jsonl",
             shared ? shared : "../shared");
    f = fopen(path, "r");
    got = f && fgets(line, sizeof line, f) != NULL;
    if (f)
        fclose(f);
    if (!got) {
        print_message("no %s\n", path);
        skip();
    }
    assert_int_equal(json_parse(line, strlen(line), path, &tree, NULL), SOR_OK);
    hunt(cJSON_GetObjectItemCaseSensitive(tree, "text")->valuestring);
    list = cJSON_GetObjectItemCaseSensitive(tree, "faults");
    old = cJSON_GetObjectItemCaseSensitive(tree, "preexisting");
    cJSON_ArrayForEach(item, list) {
        int seen = 0;

        for (int i = 0; i < found->n; i++)
            seen |= names(&found->at[i], item);
        hit += seen;
        n++;
    }
    for (int i = 0; i < found->n; i++)
        alarms += !named(&found->at[i], list) && !named(&found->at[i], old);
    print_message("%d of %d faults found, %d false alarms\n", hit, n, alarms);
    assert_true(10 * hit >= 9 * n);
    assert_true(alarms <= 2);
    forget();
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contract_in_order_has_none),
        cmocka_unit_test(each_fault_is_found_and_nothing_else),
        cmocka_unit_test(two_clauses_that_each_give_way_are_a_circle),
        cmocka_unit_test(a_missing_law_has_its_witness),
        cmocka_unit_test(what_is_in_order_is_left_alone),
        cmocka_unit_test(hostile_texts_end_soon),
        cmocka_unit_test(an_empty_text_has_none),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(the_annotated_faults_are_found),
    };

    return cmocka_run_group_tests_name("defect", tests, open_pack, close_pack);
}
