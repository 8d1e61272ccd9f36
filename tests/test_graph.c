/* tests/test_graph.c - the logic graph of small texts, one rule at a time.
 *
 * A row is a text, what is looked for in it, and the words that must be found,
 * in order, divided by " | "; "" where nothing may be.  Words that open no
 * condition, make no exception and so on matter as much as those that do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "review/graph.h"
#include "tests/slow.h"

static struct pack *pack;

struct read { struct document *d; struct clauses *c; struct graph *g; };

static void read_text(const char *text, size_t n, struct read *r)
{
    struct sor_msg msg = { "" };

    *r = (struct read) { 0 };
    if (document_from("test", text, n, &r->d, &msg) ||
        clauses_read(r->d, &r->c, &msg) ||
        graph_read(r->d, r->c, pack, &r->g, &msg))
        fail_msg("%s", msg.text);
}

static void release(struct read *r)
{
    graph_close(r->g);
    clauses_close(r->c);
    document_close(r->d);
}

static void add(struct str *out, const struct read *r, struct span s)
{
    str_printf(out, "%s%.*s", out->len ? " | " : "", (int)(s.to - s.from),
               r->d->text + s.from);
}

/* --- edges --------------------------------------------------------------- */

struct row { const char *text, *want; };

static void check_edges(enum edge_kind kind, const struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct read r;
        struct str got;

        read_text(row[i].text, strlen(row[i].text), &r);
        str_init(&got);
        for (int k = 0; k < r.g->n_edge; k++)
            if (r.g->edge[k].kind == kind)
                add(&got, &r, r.g->edge[k].span);
        if (strcmp(got.p, row[i].want) != 0)
            print_error("in: %s\n", row[i].text);
        assert_string_equal(got.p, row[i].want);
        str_release(&got);
        release(&r);
    }
}
#define CHECK(kind, rows) check_edges(kind, rows, sizeof rows / sizeof *rows)

static void conditions(void **state)
{
    static const struct row rows[] = {
        { "1. If Buyer fails to pay an invoice, Seller may suspend delivery.",
          "If Buyer fails to pay an invoice" },
        { "1. If any part of this deed is held invalid or void, the other "
          "parts, terms and annexes shall stand.",
          "If any part of this deed is held invalid or void" },
        { "1. Seller may suspend delivery if Buyer fails to pay, and shall "
          "tell Buyer so.", "if Buyer fails to pay" },
        { "1. The licence ends if (a) Buyer is wound up, or (b) Buyer sells "
          "its business.",
          "if (a) Buyer is wound up, or (b) Buyer sells its business" },
        { "1. Seller may end this Agreement if Buyer is insolvent; or if "
          "Buyer assigns it.", "if Buyer is insolvent | if Buyer assigns it" },
        { "1. Upon receipt of the goods, Buyer shall inspect them.",
          "Upon receipt of the goods" },
        { "1. Either party may end this Agreement upon written notice to the "
          "other.", "upon written notice to the other" },
        { "1. Carrier shall, upon request, show its licence.",
          "upon request" },
        { "1. In the event of a strike, Seller may delay delivery.",
          "In the event of a strike" },
        { "1. In case the mill stands still, Seller may delay delivery.",
          "In case the mill stands still" },
        { "1. Prior to using the mark, Buyer shall send a sample.",
          "Prior to using the mark" },
        { "1. Buyer shall tell Seller promptly after becoming aware of a "
          "defect.", "promptly after becoming aware of a defect" },
        { "1. Buyer may use the mark for so long as this licence is in force.",
          "for so long as this licence is in force" },
        { "1. Buyer may show the plans to the extent required by law, "
          "regulation or a court, provided it first warns Seller.",
          "to the extent required by law, regulation or a court | "
          "provided it first warns Seller" },
        { "1. Buyer may lend the tool, provided that the borrower is insured.",
          "provided that the borrower is insured" },
        { "1. Buyer shall repay $5,000,000 if the sale fails.",
          "if the sale fails" },
        { "1. Should the ship sink, the price falls due.",
          "Should the ship sink" },
        /* which are none */
        { "1. Seller bears the loss even if warned of it.", "" },
        { "1. Buyer shall pay the taxes, if any, on the goods.", "" },
        { "1. In such case, the deposit is forfeit.", "" },
        { "1. Buyer shall pay within 30 days after the invoice date.", "" },
        { "1. Seller may not assign without the prior written consent of "
          "Buyer.", "" },
        { "1. This deed is binding upon the heirs and based upon trust.", "" },
        { "1. Buyer waives notice to the fullest extent permitted by law.",
          "" },
        { "1. The parties agreed upon a price.", "" },
        { "1. Buyer may resell, provided that any resale shall end with this "
          "Agreement.", "" },
        { "1. The services provided by Seller are as provided in Annex A.",
          "" },
        { "1. The following goods are sold on the following terms.", "" },
    };

    (void)state;
    CHECK(EDGE_CONDITION_OF, rows);
}

static void exceptions(void **state)
{
    static const struct row rows[] = {
        { "1. No change is valid unless it is signed by both parties.",
          "unless it is signed by both parties" },
        { "1. Except as required by law, Buyer shall keep the plans secret.",
          "Except as required by law" },
        { "1. Buyer shall not show the plans, except to its own staff, and "
          "shall lock them up.", "except to its own staff" },
        { "1. Buyer shall not use the plans for any purpose other than the "
          "Project.", "other than the Project" },
        { "1. Secrecy. These duties do not apply to plans that: (a) are "
          "public; or (b) were known.",
          "do not apply to plans that" },
        { "1. Buyer may copy the plans, provided, however, that it may not "
          "sell copies.",
          "provided, however, that it may not sell copies" },
        { "1. Buyer owns the tools except for tools that: (a) rust; or (b) "
          "break.", "except for tools that" },
        { "1. Seller shall not compete; provided that it may hold shares.",
          "provided that it may hold shares" },
        { "1. Loss. EXCEPT FOR FRAUD, NEITHER PARTY WILL BE LIABLE FOR LOST "
          "PROFITS.", "EXCEPT FOR FRAUD" },
        /* which are none */
        { "1. Seller is excepted and acts without regard to exceptions.",
          "" },
        { "1. Buyer shall not apply paint to the tool.", "" },
        { "1. The care must be no less than reasonable but in no event less "
          "than usual.", "" },
    };

    (void)state;
    CHECK(EDGE_EXCEPTION_TO, rows);
}

static void overrides(void **state)
{
    static const struct row rows[] = {
        { "1. Price. Ten.\n2. Rent. Subject to Section 1 hereof, rent is due.",
          "Subject to Section 1 hereof" },
        { "1. Subject to the terms of this Agreement, Seller grants a "
          "licence.", "Subject to the terms of this Agreement" },
        { "1. Notwithstanding anything to the contrary herein, Buyer may "
          "cancel.", "Notwithstanding anything to the contrary herein" },
        { "1. Rent is due. Notwithstanding the foregoing, no rent is due in "
          "May.", "Notwithstanding the foregoing" },
        { "1. This deed supersedes all prior agreements, oral or written.",
          "supersedes all prior agreements, oral or written" },
        { "1. In case of conflict between this Agreement and the Price Book, "
          "this Agreement shall prevail.", "this Agreement shall prevail" },
        /* which are none */
        { "1. Assignment is subject to the prior written consent of Seller.",
          "" },
        { "1. Notwithstanding the termination of this Agreement, Section 1 "
          "survives.", "" },
        { "1. Seller is not subject to any judgment.", "" },
    };

    (void)state;
    CHECK(EDGE_OVERRIDES, rows);
}

static void definitions(void **state)
{
    static const struct row rows[] = {
        { "1. Acme Ltd (the \"Seller\") and Bolt LLC (\"Buyer\") agree.",
          "Seller | Buyer" },
        { "1. (each a \"Party\" and together the \"Parties\")",
          "Party | Parties" },
        { "1. \"Goods\" means tools. \"Price\" shall have the meaning in "
          "Annex A.", "Goods | Price" },
        { "1. The firms are hereinafter referred to as the \"Owners\".",
          "Owners" },
        { "1. any fault (such fault, a \"Defect\") in the goods",
          "Defect" },
        /* which are none */
        { "1. The goods are sold \"AS IS\" and marked \"Confidential\".",
          "" },
    };

    (void)state;
    CHECK(EDGE_DEFINES, rows);
}

static void uses(void **state)
{
    static const struct row rows[] = {
        { "1. \"Tool\" means a saw.\n2. All Tools and TOOL parts.\n"
          "3. No tool.", "Tools" },
        { "1. \"Party\" means a firm. \"Selling Party\" means Acme.\n"
          "2. The Selling Party is bound.", "Selling Party" },
        { "1. \"Company\" means Acme.\n2. The Company's duty, and the "
          "Company's right.", "Company" },
    };

    (void)state;
    CHECK(EDGE_USES, rows);
}

/* --- where edges lead ---------------------------------------------------- */

static void check_targets(const struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct read r;
        struct str got;
        char name[128];

        read_text(row[i].text, strlen(row[i].text), &r);
        str_init(&got);
        for (int k = 0; k < r.g->n_edge; k++) {
            const struct edge *e = &r.g->edge[k];

            if (e->kind == EDGE_USES || e->kind == EDGE_DEFINES)
                continue;
            str_printf(&got, "%s%s ", got.len ? " | " : "",
                       node_name(r.g, &e->src, name, sizeof name));
            str_printf(&got, "%s ", edge_kind_name(e->kind));
            str_puts(&got, node_name(r.g, &e->dst, name, sizeof name));
        }
        if (strcmp(got.p, row[i].want) != 0)
            print_error("in: %s\n", row[i].text);
        assert_string_equal(got.p, row[i].want);
        str_release(&got);
        release(&r);
    }
}

static void targets(void **state)
{
    static const struct row rows[] = {
        { "1. Price. Ten.\n2. Time. As in Section 1.\n",
          "c2 refers_to c1" },
        { "1. Price. One.\n2. Rent. Two.\n3. Fees. Three.\n4. Time. See "
          "Sections 1 through 3.\n",
          "c4 refers_to c1 | c4 refers_to c2 | c4 refers_to c3" },
        { "1. Price. One.\n2. Rent. Two.\n3. Time. See Sections 1 and 2.\n",
          "c3 refers_to c1 | c3 refers_to c2" },
        { "1. Price. One.\n2. Time. See Section 9.\n",
          "c2 refers_to dangling:Section 9" },
        { "1. Price. One.\n2. Time. See Sections 9(a) and (b).\n",
          "c2 refers_to dangling:Section 9(a) | "
          "c2 refers_to dangling:Section 9(b)" },
        { "1. Tools. See Exhibit A.\n\nEXHIBIT A\n\nTools and more tools.\n",
          "c1 refers_to c2" },
        { "1. Tools. It falls under the Steel Tools Act of 1950.\n",
          "c1 refers_to external:Steel Tools Act of 1950" },
        { "1. Tools. See Section 4 of the Steel Tools Act of 1950.\n",
          "c1 refers_to external:Steel Tools Act of 1950" },
        { "1. Price. One.\n2. Time. Subject to Section 1, rent is due.\n",
          "c1 overrides c2 | c2 refers_to c1" },
        { "1. Price. One.\n2. Time. Notwithstanding Section 1, rent is due.\n",
          "c2 overrides c1 | c2 refers_to c1" },
        { "1. Whole. This deed supersedes all prior deeds.\n",
          "document overrides external:prior deeds" },
        { "1. Whole. In case of conflict between this Agreement and the Price "
          "Book, this Agreement shall prevail.\n",
          "c1 condition_of c1 | document overrides external:the Price Book" },
        { "1. Breach. A breach of this Section is a default.\n",
          "c1 refers_to c1" },
        { "1. Duties. The Buyer's obligations in this Agreement do not apply "
          "to tools that rust.\n", "c1 exception_to document" },
    };

    (void)state;
    check_targets(rows, sizeof rows / sizeof *rows);
}

/* --- norms --------------------------------------------------------------- */

static void norms(void **state)
{
    /* kind, bearer, act for each */
    static const struct row rows[] = {
        { "1. Buyer shall pay the price.", "obligation Buyer: pay the price" },
        { "1. Seller may inspect the goods.",
          "permission Seller: inspect the goods" },
        { "1. Neither party may assign this deed.",
          "prohibition Neither party: assign this deed" },
        { "1. Buyer shall not copy the plans and shall lock them up.",
          "prohibition Buyer: copy the plans | obligation Buyer: lock them "
          "up" },
        { "1. Carol Corp shall insure the goods.",
          "obligation Carol Corp: insure the goods" },
        { "1. Buyer is to insure the goods. The aim is to sell more goods.",
          "obligation Buyer: insure the goods" },
        { "This deed is made between Acme Ltd (\"Supplier\") and Bolt LLC "
          "(\"Customer\").\n\n1. Goods. Acme shall store the goods. Acme "
          "Ltd hereby undertakes to train staff.\n",
          "obligation Acme: store the goods | obligation Acme Ltd: train "
          "staff" },
        { "1. Notices must be sent by Seller in writing.",
          "obligation Seller: sent by Seller in writing" },
        { "1. Buyer shall: (a) keep books; and (b) not sell them.",
          "obligation Buyer: keep books | prohibition Buyer: not sell them" },
        { "1. Seller hereby grants to Buyer a licence to use the mark.",
          "permission Buyer: to Buyer a licence to use the mark" },
        { "1. Buyer is not obliged to accept the goods.",
          "permission Buyer: accept the goods" },
        { "1. If it rains, Buyer shall cover the goods.",
          "obligation Buyer: cover the goods" },
        { "1. Storage. The Buyer: (a) shall keep the goods dry; and (b) may "
          "sell them.",
          "obligation Buyer: keep the goods dry | permission Buyer: sell "
          "them" },
        { "1. Seller may, at its own cost, repair the goods.",
          "permission Seller: at its own cost, repair the goods" },
        /* which are none */
        { "1. This Agreement shall terminate in May and shall be governed by "
          "the laws of Ohio.", "" },
        { "1. \"Tool\" shall mean a saw.", "" },
        { "1. If Buyer shall fail to pay, interest accrues.", "" },
        { "1. Buyer pays such fees as may be requested.",
          "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read r;
        struct str got;

        read_text(rows[i].text, strlen(rows[i].text), &r);
        str_init(&got);
        for (int k = 0; k < r.g->n_norm; k++) {
            const struct norm *n = &r.g->norm[k];

            str_printf(&got, "%s%s %s: %.*s", got.len ? " | " : "",
                       norm_kind_name(n->kind), n->bearer,
                       (int)(n->act.to - n->act.from),
                       r.d->text + n->act.from);
        }
        if (strcmp(got.p, rows[i].want) != 0)
            print_error("in: %s\n", rows[i].text);
        assert_string_equal(got.p, rows[i].want);
        str_release(&got);
        release(&r);
    }
}

static void norm_parts(void **state)
{
    static const char text[] =
        "1. Buyer shall pay $5,000 within thirty (30) days.";
    struct read r;

    (void)state;
    read_text(text, strlen(text), &r);
    assert_int_equal(r.g->n_norm, 1);
    assert_memory_equal(text + r.g->norm[0].amount.from, "$5,000", 6);
    assert_int_equal(r.g->norm[0].amount.to - r.g->norm[0].amount.from, 6);
    assert_memory_equal(text + r.g->norm[0].deadline.from,
                        "within thirty (30) days", 23);
    release(&r);
}

/* A sentence that never ends has norms that do, and not one for each modal. */
static void endless_norms(void **state)
{
    struct str text;
    struct read r;

    (void)state;
    str_init(&text);
    str_puts(&text, "1. Buyer shall pay");
    for (int i = 0; i < 3000; i++)
        str_puts(&text, " all that Buyer shall and Seller must then pay");
    str_puts(&text, ".");
    read_text(text.p, text.len, &r);
    assert_in_range(r.g->n_norm, 1, 200);
    for (int i = 0; i < r.g->n_norm; i++) {
        const struct norm *n = &r.g->norm[i];

        assert_in_range(n->act.to - n->act.from, 1, 600);
        assert_int_equal(text.p[n->act.to - 1] == ' ', 0);
        assert_true(strlen(n->bearer) <= 600);
    }
    release(&r);
    str_release(&text);
}

/* --- values -------------------------------------------------------------- */

static void values(void **state)
{
    static const struct row rows[] = {
        { "1. thirty (30) days", "period P30D" },
        { "1. forty-five days and 2 years and 10 business days",
          "period P45D | period P2Y | period P10BD" },
        { "1. seventy-two (72) hours", "period PT72H" },
        { "1. on March 1, 2024 or 2nd day of May, 2025 or 2026-01-31",
          "date 2024-03-01 | date 2025-05-02 | date 2026-01-31" },
        { "1. the sum of $1,250,000.50 or US$3 million or 40 euros",
          "amount USD 1250000.50 | amount USD 3000000.00 | "
          "amount EUR 40.00" },
        { "1. the sum of EUR 10.000 or EUR 10.50 or EUR 1.250.000",
          "amount EUR 10000.00 | amount EUR 10.50 | amount EUR 1250000.00" },
        { "1. of USD 5m, EUR 3k, GBP 5bn, $2.5 MM and $2 (two) million",
          "amount USD 5000000.00 | amount EUR 3000.00 | "
          "amount GBP 5000000000.00 | amount USD 2500000.00 | "
          "amount USD 2000000.00" },
        { "1. of EUR 1.234,56 or EUR 5,50 or 1 000 000 euros or 500 Euros",
          "amount EUR 1234.56 | amount EUR 5.50 | amount EUR 1000000.00 | "
          "amount EUR 500.00" },
        { "1. $0.125 or HK$500 or $5,000 CAD or $3 trillion or $5-10 million",
          "amount USD 0.1250 | amount HKD 500.00 | amount CAD 5000.00 | "
          "amount USD 3000000000000.00 | amount USD 5000000.00" },
        { "1. INR 12,50,000 or INR 2 crore",
          "amount INR 1250000.00 | amount INR 20000000.00" },
        { "1. $1.500 of 500,000 Euros or CDN$750,000 and split 40%/60%",
          "amount USD 1500.00 | amount EUR 500000.00 | "
          "amount CAD 750000.00 | percent 40% | percent 60%" },
        { "1. one that cannot be read, $5x or $1,0000 or Z$5", "" },
        { "1. 2,5% or 1,250% or 0.125% but not one-tenth of 1% or 1/2%",
          "percent 2.5% | percent 1250% | percent 0.125%" },
        { "1. interest of 1.5% or five percent (5%) or ten percent",
          "percent 1.5% | percent 5% | percent 10%" },
        { "1. It is governed by the laws of the State of New York.",
          "law new york" },
        { "1. It is governed by the laws of the Governing Law Jurisdiction. "
          "2. It is governed by the laws of the State of [State].", "" },
        { "1. It is governed by Governing Law. The whole is construed under "
          "the laws of <Country>.", "" },
        { "1. One clause of a sentence with no value at all in it.", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct read r;
        struct str got;

        read_text(rows[i].text, strlen(rows[i].text), &r);
        str_init(&got);
        for (int k = 0; k < r.g->n_value; k++)
            str_printf(&got, "%s%s %s", got.len ? " | " : "",
                       value_kind_name(r.g->value[k].kind),
                       r.g->value[k].norm);
        assert_string_equal(got.p, rows[i].want);
        str_release(&got);
        release(&r);
    }
}

static void parties(void **state)
{
    static const char text[] =
        "This Agreement is made between Acme Tools Ltd, a company of Ohio "
        "(\"Seller\"), and Bolt & Sons LLC (the \"Buyer\").\n\n"
        "1. Price. Ten.\n";
    struct read r;

    (void)state;
    read_text(text, strlen(text), &r);
    assert_int_equal(r.g->n_party, 2);
    assert_string_equal(r.g->party[0].name, "Acme Tools Ltd");
    assert_string_equal(r.g->party[0].role, "Seller");
    assert_string_equal(r.g->party[1].name, "Bolt & Sons LLC");
    assert_string_equal(r.g->party[1].role, "Buyer");
    release(&r);
}

/* --- hostile text -------------------------------------------------------- */

/* One piece, over and over: text that makes careless patterns backtrack. */
static void repeat(const char *piece, size_t total)
{
    size_t n = strlen(piece);
    char *text = mem_alloc(total + 1);
    clock_t start = clock();            /* of this process: others run too */
    struct read r;

    assert_non_null(text);
    for (size_t i = 0; i < total; i++)
        text[i] = piece[i % n];
    text[total] = '\0';
    read_text(text, total, &r);
    for (int i = 0; i < r.g->n_edge; i++) {
        assert_true(r.g->edge[i].span.from < r.g->edge[i].span.to);
        assert_true(r.g->edge[i].span.to <= r.d->n_byte);
    }
    if (!slow() && clock() - start > 3 * CLOCKS_PER_SEC)
        fail_msg("%.20s...: %.1f s", piece,
                 (double)(clock() - start) / CLOCKS_PER_SEC);
    release(&r);
    mem_free(text);
}

static void hostile(void **state)
{
    static const char *const pieces[] = {
        "if ", "(", "Section 1, ", "\"A\" and ", "Subject to ", "the the, ",
        "Acme Act of ", "(a) (b) ", "shall ", "a", "1.", "((\"X\" ", "$1,",
        "If a, the b; ", "\xc2\xa7 ", "one hundred ", "Xx Yy, ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        repeat(pieces[i], 60000);
}

static void nothing(void **state)
{
    struct read r;

    (void)state;
    read_text("Roses are red.\n", 15, &r);
    assert_int_equal(r.g->n_edge, 0);
    assert_int_equal(r.g->n_norm, 0);
    release(&r);
}

static void no_memory(void **state)
{
    static const char text[] =
        "1. \"Tool\" means a saw.\n2. If Buyer shall fail to pay $5 for a "
        "Tool under Section 9, Seller may, upon notice, sell it.\n";
    struct sor_msg msg;
    struct document *d = NULL;
    struct clauses *c = NULL;
    enum sor_err err = SOR_NOMEM;

    (void)state;
    assert_int_equal(document_from("test", text, strlen(text), &d, &msg),
                     SOR_OK);
    assert_int_equal(clauses_read(d, &c, &msg), SOR_OK);
    for (uint64_t n = 1; err == SOR_NOMEM && n < 3000; n++) {
        struct graph *g = NULL;

        mem_fail_at(n);
        err = graph_read(d, c, pack, &g, &msg);
        mem_fail_at(0);
        assert_true(err == SOR_OK || (err == SOR_NOMEM && !g));
        graph_close(g);
    }
    assert_int_equal(err, SOR_OK);
    clauses_close(c);
    document_close(d);
}

/* --- the annotated graphs (second tier) ---------------------------------- */

/* Of the four annotated documents every edge but `uses` counts; the clauses
 * are the reader's own.  The floor is what was reached (0.97) less a margin
 * for the softer kinds; bench/graph_score.py says more. */
static const double floor_f1 = 0.92;

struct tally { int right, found, gold; };

static int same_node(const struct graph *g, const struct node *n,
                     const char *want, const int *names)
{
    char name[512];

    if (n->kind == NODE_CLAUSE)
        return want[0] == 'c' && names[n->index] == atoi(want + 1) - 1;
    if (n->kind == NODE_EXTERNAL)
        return strncmp(want, "external:", 9) == 0;
    return strcmp(node_name(g, n, name, sizeof name), want) == 0;
}

static struct span gold_span(const struct document *d, const cJSON *o)
{
    return (struct span) {
        document_byte(d, (size_t)cJSON_GetObjectItem(o, "start")->valuedouble),
        document_byte(d, (size_t)cJSON_GetObjectItem(o, "end")->valuedouble) };
}

static double iou(struct span a, struct span b)
{
    double from = (double)(a.from > b.from ? a.from : b.from);
    double to = (double)(a.to < b.to ? a.to : b.to);
    double least = (double)(a.from < b.from ? a.from : b.from);
    double most = (double)(a.to > b.to ? a.to : b.to);

    return to > from ? (to - from) / (most - least) : 0;
}

/* names[i]: the annotated clause that clause i is; -1: none. */
static void match_clauses(const struct read *r, const cJSON *list, int *names)
{
    for (int i = 0; i < r->c->n; i++) {
        double best = 0.5;
        int k = 0;
        const cJSON *o;

        names[i] = -1;
        cJSON_ArrayForEach(o, list) {
            double x = iou(r->c->at[i].span, gold_span(r->d, o));

            if (x >= best) {
                best = x;
                names[i] = k;
            }
            k++;
        }
    }
}

static int edge_is(const struct read *r, const struct edge *e,
                   const cJSON *o, const int *names)
{
    return strcmp(edge_kind_name(e->kind),
                  cJSON_GetObjectItem(o, "kind")->valuestring) == 0 &&
           same_node(r->g, &e->src, cJSON_GetObjectItem(o, "src")->valuestring,
                     names) &&
           same_node(r->g, &e->dst, cJSON_GetObjectItem(o, "dst")->valuestring,
                     names) &&
           iou(e->span, gold_span(r->d, o)) >= 0.3;
}

static void score(const cJSON *doc, struct tally *t)
{
    const char *text = cJSON_GetObjectItem(doc, "text")->valuestring;
    const cJSON *o;
    struct read r;
    int *names;
    uint8_t *used;

    read_text(text, strlen(text), &r);
    names = mem_calloc((size_t)r.c->n + 1, sizeof *names);
    used = mem_calloc((size_t)r.g->n_edge + 1, 1);
    assert_true(names && used);
    match_clauses(&r, cJSON_GetObjectItem(doc, "clauses"), names);
    for (int i = 0; i < r.g->n_edge; i++)
        t->found += r.g->edge[i].kind != EDGE_USES;
    cJSON_ArrayForEach(o, cJSON_GetObjectItem(doc, "edges")) {
        int found = 0;

        if (strcmp(cJSON_GetObjectItem(o, "kind")->valuestring, "uses") == 0)
            continue;
        t->gold++;
        for (int i = 0; i < r.g->n_edge && !found; i++)
            if (!used[i] && edge_is(&r, &r.g->edge[i], o, names))
                found = used[i] = 1;
        t->right += found;
    }
    mem_free(names);
    mem_free(used);
    release(&r);
}

static void annotated(void **state)
{
    const char *root = getenv("SORITES_SHARED");
    struct tally t = { 0, 0, 0 };
    size_t cap = 1 << 20;
    char path[1024], *line = mem_alloc(cap);
    double f1;
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/gold/dev.jsonl", root ? root
                                                          : "../shared");
    f = fopen(path, "r");
    if (!f) {
        mem_free(line);
        print_message("no %s\n", path);
        skip();
    }
    while (fgets(line, (int)cap, f)) {
        cJSON *doc = NULL;
        struct sor_msg msg;

        assert_int_equal(json_parse(line, strlen(line), path, &doc, &msg),
                         SOR_OK);
        score(doc, &t);
        cJSON_Delete(doc);
    }
    fclose(f);
    mem_free(line);
    assert_true(t.gold > 0);
    f1 = 2.0 * t.right / (t.found + t.gold);
    print_message("edges: %d right, %d false, %d missed, F1 %.3f\n", t.right,
                  t.found - t.right, t.gold - t.right, f1);
    assert_true(f1 >= floor_f1);
}

/* --- setup --------------------------------------------------------------- */

static int open_pack(void **state)
{
    struct sor_msg msg = { "" };

    (void)state;
    if (!pack_open("domains/legal/", &pack, &msg))
        return 0;
    print_error("%s\n", msg.text);
    return -1;
}

static int close_pack(void **state)
{
    (void)state;
    pack_close(pack);
    return 0;
}

/* --- values in a claim --------------------------------------------------- */

static void a_text_is_one_value_and_nothing_else(void **state)
{
    static const struct {
        enum value_kind kind;
        const char *text, *norm;        /* NULL: it is none */
    } row[] = {
        { VALUE_LAW, "New York", "new york" },
        { VALUE_LAW, "the State of Delaware", "delaware" },
        { VALUE_LAW, "Delaware, and of nothing else", NULL },
        { VALUE_LAW, "[State]", NULL },
        { VALUE_PERIOD, "thirty (30) days", "P30D" },
        { VALUE_PERIOD, "2 years", "P2Y" },
        { VALUE_PERIOD, "2 years after delivery", NULL },
        { VALUE_PERIOD, "a while", NULL },
        { VALUE_DATE, "March 3, 2021", "2021-03-03" },
        { VALUE_AMOUNT, "$1,500,000", "USD 1500000.00" },
        { VALUE_AMOUNT, "$1.5 million", "USD 1500000.00" },
        { VALUE_PERCENT, "4.5%", "4.5%" },
        { VALUE_PERCENT, "2 years", NULL },
        { VALUE_PARTY, "Acme Ltd", NULL },
        { VALUE_PERIOD, "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char norm[VALUE_FORM] = "";
        int is = value_of(pack, row[i].kind, row[i].text, norm);

        if (is != !!row[i].norm)
            fail_msg("%s: %d", row[i].text, is);
        if (is)
            assert_string_equal(norm, row[i].norm);
    }
}

static void forms_are_one_thing_or_two_or_code_cannot_tell(void **state)
{
    static const struct {
        enum value_kind kind;
        const char *a, *b;
        int same;
    } row[] = {
        { VALUE_PERIOD, "P30D", "P30D", 1 },
        { VALUE_PERIOD, "P12M", "P1Y", 1 },
        { VALUE_PERIOD, "P2W", "P14D", 1 },
        { VALUE_PERIOD, "PT72H", "P3D", 1 },
        { VALUE_PERIOD, "PT90M", "PT1H", 0 },
        { VALUE_PERIOD, "P30D", "P31D", 0 },
        { VALUE_PERIOD, "P30D", "P1M", -1 },
        { VALUE_PERIOD, "P10BD", "P14D", -1 },
        { VALUE_PERIOD, "P10BD", "P10D", -1 },
        { VALUE_PERIOD, "P30D", "P1Y", 0 },
        { VALUE_PERIOD, "P3M", "P3Y", 0 },
        { VALUE_LAW, "new york", "new jersey", 0 },
        { VALUE_LAW, "england", "england and wales", -1 },
        { VALUE_AMOUNT, "USD 5.00", "USD 6.00", 0 },
        { VALUE_AMOUNT, "USD 5.00", "CAD 5.00", -1 },
        { VALUE_PERCENT, "5%", "5.5%", 0 },
        { VALUE_DATE, "2020-01-02", "2020-02-01", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        if (value_same(row[i].kind, row[i].a, row[i].b) != row[i].same ||
            value_same(row[i].kind, row[i].b, row[i].a) != row[i].same)
            fail_msg("%s and %s", row[i].a, row[i].b);
    for (int k = 0; k <= VALUE_PARTY; k++)
        assert_int_equal(value_kind_of(value_kind_name((enum value_kind)k)),
                         k);
    assert_int_equal(value_kind_of("statement"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions), cmocka_unit_test(exceptions),
        cmocka_unit_test(overrides),  cmocka_unit_test(definitions),
        cmocka_unit_test(uses),       cmocka_unit_test(targets),
        cmocka_unit_test(endless_norms),
        cmocka_unit_test(a_text_is_one_value_and_nothing_else),
        cmocka_unit_test(forms_are_one_thing_or_two_or_code_cannot_tell),
        cmocka_unit_test(norms),      cmocka_unit_test(norm_parts),
        cmocka_unit_test(values),     cmocka_unit_test(parties),
        cmocka_unit_test(hostile),    cmocka_unit_test(nothing),
        cmocka_unit_test(no_memory),  cmocka_unit_test(annotated),
    };

    return cmocka_run_group_tests(tests, open_pack, close_pack);
}
