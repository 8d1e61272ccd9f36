/* tui/view_decisions.c - who decided what about which finding, newest first,
 * and what that overrode. */
#include <stdio.h>
#include <string.h>

#include "tui/reviewed.h"
#include "tui/table.h"

enum { C_WHEN, C_WHO, C_NO, C_CHOICE, C_WAS, C_NOW, C_WHY, C_FINDING };

static const struct col cols[] = {
    { "When", 16, 0, 90 },           { "Who", 12, COL_FLEX, 0 },
    { "Finding", 7, COL_RIGHT, 0 },  { "Decision", 8, 0, 0 },
    { "Verdict", 13, 0, 0 },         { "Overridden by", 13, 0, 0 },
    { "Why", 0, COL_FLEX, 0 },       { NULL, 0, 0, 0 }
};
static const unsigned char kinds[] = {
    TABLE_DIM, TABLE_STRONG, TABLE_ACCENT, TABLE_TEXT, TABLE_DIM, TABLE_STRONG,
    TABLE_TEXT, TABLE_TEXT };
static const struct table_spec spec = {
    .sql = "SELECT replace(substr(d.at, 1, 16), 'T', ' '), d.name, d.finding, "
           "d.choice, c.verdict, CASE d.choice WHEN 'correct' THEN "
           "coalesce(d.verdict, 'none') WHEN 'reject' THEN 'rejected' END, "
           "d.reason, f.text FROM v_decision d "
           "JOIN v_finding f ON f.run_id = d.run_id AND f.ordinal = d.finding "
           "LEFT JOIN v_claim c ON c.run_id = d.run_id AND c.name = f.claim "
           "WHERE d.run_id = %ld ORDER BY d.id DESC",
    .kind = kinds };

static enum sor_err decisions_open(struct view *v, struct sor_msg *msg)
{
    return table_open(v, &spec, msg);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "decisions");
}

static void detail(struct view *v, struct doc *d)
{
    const struct reply *r = &((const struct table *)v)->rows;
    int row = table_here(v);

    doc_text(d, 0, ROLE_STRONG, reply_text(r, row, C_FINDING),
             strlen(reply_text(r, row, C_FINDING)));
    doc_goes(d, &view_findings, addr_item(v->at.run_id,
                                          (int)reply_int(r, row, C_NO)));
    doc_gap(d);
    doc_fact(d, "decided by", "%s, %s UTC", reply_null(r, row, C_WHO)
             ? "(no name was given)" : reply_text(r, row, C_WHO),
             reply_text(r, row, C_WHEN));
    doc_fact(d, "decision", "%s", reply_text(r, row, C_CHOICE));
    if (!reply_null(r, row, C_WAS))
        doc_fact(d, "the program said", "%s",
                 reviewed_verdict(reply_text(r, row, C_WAS)));
    if (!reply_null(r, row, C_NOW))
        doc_fact(d, "overridden by", "%s",
                 reviewed_verdict(reply_text(r, row, C_NOW)));
    doc_fact(d, "why", "%s", reply_null(r, row, C_WHY) ? "(no reason was given)"
             : reply_text(r, row, C_WHY));
    doc_gap(d);
    doc_say(d, 0, ROLE_DIM, "Decisions are added, never changed: the newest "
            "counts.");
}

static void enter(struct view *v)
{
    const struct reply *r = &((const struct table *)v)->rows;

    tui_push(v->t, &view_findings,
             addr_item(v->at.run_id, (int)reply_int(r, table_here(v), C_NO)));
}

const struct view_ops view_decisions = {
    .name = "decisions", .what = "who decided what about which finding",
    .size = sizeof(struct table), .cols = cols,
    .empty = "Nobody has decided anything about this review yet.",
    .open = decisions_open, .close = table_close, .reload = table_reload,
    .crumb = crumb, .fetch = table_fetch, .cell = table_cell, .detail = detail,
    .enter = enter
};
