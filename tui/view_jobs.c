/* tui/view_jobs.c - what was started from this browser, and what it said. */
#include <stdio.h>
#include <string.h>

#include "tui/job.h"
#include "tui/state.h"

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "what it recorded, beside the run that it is about",
      "open" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Jobs", defs };

static const struct col cols[] = {
    { "Job", 0, COL_FLEX, 0 }, { "State", 10, 0, 0 },
    { "Recorded", 9, 0, 0 }, { NULL, 0, 0, 0 }
};

static const struct { const char *word; unsigned role; } states[] = {
    [JOB_WAITS] = { "waits", ROLE_DIM },
    [JOB_RUNS] = { "runs", ROLE_ACCENT },
    [JOB_DONE] = { "done", ROLE_GOOD },
    [JOB_NEGATIVE] = { "negative", ROLE_WARN },
    [JOB_FAILED] = { "failed", ROLE_BAD },
    [JOB_CANCELLED] = { "cancelled", ROLE_DIM },
};

/* Newest first. */
static const struct job *job_of(const struct view *v, int i)
{
    return job_at(v->t, job_count(v->t) - 1 - i);
}

static int fetch(struct view *v, int64_t from, int n)
{
    v->list.n = job_count(v->t);
    return list_part(v->list.n, from, n);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "jobs");
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct job *j = job_of(v, (int)v->list.from + i);

    if (col == 0) {
        pen_line(p, j->title, strlen(j->title));
    } else if (col == 1) {
        p->style = states[j->state].role;
        pen_str(p, states[j->state].word);
    } else {
        p->style = ROLE_ACCENT;
        pen_line(p, j->made, strlen(j->made));
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct job *j = job_of(v, (int)v->list.cur);

    doc_text(d, 0, ROLE_STRONG, j->title, strlen(j->title));
    doc_gap(d);
    if (j->said.len)
        for (const char *s = j->said.p; *s; ) {
            size_t n = strcspn(s, "\n");
            struct pen p = doc_line(d, 0, ROLE_TEXT);

            pen_put(&p, s, n);
            s += n + (s[n] == '\n');
        }
    if (j->state == JOB_RUNS && j->line[0])
        doc_text(d, 0, ROLE_ACCENT, j->line, strlen(j->line));
}

static void enter(struct view *v)
{
    const struct job *j = job_of(v, (int)v->list.cur);
    struct sor_msg msg = { "" };
    struct db_addr at = addr_run(j->run_id);

    if (!j->made[0]) {
        tui_push(v->t, &view_run, at);
    } else if (db_find(tui_db(v->t), j->made, &at, &msg)) {
        tui_say(v->t, "%s", msg.text);
    } else {
        at.step_id = j->run_id;
        tui_push(v->t, &view_diff, at);
    }
}

const struct view_ops view_jobs = {
    .name = "jobs", .what = "what was started here, and what it said",
    .size = sizeof(struct view), .keys = &keys, .cols = cols,
    .empty = "Nothing was started here yet.\nUpper-case keys start things: "
             "L lens, A ablate, B branch off, P prove by replay.",
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter
};
