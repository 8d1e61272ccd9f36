#include "tests/mkreview.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/review.h"
#include "db/write.h"

static const char text[] =
    "1. Term. This Agreement ends after two years.\n"
    "2. Return. The Recipient shall return all papers; see Section 9.\n"
    "(a) Copies. It may keep one copy. caf\xc3\xa9\n";
static const char hostile[] = "\x1b[31mred\x1b]0;t\x07 \xe2\x80\xae"
                              "drow \xff";
static const uint8_t sum[32] = { 7 };

/* What is put where; the first error ends it all. */
struct maker {
    struct db_writer *w;
    struct sor_msg *msg;
    int64_t run, clause[3];
    int hostile;
    enum sor_err err;
};

static int64_t put(struct maker *m, enum db_review_table table,
                   const void *row)
{
    int64_t id = 0;

    if (!m->err)
        m->err = db_put_review_row(m->w, table, m->run, row, &id, m->msg);
    return id;
}

static const char *said(const struct maker *m, const char *words)
{
    return m->hostile ? hostile : words;
}

/* The place of `words` in the text, in code points (the text is ASCII up to
 * its last word). */
static int at(const char *words)
{
    return (int)(strstr(text, words) - text);
}

static int64_t put_clause(struct maker *m, int ordinal, int parent,
                          const char *number, const int span[2])
{
    return put(m, DB_CLAUSE, &(struct db_clause){ .ordinal = ordinal,
        .parent = parent, .depth = parent >= 0, .kind = "numbered",
        .number = number, .full_number = number, .char_from = span[0],
        .char_to = span[1], .own_to = span[1], .text_from = span[0],
        .text_to = span[1], .page = -1 });
}

static void put_document(struct maker *m)
{
    int end = (int)sizeof text - 3;

    put(m, DB_REVIEW, &(struct db_review){ .same = { sum, 32 },
        .domain = "legal", .pack_version = "1", .n_path = 2,
        .note = "Preliminary findings, for a lawyer's decision." });
    put(m, DB_DOCUMENT, &(struct db_document){ .name = "a.txt",
        .format = "text", .encoding = "UTF-8", .sha256 = { sum, 32 },
        .n_byte = sizeof text - 1, .n_char = sizeof text - 2, .text = text });
    m->clause[0] = put_clause(m, 0, -1, "1",
                              (int[2]){ at("1. Term"), at("2. Return") - 1 });
    m->clause[1] = put_clause(m, 1, -1, "2", (int[2]){ at("2. Return"), end });
    m->clause[2] = put_clause(m, 2, 1, "2(a)",
                              (int[2]){ at("(a) Copies"), end });
}

static void put_path(struct maker *m, int64_t claim, int ordinal,
                     const char *variant, const char *verdict)
{
    struct db_put_path p = { .run_id = m->run, .ordinal = ordinal,
                             .kind = "score", .params = "{}" };
    int64_t id = 0;

    if (!m->err)
        m->err = db_put_path(m->w, &p, &id, m->msg);
    put(m, DB_CLAIM_PATH, &(struct db_claim_path){ .claim_id = claim,
        .path_id = id, .variant = variant, .counts = 1, .statement = "It may "
        "keep copies.", .verdict = verdict, .p = { 0.9, 0.05, 0.05 } });
}

/* A clause struck out, after which the claim is not addressed. */
static void put_knockout(struct maker *m, int64_t claim, int clause,
                         const char *input, const char *note)
{
    put(m, DB_CHECK, &(struct db_check){ .claim_id = claim,
        .clause_id = m->clause[clause], .passed = 1, .ordinal = 2,
        .kind = "knockout", .input = input, .note = note,
        .p = { 0.05, 0.04, 0.91 } });
}

/* The clause 2(a) struck out, a negated claim, a swapped party. */
static void put_checks(struct maker *m, int64_t claim)
{
    put(m, DB_CHECK, &(struct db_check){ .claim_id = claim, .passed = 1,
        .kind = "negation", .input = "It may keep no copy.",
        .p = { NAN, NAN, NAN } });
    put_knockout(m, claim, 2, "clause 2(a) struck out",
                 "sole basis: without it, not addressed (0.910)");
    put(m, DB_CHECK, &(struct db_check){ .claim_id = claim, .passed = 0,
        .ordinal = 1, .kind = "swap", .note = "The other party too.",
        .p = { NAN, NAN, NAN } });
}

static void put_claims(struct maker *m)
{
    int from = at("It may");
    int64_t c = put(m, DB_CLAIM, &(struct db_claim){ .name = "nda-17",
        .kind = "statement", .title = "Copies", .text = "It may keep copies.",
        .n_given = 100, .n_wrong = 8, .wrong_low = 0.04, .wrong_high = 0.15 });

    put_path(m, c, 0, "plain", "supported");
    put_path(m, c, 1, "paraphrase", "not_addressed");
    put(m, DB_VERDICT, &(struct db_verdict){ .claim_id = c,
        .verdict = "supported", .confidence = 0.93, .p = { 0.9, 0.05, 0.05 },
        .stability = 0.5, .n_count = 2, .error_correlation = NAN,
        .flip = "Striking clause 2(a) would." });
    put(m, DB_EVIDENCE, &(struct db_evidence){ .claim_id = c,
        .clause_id = m->clause[2], .char_from = from, .char_to = from + 21,
        .page = -1, .relation = "supports", .score = 0.97,
        .status = "located" });
    put_checks(m, c);
    put(m, DB_CLAIM, &(struct db_claim){ .ordinal = 1, .name = "mine",
        .kind = "statement", .text = said(m, "It rains."), .custom = 1 });
    put(m, DB_FINDING, &(struct db_finding){ .source = "claim",
        .ordinal = 1, .claim_id = c, .severity = 1, .origin = "scored",
        .text = said(m, "One copy may be kept."), .clause_id = m->clause[2],
        .char_from = from, .char_to = from + 21, .confidence = 0.93 });
}

/* Section 9 is referred to and does not exist; Ann thinks it does. */
static void put_defect(struct maker *m)
{
    int from = at("Section 9");
    int64_t d = put(m, DB_DEFECT, &(struct db_defect){
        .kind = "dangling_reference", .note = "There is no Section 9.",
        .char_from = from, .char_to = from + 9,
        .related_from = at("1. Term"), .related_to = at("1. Term") + 7 });
    int64_t f = put(m, DB_FINDING, &(struct db_finding){ .source = "defect",
        .defect_id = d, .severity = 3, .origin = "rule",
        .text = said(m, "Section 9 does not exist."),
        .clause_id = m->clause[1], .char_from = from, .char_to = from + 9,
        .confidence = NAN });

    put(m, DB_DECISION, &(struct db_decision){ .finding_id = f,
        .choice = "reject", .name = said(m, "Ann"),
        .reason = said(m, "It is in the annex."), .at_us = 5 });
}

static void put_logic(struct maker *m)
{
    int64_t term = put(m, DB_TERM, &(struct db_term){ .name = "Papers",
        .clause_id = m->clause[1], .char_from = at("papers"),
        .char_to = at("papers") + 6, .n_def = 1, .n_use = 1 });

    put(m, DB_LOGIC, &(struct db_logic){ .kind = "refers_to",
        .src_kind = "clause", .src_id = m->clause[1], .dst_kind = "clause",
        .dst_id = m->clause[0], .char_from = at("see Section"),
        .char_to = at("see Section") + 13, .score = 1, .measured = "rule" });
    put(m, DB_LOGIC, &(struct db_logic){ .kind = "uses",
        .src_kind = "clause", .src_id = m->clause[1], .dst_kind = "term",
        .dst_id = term, .char_from = -1, .char_to = -1, .score = 1,
        .measured = "rule" });
}

/* Claim nda-2, nda-3 ..: each less sure, more often wrong, more severe than
 * the one before; in the order of their clauses backwards. */
static void put_more(struct maker *m, int k)
{
    static const char *const verdicts[] = { "supported", "contradicted",
                                            "not_addressed" };
    char name[16], words[40];
    int64_t c;

    snprintf(name, sizeof name, "nda-%d", k + 2);
    snprintf(words, sizeof words, "Of claim %d.", k + 2);
    c = put(m, DB_CLAIM, &(struct db_claim){ .ordinal = k + 2, .name = name,
        .kind = "statement", .text = words, .n_given = 100, .n_wrong = 9 + k,
        .wrong_low = 0.01, .wrong_high = 0.5 });
    put_path(m, c, k + 2, "plain", verdicts[k % 3]);
    put(m, DB_VERDICT, &(struct db_verdict){ .claim_id = c,
        .verdict = verdicts[k % 3], .confidence = 0.9 - 0.05 * k,
        .p = { 0.9, 0.05, 0.05 }, .stability = 1, .n_count = 1,
        .error_correlation = NAN });
    if (k == 2)
        put_knockout(m, c, 1, "clause 2 struck out", "sole basis");
    put(m, DB_FINDING, &(struct db_finding){ .source = "claim",
        .ordinal = k + 2, .claim_id = c, .severity = 0, .origin = "scored",
        .text = words, .clause_id = m->clause[2 - k % 3],
        .confidence = 0.9 - 0.05 * k });
}

static int64_t put_open_claim(struct maker *m, const char *name, int ordinal,
                              const struct db_verdict *v)
{
    struct db_verdict row = *v;

    row.claim_id = put(m, DB_CLAIM, &(struct db_claim){ .ordinal = ordinal,
        .name = name, .kind = "statement", .text = name });
    row.confidence = row.error_correlation = NAN;
    put(m, DB_VERDICT, &row);
    return row.claim_id;
}

static void put_ranked(struct maker *m, int64_t claim, int rank, double score)
{
    put(m, DB_EVIDENCE, &(struct db_evidence){ .claim_id = claim,
        .rank = rank, .clause_id = m->clause[rank], .char_from = rank,
        .char_to = rank + 3, .page = -1, .relation = "unrelated",
        .score = score, .status = "located" });
}

static void put_open(struct maker *m)
{
    struct db_verdict unsure = { .verdict = "needs_review",
        .p = { 0.2, 0.08, 0.72 }, .stability = 1, .n_count = 1 };
    struct db_verdict none = { .verdict = "not_measured",
        .p = { NAN, NAN, NAN }, .stability = NAN };
    int64_t c = put_open_claim(m, "unsure", 100, &unsure);

    put_path(m, c, 100, "plain", "not_addressed");
    put_path(m, c, 101, "subset", "supported");
    put_knockout(m, c, 1, "clause 2 struck out", "sole basis");
    c = put_open_claim(m, "ranked", 101, &none);
    put_ranked(m, c, 0, 0.9);
    put_ranked(m, c, 1, 0.01);
    put_ranked(m, put_open_claim(m, "silent", 102, &none), 0, 0.001);
}

enum sor_err mkreview(const char *path, const struct mkreview_opts *o,
                      struct sor_msg *msg)
{
    struct db_put_run r = { .uid = "5eed0123456789abcdef0123456789ab",
                            .kind = "review", .chat = "none", .route = "off",
                            .kv_type = "f16", .isa = "ref", .level = "tokens",
                            .program = "1", .params = "{}", .started_us = 5 };
    struct maker m = { .msg = msg, .hostile = o->hostile };

    m.err = db_writer_open(path, &(struct db_writer_opts){ 0 }, &m.w, msg);
    if (!m.err)
        m.err = db_begin(m.w, 0, msg);
    if (!m.err)
        m.err = db_put_text(m.w, "a.txt", 5, &r.prompt_id, msg);
    if (!m.err)
        m.err = db_put_run(m.w, &r, &m.run, msg);
    put_document(&m);
    put_defect(&m);
    put_claims(&m);
    put_logic(&m);
    for (int k = 0; k < o->n_more; k++)
        put_more(&m, k);
    if (o->open)
        put_open(&m);
    if (!m.err)
        m.err = db_commit(m.w, NULL, msg);
    db_writer_close(m.w);
    return m.err;
}
