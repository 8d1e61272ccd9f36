#include "tests/cookbook.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/price.h"
#include "db/review.h"
#include "tests/mkdb.h"

int cookbook_read(const char *page, struct cookbook *to)
{
    FILE *f = fopen(page, "r");
    char line[400];
    int n = 0, in_sql = 0;

    if (!f)
        return -1;
    while (n >= 0 && fgets(line, sizeof line, f)) {
        struct cookbook *c = &to[n ? n - 1 : 0];

        if (strncmp(line, "### ", 4) == 0) {
            if (n == COOKBOOK_MAX) {
                n = -1;
                break;
            }
            c = &to[n++];
            snprintf(c->title, sizeof c->title, "%.*s",
                     (int)strcspn(line + 4, "\n"), line + 4);
            c->sql[0] = '\0';
        } else if (n && !c->sql[0] && strcmp(line, "```sql\n") == 0) {
            in_sql = 1;
        } else if (strcmp(line, "```\n") == 0) {
            in_sql = 0;
        } else if (in_sql && strlen(c->sql) + strlen(line) < sizeof c->sql) {
            strcat(c->sql, line);
        } else if (in_sql) {
            n = -1;
        }
    }
    fclose(f);
    return n;
}

static const char contract[] = "1. Use. The Recipient shall not disclose.";
enum { LENGTH = sizeof contract - 1 };

/* A review that found one thing: its verdict failed a contrast, and a person
 * corrected it. */
struct reviewed { int64_t run, clause, claim, finding; };

static enum sor_err put(struct db_writer *w, const struct reviewed *x,
                        enum db_review_table table, const void *row,
                        int64_t *id, struct sor_msg *msg)
{
    return db_put_review_row(w, table, x->run, row, id, msg);
}

static enum sor_err put_document(struct db_writer *w, struct reviewed *x,
                                 struct sor_msg *msg)
{
    static const uint8_t sum[32] = { 7 };
    struct db_put_run run = { .uid = "c00cb00cc00cb00cc00cb00cc00cb00c",
        .kind = "review", .chat = "none", .route = "off", .kv_type = "f16",
        .isa = "ref", .level = "tokens", .program = "1", .params = "{}",
        .started_us = 5 };
    struct db_review review = { .same = { sum, 32 }, .domain = "legal",
        .pack_version = "1", .n_path = 8, .note = "preliminary" };
    struct db_document doc = { .name = "a.txt", .format = "text",
        .encoding = "UTF-8", .sha256 = { sum, 32 },
        .n_byte = LENGTH, .n_char = LENGTH,
        .text = contract };
    struct db_clause clause = { .kind = "numbered", .parent = -1,
        .number = "1", .full_number = "1", .heading = "Use",
        .char_to = LENGTH, .own_to = LENGTH, .text_from = 8,
        .text_to = LENGTH, .page = -1 };
    enum sor_err err;

    if ((err = db_put_text(w, "review", 6, &run.prompt_id, msg)) ||
        (err = db_put_run(w, &run, &x->run, msg)) ||
        (err = put(w, x, DB_REVIEW, &review, NULL, msg)) ||
        (err = put(w, x, DB_DOCUMENT, &doc, NULL, msg)))
        return err;
    return put(w, x, DB_CLAUSE, &clause, &x->clause, msg);
}

static enum sor_err put_verdict(struct db_writer *w, struct reviewed *x,
                                struct sor_msg *msg)
{
    struct db_claim claim = { .name = "nda-4", .kind = "statement",
        .title = "Secrecy", .text = "The Recipient must keep it secret.",
        .n_given = 10, .n_wrong = 1, .wrong_low = 0.02, .wrong_high = 0.4 };
    struct db_verdict verdict = { .verdict = "needs_review",
        .confidence = 0.8, .p = { 0.8, 0.1, 0.1 }, .stability = 1,
        .n_count = 8, .error_correlation = NAN };
    struct db_check check = { .kind = "negation", .passed = 0,
        .input = "The Recipient need not keep it secret.",
        .note = "supported too", .p = { 0.7, 0.2, 0.1 } };
    struct db_finding finding = { .source = "claim", .severity = 2,
        .origin = "scored", .text = "Secrecy: needs review.", .char_from = 8,
        .char_to = 20, .confidence = 0.8 };
    struct db_decision decision = { .choice = "correct",
        .verdict = "supported", .name = "Ann", .reason = "It says so.",
        .at_us = 9 };
    enum sor_err err = put(w, x, DB_CLAIM, &claim, &x->claim, msg);

    verdict.claim_id = check.claim_id = finding.claim_id = x->claim;
    check.clause_id = finding.clause_id = x->clause;
    if (err || (err = put(w, x, DB_VERDICT, &verdict, NULL, msg)) ||
        (err = put(w, x, DB_CHECK, &check, NULL, msg)) ||
        (err = put(w, x, DB_FINDING, &finding, &x->finding, msg)))
        return err;
    decision.finding_id = x->finding;
    return put(w, x, DB_DECISION, &decision, NULL, msg);
}

static enum sor_err put_review(const char *path, struct sor_msg *msg)
{
    struct db_writer *w = NULL;
    struct reviewed x = { 0 };
    enum sor_err err = db_writer_open(path, NULL, &w, msg);

    if (!err && !(err = db_begin(w, 0, msg)) &&
        !(err = put_document(w, &x, msg)) && !(err = put_verdict(w, &x, msg)))
        err = db_commit(w, NULL, msg);
    db_writer_close(w);
    return err;
}

/* What routing saved on path 1, and the price of two of its tokens. */
static enum sor_err put_prices(const char *path, struct sor_msg *msg)
{
    static const struct db_work_unit unit = { 12288, 384, 8192, 256, 3e6, 3e7,
                                              9e7 };
    static const struct db_work work = { .n_row = 100, .layer_rows = 600,
        .n_head = 100, .n_pass = 100, .blocks_read = 4000, .compared = 900,
        .blocks_full = 9000 };
    struct db_audit audit = { .run_id = 1, .rate = 0.02, .n_routed = 90,
        .n_audited = 2, .exact = 1, .isa = "ref", .program = "1" };
    struct db_price price = { .path_id = 1, .pos = 40, .mode = "sparse",
        .n_layer = 6, .kl_local = 0.01, .kl_total = 0.02, .rank = 2,
        .rank_local = 1, .rank_total = 1, .logprob = -1, .logprob_local = -1,
        .logprob_total = -1, .blocks_read = 20, .blocks_full = 54 };
    struct db_writer *w = NULL;
    int64_t id = 0;
    enum sor_err err = db_writer_open(path, NULL, &w, msg);

    if (!err && !(err = db_begin(w, 1, msg)) &&
        !(err = db_put_work_unit(w, 1, &unit, msg)) &&
        !(err = db_put_work(w, 1, "answer", &work, msg)))
        err = db_put_audit(w, &audit, &id, msg);
    for (; price.pos < 50 && !err; price.pos += 5)
        err = db_put_price(w, id, &price, msg);
    if (!err)
        err = db_commit(w, NULL, msg);
    db_writer_close(w);
    return err;
}

enum sor_err cookbook_db(const char *path, int n_run, int n_token,
                         struct sor_msg *msg)
{
    struct mkdb_opts asked = { .n_run = 2, .n_token = n_token, .heads = 1 };
    struct mkdb_opts rest = { .n_run = n_run - 2, .first = 2,
                              .n_token = n_token, .every = 10,
                              .unfinished = 1 };
    enum sor_err err = mkdb(path, &asked, msg);

    err = err ? err : mkdb(path, &rest, msg);
    err = err ? err : put_prices(path, msg);
    return err ? err : put_review(path, msg);
}
