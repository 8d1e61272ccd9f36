/* Clauses: numbering of every usual kind, validated by sequence; what is no
 * clause; spans; passages; hostile texts. */
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
#include "base/str.h"
#include "review/clause.h"
#include "tests/slow.h"

#define LQ "\xE2\x80\x9C"
#define RQ "\xE2\x80\x9D"

static struct document *document(const char *text, size_t n)
{
    struct document *d = NULL;
    struct sor_msg msg = { { 0 } };

    if (document_from("doc", text, n, &d, &msg))
        fail_msg("%s", msg.text);
    return d;
}

static struct clauses *clauses(const struct document *d)
{
    struct clauses *c = NULL;
    struct sor_msg msg = { { 0 } };

    if (clauses_read(d, &c, &msg))
        fail_msg("%s", msg.text);
    return c;
}

/* "1 Term{1.1{(a);(b)}}", ...: numbers and headings; an unnumbered clause is
 * its first word in angle brackets; braces hold children. */
static void outline(const struct document *d, const struct clauses *c,
                    struct str *out)
{
    int depth = 0;

    for (int i = 0; i < c->n; i++) {
        const struct clause *k = &c->at[i];

        if (i && k->depth > depth)
            str_putc(out, '{');
        for (; depth > k->depth; depth--)
            str_putc(out, '}');
        if (i && (!out->len || out->p[out->len - 1] != '{'))
            str_putc(out, ';');
        depth = k->depth;
        if (k->number)
            str_puts(out, k->number);
        if (k->heading)
            str_printf(out, "%s%s", k->number ? " " : "", k->heading);
        if (!k->number && !k->heading)
            str_printf(out, "<%.*s>",
                       (int)strcspn(d->text + k->span.from, " \n,"),
                       d->text + k->span.from);
    }
    for (; depth > 0; depth--)
        str_putc(out, '}');
}

static void reads(const char *text, const char *want)
{
    struct document *d = document(text, strlen(text));
    struct clauses *c = clauses(d);
    struct str got;

    str_init(&got);
    outline(d, c, &got);
    if (strcmp(got.p, want) != 0)
        fail_msg("%s\nis read as %s\nnot      %s", text, got.p, want);
    str_release(&got);
    clauses_close(c);
    document_close(d);
}

/* --- numbers ------------------------------------------------------------- */

static void numbering_of_every_kind(void **state)
{
    static const struct { const char *text, *want; } cases[] = {
        { "1. Term. It lasts.\n1.1 One year.\n1.2 Or two.\n2. Law. English.",
          "1 Term{1.1;1.2};2 Law" },
        { "ARTICLE I\nDEFINITIONS\nSection 1.01. Terms. They mean.\n"
          "Section 1.02. More. They do.\nARTICLE II\nSALE\n"
          "Section 2.01. Price. It is paid.",
          "I DEFINITIONS{1.01 Terms;1.02 More};II SALE{2.01 Price}" },
        { "\xC2\xA7 1 Scope\nThis applies.\n\xC2\xA7 2 Term\nThat ends.",
          "1 Scope;2 Term" },
        { "1. Use.\n(a) The first;\n(i) in it; and\n(ii) more;\n(b) second.",
          "1 Use{(a){(i);(ii)};(b)}" },
        { "1) Use it.\na) once;\nb) twice.\n2) Stop it.", "1){a);b)};2)" },
        { "I. SCOPE\nAll of it.\nII. TERM\nA year.\nA. From now.\nB. To then.",
          "I SCOPE;II TERM{A;B}" },
        { "2.1 It is two.\n2.1.1 It is deep.\n2.1.2 So is this.\n2.2 And back.",
          "2.1{2.1.1;2.1.2};2.2" },
        { "1. Keep it:\n\xE2\x80\xA2 one thing;\n\xE2\x80\xA2 another.\n"
          "2. It goes.",
          "1{<\xE2\x80\xA2>;<\xE2\x80\xA2>};2" },
        { "9.0 RIGHTS\n9.1 Ours are ours.\n9.2 Yours are yours.\n10.0 LAW\n"
          "10.1 It is English.", "9.0 RIGHTS{9.1;9.2};10.0 LAW{10.1}" },
        { "## 1. Service\n\n1.1 Use. You may.\n\n## 2. Pay\n\n2.1 Fees. Due.",
          "1 Service{1.1 Use};2 Pay{2.1 Fees}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        reads(cases[i].text, cases[i].want);
}

static void a_short_line_after_a_number_is_a_heading(void **state)
{
    (void)state;
    reads("2. Use and care\n\n2.1 It is used.\n\n2.2 It is kept.\n\n"
          "3. No licence, no warranty\n3.1 There is none.\n\n"
          "4. Return of it, and destruction\n\nIt goes back.\n\n"
          "5. Subject to the following:\n(a) it ends;\n(b) it lasts.",
          "2 Use and care{2.1;2.2};3 No licence, no warranty{3.1};"
          "4 Return of it, and destruction;5{(a);(b)}");
    reads("1. Fee. It is paid.\n\n(a) It is one.\n\n"
          "(b) In the event of the end of the whole\n\n\n-4-\n\n\n"
          "Agreement it is two.\n\n(c) Each payment that the Termination\n\n\n"
          "-5-\n\n\nDate has made due stays due.",
          "1 Fee{(a);(b);(c)}");
    /* the items of a list are none */
    reads("1. Goods\n(a) Apples and pears\n(b) Nuts\n2. Price\nTen.",
          "1 Goods{(a);(b) Nuts};2 Price");
}

static void sequence_decides(void **state)
{
    static const struct { const char *text, *want; } cases[] = {
        /* (i) after (h) is a letter; before (ii) it is a number */
        { "1. X.\n(g) g;\n(h) h;\n(i) i;\n(j) j.",
          "1 X{(g);(h);(i);(j)}" },
        { "1. X.\n(a) a;\n(b) b;\n(c) c;\n(d) d;\n(e) e;\n(f) f;\n(g) g;\n"
          "(h) h;\n(i) i;\n(j) j.",
          "1 X{(a);(b);(c);(d);(e);(f);(g);(h);(i);(j)}" },
        { "1. X.\n(a) a;\n(b) b:\n(i) one;\n(ii) two;\n(c) c.",
          "1 X{(a);(b){(i);(ii)};(c)}" },
        /* a number in running text is none */
        { "1. Level. See Level 2. Further terms follow.\n2. Next. Here.",
          "1 Level;2 Next" },
        { "1. Days. Within ten (10) days or two (2) weeks it ends.\n"
          "2. End. Here.",
          "1 Days;2 End" },
        /* references are none */
        { "1. Ref. As in Section 1.2(a) and (b), clauses (a) and (b) above, "
          "or Article II.\n2. End. Here.", "1 Ref;2 End" },
        { "1. Wrap. This is as was said before in\n1.1 of the old one.",
          "1 Wrap{1.1}" },
        { "1. Wrap. This is as was said before in Section\n1.1 of the old.",
          "1 Wrap" },
        { "1. Ref. Seller shall (a) mend it, (b) replace it, or (c) if neither "
          "(a) nor (b) is done, take it back.\n2. End. Here.",
          "1 Ref{(a);(b);(c)};2 End" },
        /* a name may begin with a small letter */
        { "1. Care.\nA. iVillage takes care.\nB. So does the other.\n"
          "2. End. Here.", "1 Care{A;B};2 End" },
        /* what a list has passed is spoken of, not begun anew */
        { "8.1 Caps. Ten.\n8.2 Waiver. None.\n8.3 Exceptions. It is "
          "so. Section 8.1 (Caps) does not apply. Section 8.2 (Waiver) does "
          "not apply,\nSection 8.2 (Waiver) neither.\n8.4 More. Here.",
          "8.1 Caps;8.2 Waiver;8.3 Exceptions;8.4 More" },
        { "5. End\n5.1 Order. It is one.\n5.2 Effect. It ends.\n5.3 Rest.\n"
          "a. These stay: Section 1.4 (Data), Section 5.2 (Effect), Section "
          "5.3 (Rest), Section 6 (Care).\nb. These go.\n6. Care\nIt is due.",
          "5 End{5.1 Order;5.2 Effect;5.3 Rest{a;b}};6 Care" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        reads(cases[i].text, cases[i].want);
}

static void lists_run_into_sentences(void **state)
{
    (void)state;
    reads("1. Duty. The Recipient shall: (a) keep it; (b) use it if (i) asked "
          "or (ii) told; and (c) return it. It may (x) copy, (y) print and "
          "(z) read it.", "1 Duty{(a);(b){(i);(ii)};(c);(x);(y);(z)}");
}

static void text_without_line_breaks(void **state)
{
    (void)state;
    reads("LICENSE AGREEMENT This License Agreement is made by A and B. "
          "WHEREAS, A owns it; and WHEREAS, B wants it. NOW, THEREFORE, the "
          "parties agree as follows: 1. Grant; Scope. Section 1.1. Grant. A "
          "grants it under Section 1.2 hereof. Section 1.2. Scope. The world. "
          "2. Term. It lasts. IN WITNESS WHEREOF, they sign. A By: /s/ X",
          "<This>;<WHEREAS>;<WHEREAS>;<NOW>;1 Grant; Scope{1.1 Grant;"
          "1.2 Scope};2 Term");
}

/* --- what has no number -------------------------------------------------- */

static void paragraphs_headings_recitals(void **state)
{
    (void)state;
    reads("NON-DISCLOSURE AGREEMENT\n"
          "This Agreement is made between Acme Ltd and Bolt Ltd.\n"
          "RECITALS\n"
          "The parties wish to exchange some of their information.\n"
          "IT IS AGREED as follows:\n"
          "1. Definitions\n"
          "In this Agreement these words have these meanings:\n"
          LQ "Information" RQ " means everything that is disclosed.\n"
          LQ "Purpose" RQ " means the evaluation of a joint project.\n"
          "2. Secrecy\n"
          "The recipient shall keep all of the information secret.\n"
          "IN WITNESS WHEREOF the parties have signed.\n"
          "By: ______\nName: ______\nDate: ______",
          "<This>;RECITALS{<The>};<IT>;1 Definitions{<" LQ "Information" RQ
          ">;<" LQ "Purpose" RQ ">};2 Secrecy");
    reads("This Agreement is made between two parties that are named below.\n"
          "CONFIDENTIALITY. Each party shall keep it secret for ever.\n"
          "TERM. This Agreement shall last for two years from today.",
          "<This>;CONFIDENTIALITY;TERM");
}

static void exhibits_begin_anew(void **state)
{
    (void)state;
    reads("1. Sale. It is sold.\n2. Law. English, as in Exhibit A hereto.\n"
          "IN WITNESS WHEREOF, signed.\nBy: /s/ A\n\n"
          "EXHIBIT A\nPRICES\n1. First. Ten.\n2. Second. Twenty.\n\n"
          "Schedule 2: Places\nThe places are listed here for convenience.",
          "1 Sale;2 Law;A PRICES{1 First;2 Second};2 Places");
    /* in a line that was joined, the next in order */
    reads("1. Sale. It is sold.\n2. Goods. As listed in SCHEDULE B - Goods "
          "and in SCHEDULE A - List.\n\n"
          "SCHEDULE A - The List Oil Soap SCHEDULE B - Least Amounts Ten "
          "SCHEDULE D - Lost",
          "1 Sale;2 Goods;A The List Oil Soap;B Least Amounts Ten SCHEDULE D");
}

static void furniture_is_stepped_over(void **state)
{
    static const char text[] =
        "SUPPLY AGREEMENT\n\nTable of Contents\n\n1. Term ........ 2\n"
        "2. Price ........ 3\n3. Law ........ 4\n\n"
        "This Agreement is made between Acme Ltd and Bolt Ltd.\n\n"
        "1. Term. It lasts for a\n\n\n1\n\nAcme Confidential\n\n\n"
        "year from today.\n\n2. Price. Ten.\n\n\n2\n\nAcme Confidential\n\n\n"
        "3. Law. English. 3\n\nAcme Confidential\n\n\n";
    struct document *d = document(text, sizeof text - 1);
    struct clauses *c = clauses(d);
    int seen[FURNITURE_SIGNATURE + 1] = { 0 };

    (void)state;
    assert_int_equal(c->n, 4);
    assert_string_equal(c->at[1].number, "1");
    assert_memory_equal(d->text + c->at[1].span.to - 6, "today.", 6);
    assert_memory_equal(d->text + c->at[3].span.to - 8, "English.", 8);
    for (int i = 0; i < c->n_furniture; i++) {
        seen[c->furniture[i].kind]++;
        assert_true(i == 0 || c->furniture[i - 1].span.to <=
                              c->furniture[i].span.from);
    }
    assert_int_equal(seen[FURNITURE_TOC], 1);
    assert_true(seen[FURNITURE_FOOTER] + seen[FURNITURE_HEADER] >= 5);
    assert_true(seen[FURNITURE_TITLE] >= 1);
    clauses_close(c);
    document_close(d);
}

/* Two empty lines between paragraphs end no page, and provisions that begin
 * alike have no running head. */
static void empty_lines_are_no_pages(void **state)
{
    static const char *const gaps[] = { "\n", "\n\n", "\n\n\n", "\n\n\n\n\n" };
    static const char *const lines[] = {
        "2. Use. It is used.",
        "2.1 Recipient may disclose Confidential Information to its advisers "
        "who need it, if each of them is bound to keep it as secret as this.",
        "3. Others. Here they are.",
        "3.1 Recipient may disclose Confidential Information to its affiliates "
        "who need it, if each of them is bound to keep it as secret as this.",
        "3.2 Recipient may disclose Confidential Information to an authority "
        "which has asked for it, once it has told Discloser that it was asked.",
        "Recipient may disclose Confidential Information to its own Customers "
        "who have bought the System.",
        "4. Law. English.",
    };

    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        struct str s;

        str_init(&s);
        for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
            str_printf(&s, "%s%s", lines[k], gaps[i]);
        reads(s.p, "2 Use{2.1};3 Others{3.1;3.2{<Recipient>}};4 Law");
        str_release(&s);
    }
}

/* --- spans and looking up ------------------------------------------------ */

static void spans_hold_what_they_should(void **state)
{
    static const char text[] =
        "1. Duty. The Recipient shall (a) keep it or (b) return it. More.\n"
        "2. Term\nIt lasts.";
    struct document *d = document(text, sizeof text - 1);
    struct clauses *c = clauses(d);
    const struct clause *k = c->at;

    (void)state;
    assert_int_equal(c->n, 4);
    assert_string_equal(k[2].path, "1(b)");
    assert_int_equal(k[1].kind, CLAUSE_ITEM);
    /* the parent goes on after its list, whose last item has no point */
    assert_memory_equal(d->text + k[0].span.to - 5, "More.", 5);
    assert_memory_equal(d->text + k[2].span.from, "(b) return it",
                        k[2].span.to - k[2].span.from);
    assert_int_equal(k[0].own.to, strstr(text, " (a)") - text);
    assert_memory_equal(d->text + k[0].text.from, "The Recipient", 13);
    assert_memory_equal(d->text + k[3].text.from, "It lasts.", 9);

    const size_t more = (size_t)(strstr(text, "More") - text);
    assert_int_equal(clauses_holding(c, (struct span){ more, more + 4 }), 0);
    assert_int_equal(clauses_holding(c, (struct span){ k[2].span.from,
                                                       k[2].span.to }), 2);
    assert_int_equal(clauses_holding(c, (struct span){ k[1].span.from,
                                                       k[2].span.to }), 0);
    assert_int_equal(clauses_holding(c, (struct span){ 0, d->n_byte }), -1);
    clauses_close(c);
    document_close(d);
}

static void numbers_are_found_from_where_one_stands(void **state)
{
    static const char text[] =
        "1. One.\n(a) first;\n(b) second.\n2. Two.\n(a) third;\n(b) fourth.";
    struct document *d = document(text, sizeof text - 1);
    struct clauses *c = clauses(d);

    (void)state;
    assert_int_equal(c->n, 6);
    assert_int_equal(clauses_numbered(c, "2", 1), 3);
    assert_int_equal(clauses_numbered(c, "(b)", 1), 2);    /* a sibling */
    assert_int_equal(clauses_numbered(c, "(b)", 4), 5);
    assert_int_equal(clauses_numbered(c, "(b)", 3), 5);    /* a child */
    assert_int_equal(clauses_numbered(c, "1(b)", 5), 2);
    assert_int_equal(clauses_numbered(c, "3", 0), -1);
    assert_int_equal(clauses_numbered(c, "2(c)", -1), -1);
    clauses_close(c);
    document_close(d);
}

/* --- passages ------------------------------------------------------------ */

static void passages_are_short_and_whole(void **state)
{
    struct str s;

    (void)state;
    str_init(&s);
    str_puts(&s, "1. Long. ");
    for (int i = 0; i < 100; i++)
        str_puts(&s, "The parties agree on this sentence. ");
    str_puts(&s, "It has: (a) one; and (b) two. It has no more.\n"
                 "2. Short. Yes.\n3. ");
    for (int i = 0; i < 3000; i++)
        str_putc(&s, 'x');
    struct document *d = document(s.p, s.len);
    struct clauses *c = clauses(d);
    struct passages *p = NULL;
    assert_int_equal(passages_cut(d, c, 1000, &p, NULL), SOR_OK);
    assert_true(p->n >= 9);
    size_t covered = 0;
    for (int i = 0; i < p->n; i++) {
        const struct span own = c->at[p->at[i].clause].own;
        const struct span at = p->at[i].span;

        assert_true(at.from < at.to && at.to - at.from <= 1000);
        assert_true(at.from >= own.from);
        assert_true(at.to <= c->at[p->at[i].clause].span.to);
        assert_null(strchr(".,;:", d->text[at.from]));
        assert_false(d->text[at.from] == ' ' || d->text[at.to - 1] == ' ');
        if (p->at[i].clause == 0 && at.to < own.to)
            assert_true(d->text[at.to - 1] == '.' ||
                        d->text[at.to - 1] == ':');
        covered += at.to - at.from;
    }
    assert_true(covered > s.len * 9 / 10);
    passages_close(p);
    clauses_close(c);
    document_close(d);
    str_release(&s);
}

/* --- against the annotated documents ------------------------------------- */

/* Wanted and found spans of one document; they agree where they begin at one
 * place with one number, and overlap by half at least. */
struct score { int want, have, begin, overlap; };

static void compare(const struct document *d, const struct clauses *c,
                    const cJSON *gold, struct score *s)
{
    const cJSON *g;

    s->want += cJSON_GetArraySize(gold);
    s->have += c->n;
    cJSON_ArrayForEach(g, gold) {
        const cJSON *number = cJSON_GetObjectItem(g, "number");
        const double from = cJSON_GetObjectItem(g, "start")->valuedouble;
        const double to = cJSON_GetObjectItem(g, "end")->valuedouble;

        for (int i = 0; i < c->n; i++) {
            const struct clause *k = &c->at[i];
            const double end = (double)document_cp(d, k->span.to);

            if (document_cp(d, k->span.from) != (size_t)from ||
                (cJSON_IsString(number) ? !k->number ||
                 strcmp(number->valuestring, k->number) : k->number != NULL))
                continue;
            s->begin++;
            s->overlap += 2 * ((end < to ? end : to) - from) >=
                          (end > to ? end : to) - from;
            break;
        }
    }
}

static void annotated_documents_are_read_so(void **state)
{
    const char *shared = getenv("SORITES_SHARED");
    char path[4096], *line = NULL;
    struct score s = { 0 };
    size_t cap = 0;
    ssize_t n;

    (void)state;
    snprintf(path, sizeof path, "%s/gold/dev.jsonl",
             shared ? shared : "../shared");
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("no annotated documents at %s\n", path);
        skip();
    }
    while ((n = getline(&line, &cap, f)) > 0) {
        cJSON *row = NULL;

        assert_int_equal(json_parse(line, (size_t)n, path, &row, NULL),
                         SOR_OK);
        const char *text = cJSON_GetObjectItem(row, "text")->valuestring;
        struct document *d = document(text, strlen(text));
        struct clauses *c = clauses(d);
        compare(d, c, cJSON_GetObjectItem(row, "clauses"), &s);
        clauses_close(c);
        document_close(d);
        cJSON_Delete(row);
    }
    free(line);
    fclose(f);
    const double begin = 2.0 * s.begin / (s.want + s.have);
    const double overlap = 2.0 * s.overlap / (s.want + s.have);
    print_message("%d clauses, %d found: F1 by beginning %.3f, by overlap "
                  "%.3f\n", s.want, s.have, begin, overlap);
    assert_true(begin >= 0.97);
    assert_true(overlap >= 0.95);
}

/* --- hostile texts ------------------------------------------------------- */

/* Whatever the text, spans nest, are in order and are not empty. */
static void check(const struct clauses *c, size_t n)
{
    for (int i = 0; i < c->n; i++) {
        const struct clause *k = &c->at[i];

        assert_true(k->span.from < k->span.to && k->span.to <= n);
        assert_true(k->own.from == k->span.from && k->own.to <= k->span.to);
        assert_true(k->text.from >= k->own.from && k->text.to <= k->own.to);
        assert_true(k->text.from <= k->text.to);
        assert_true(k->parent < i);
        if (i)
            assert_true(c->at[i - 1].span.from <= k->span.from);
        if (k->parent >= 0) {
            assert_true(c->at[k->parent].span.from <= k->span.from);
            assert_true(c->at[k->parent].span.to >= k->span.to);
            assert_int_equal(k->depth, c->at[k->parent].depth + 1);
        }
    }
}

/* Reads n copies of a piece; in bounded time. */
static enum sor_err repeated(const char *piece, size_t bytes)
{
    const size_t len = strlen(piece);
    char *text = malloc(bytes + len);
    struct clauses *c = NULL;
    size_t n = 0;

    assert_non_null(text);
    for (; n < bytes; n += len)
        memcpy(text + n, piece, len);
    struct document *d = document(text, n);
    const uint64_t from_ns = clock_mono_ns();
    enum sor_err err = clauses_read(d, &c, NULL);
    const uint64_t ns = clock_mono_ns() - from_ns;
    if (!err)
        check(c, n);
    if (!slow() && ns > UINT64_C(12000) * n)  /* 4.8 s; usual: 0.2 us a byte */
        fail_msg("\"%s\" over and over took %.1f s", piece,
                 (double)ns / 1e9);
    clauses_close(c);
    document_close(d);
    free(text);
    return err;
}

static void hostile_texts_end_soon(void **state)
{
    static const char *const pieces[] = {
        "(a) ", "(i) x, ", "1. ", "1.1.1.1.1.1.1.1.1 ", "(", "\n", ". ",
        "A. B. C. ", "Section 1 ", "IN WITNESS ", "WHEREAS ", "1\n\n\n\n",
        "Table of Contents ", "x", "\xC2\xA0", "........ 1 ", "[signature ",
        " 12", "By: /s/ ", "RECITALS ", "(a) it (i) y, (ii) z, ",
        "(a)(b)(c)(i)", "\n(a) x\n(i) y\n(A) z\n1. v\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        enum sor_err err = repeated(pieces[i], 400000);

        assert_true(err == SOR_OK || err == SOR_LIMIT);
    }
    /* one line of 50 MB */
    assert_int_equal(repeated("The parties agree on all of this. ", 50000000),
                     SOR_OK);
}

static void too_many_clauses_are_a_limit(void **state)
{
    struct str s;
    struct clauses *c = NULL;
    struct sor_msg msg;

    (void)state;
    str_init(&s);
    for (int i = 1; i < 1000; i++)
        for (int j = 1; j < 30; j++)
            str_printf(&s, "%d.%d The party shall.\n", i, j);
    struct document *d = document(s.p, s.len);
    assert_int_equal(clauses_read(d, &c, &msg), SOR_LIMIT);
    assert_non_null(strstr(msg.text, "20000"));
    document_close(d);
    str_release(&s);
}

static void deep_nesting_is_cut_off(void **state)
{
    struct str s;

    (void)state;
    str_init(&s);
    for (int i = 0; i < 200; i++)
        str_printf(&s, "%s\n", i % 5 == 0 ? "1. x:" : i % 5 == 1 ? "(a) y:"
                   : i % 5 == 2 ? "(i) z:" : i % 5 == 3 ? "(A) v:" : "a) w:");
    struct document *d = document(s.p, s.len);
    struct clauses *c = clauses(d);
    check(c, d->n_byte);
    for (int i = 0; i < c->n; i++)
        assert_true(c->at[i].depth < 32);
    clauses_close(c);
    document_close(d);
    str_release(&s);
}

static void every_allocation_may_fail(void **state)
{
    static const char text[] =
        "NDA\nThis Agreement is made by A and B as of today.\n1. Term. It "
        "shall: (a) last; and (b) end.\nExhibit A\nIN WITNESS WHEREOF\n";
    struct document *d = document(text, sizeof text - 1);
    struct clauses *c = NULL;
    struct passages *p = NULL;
    enum sor_err err = SOR_NOMEM;

    (void)state;
    for (uint64_t n = 1; err; n++) {
        mem_fail_at(n);
        err = clauses_read(d, &c, NULL);
        mem_fail_at(0);
        assert_true(err == SOR_OK || err == SOR_NOMEM);
        assert_in_range(n, 1, 500);
    }
    err = SOR_NOMEM;
    for (uint64_t n = 1; err; n++) {
        mem_fail_at(n);
        err = passages_cut(d, c, 1000, &p, NULL);
        mem_fail_at(0);
        assert_true(err == SOR_OK || err == SOR_NOMEM);
    }
    passages_close(p);
    clauses_close(c);
    document_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbering_of_every_kind),
        cmocka_unit_test(a_short_line_after_a_number_is_a_heading),
        cmocka_unit_test(sequence_decides),
        cmocka_unit_test(lists_run_into_sentences),
        cmocka_unit_test(text_without_line_breaks),
        cmocka_unit_test(paragraphs_headings_recitals),
        cmocka_unit_test(exhibits_begin_anew),
        cmocka_unit_test(furniture_is_stepped_over),
        cmocka_unit_test(empty_lines_are_no_pages),
        cmocka_unit_test(spans_hold_what_they_should),
        cmocka_unit_test(numbers_are_found_from_where_one_stands),
        cmocka_unit_test(passages_are_short_and_whole),
        cmocka_unit_test(annotated_documents_are_read_so),
        cmocka_unit_test(hostile_texts_end_soon),
        cmocka_unit_test(too_many_clauses_are_a_limit),
        cmocka_unit_test(deep_nesting_is_cut_off),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("clause", tests, NULL, NULL);
}
