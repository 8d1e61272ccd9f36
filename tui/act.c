#include "tui/act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "tui/job.h"
#include "tui/reviewed.h"
#include "tui/state.h"

enum { ADDRESS = 96, WORDS_MAX = 4096 };

/* RUN, RUN:PATH, RUN:PATH:STEP or RUN:PATH@POS, as the program takes it. */
static int address(struct tui *t, struct db_addr at, char out[ADDRESS])
{
    struct db_run run;
    int n;

    if (db_get_run(tui_db(t), at.run_id, &run) != 1) {
        tui_say(t, "That run is no longer there; r reads again.");
        return 0;
    }
    n = snprintf(out, ADDRESS, "%.32s", run.uid);
    db_rest(tui_db(t));
    if (at.path >= 0)
        n += snprintf(out + n, ADDRESS - (size_t)n, ":%d", at.path);
    if (at.path >= 0 && at.pos >= 0)
        snprintf(out + n, ADDRESS - (size_t)n, "@%d", at.pos);
    else if (at.path >= 0 && at.step >= 0)
        snprintf(out + n, ADDRESS - (size_t)n, ":%d", at.step);
    return 1;
}

/* "lens 3fa20000:0@40": as short as people name it. */
static void start(struct tui *t, struct db_addr at, const char *const *word,
                  const char *place)
{
    const char *tail = strchr(place, ':') ? strchr(place, ':') : "";
    char title[64];

    snprintf(title, sizeof title, "%s %.8s%s", word[0], place, tail);
    job_start(t, &(struct job_spec){ .title = title, .word = word,
                                     .run_id = at.run_id });
}

/* ---- experiments --------------------------------------------------------- */

/* A row of the model says what comes after it: what is asked of a token is
 * asked of the row before. */
static int row_before(struct tui *t, struct db_addr *at)
{
    if (at->pos < 1)
        tui_say(t, "No row of the model stands before the first token.");
    return at->pos-- >= 1;
}

static void lens(struct tui *t, struct db_addr at)
{
    char place[ADDRESS];

    if (at.pos >= 0 && !row_before(t, &at))
        return;
    if (address(t, at, place))
        start(t, at, (const char *const[]){ "lens", place, NULL }, place);
}

static void attend(struct tui *t, struct db_addr at)
{
    char place[ADDRESS];

    if (address(t, at, place))
        start(t, at, (const char *const[]){ "attention", "--rows", "all",
                                            place, NULL }, place);
}

/* Of a token every layer in turn; of a path every step, removed and all after
 * it computed again. */
static void ablate(struct tui *t, struct db_addr at)
{
    char place[ADDRESS];

    if (at.pos >= 0) {
        if (row_before(t, &at) && address(t, at, place))
            start(t, at, (const char *const[]){ "ablate", place, NULL }, place);
        return;
    }
    at.step = -1;
    if (address(t, at, place))
        start(t, at, (const char *const[]){ "ablate", "--recompute", "steps",
                                            place, NULL }, place);
}

static void replay(struct tui *t, struct db_addr at)
{
    char place[ADDRESS], path[16];

    snprintf(path, sizeof path, "%d", at.path);
    at.pos = at.step = -1;
    if (at.path >= 0) {
        struct db_addr run = addr_run(at.run_id);

        if (address(t, run, place))
            start(t, at, (const char *const[]){ "replay", "--verify", "--path",
                                                path, place, NULL }, place);
    } else if (address(t, at, place)) {
        start(t, at, (const char *const[]){ "replay", "--verify", place, NULL },
              place);
    }
}

/* ---- forks --------------------------------------------------------------- */

static void fork_with(struct view *v, struct db_addr at, const char *text)
{
    char place[ADDRESS];

    if (!address(v->t, at, place))
        return;
    if (*text)
        start(v->t, at, (const char *const[]){ "fork", place, "--text", text,
                                               NULL }, place);
    else
        start(v->t, at, (const char *const[]){ "fork", place, NULL }, place);
}

static void ask_fork(struct view *v, struct db_addr at)
{
    tui_ask(v->t, &(struct tui_ask){ .label = "branch off with these words "
            "(none: sample anew): ", .done = fork_with, .about = at });
}

/* The text of a step, in a file that the editor opens. */
static int write_step(struct tui *t, struct db_addr at, const char *path)
{
    struct db_window w = { at.step, 1, 0 };
    struct db_cur *c = db_steps(tui_db(t), at.path_id, w);
    struct db_step s;
    FILE *f = fopen(path, "w");
    int ok = f != NULL;

    if (f && db_step_next(c, &s) == 1 && s.ordinal == at.step && s.text)
        ok = fputs(s.text, f) >= 0;
    if (f)
        ok &= fclose(f) == 0;
    tui_end(t, c);
    return ok;
}

static void edited(struct view *v, struct db_addr at, const char *text)
{
    struct db_window w = { at.step, 1, 0 };
    struct db_cur *c = db_steps(tui_db(v->t), at.path_id, w);
    struct db_step s;
    int same = db_step_next(c, &s) == 1 && s.ordinal == at.step && s.text &&
               strcmp(s.text, text) == 0;

    tui_end(v->t, c);
    if (same || !*text)
        tui_say(v->t, "The step's text was left as it was: nothing to do.");
    else
        fork_with(v, at, text);
}

static void edit(struct view *v, struct db_addr at)
{
    struct tui_edit e = { .about = at, .done = edited };

    if (!tui_temp(v->t, "step.txt", e.path, sizeof e.path))
        return;
    at.pos = -1;
    e.about = at;
    if (write_step(v->t, at, e.path))
        tui_edit(v->t, &e);
    else
        tui_say(v->t, "%s: %s.", e.path, strerror(errno));
}

int act_at(struct view *v, enum tui_cmd c, struct db_addr at)
{
    switch (c) {
    case CMD_LENS:   lens(v->t, at); return 1;
    case CMD_ATTEND: attend(v->t, at); return 1;
    case CMD_ABLATE: ablate(v->t, at); return 1;
    case CMD_REPLAY: replay(v->t, at); return 1;
    case CMD_FORK:   ask_fork(v, at); return 1;
    case CMD_EDIT:   edit(v, at); return 1;
    default:         return 0;
    }
}

/* ---- decisions ----------------------------------------------------------- */

static void decide(struct view *v, struct db_addr about, const char *choice,
                   const char *verdict, const char *reason)
{
    char place[ADDRESS], finding[16], title[64];
    struct db_addr run = addr_run(about.run_id);
    const char *word[12];
    int n = 0;

    if (!address(v->t, run, place))
        return;
    snprintf(finding, sizeof finding, "%d", about.step);
    snprintf(title, sizeof title, "%s finding %s", choice, finding);
    word[n++] = "decide";
    word[n++] = place;
    word[n++] = finding;
    word[n++] = choice;
    word[n++] = "--wait";
    if (verdict) {
        word[n++] = "--verdict";
        word[n++] = verdict;
    }
    if (*reason) {
        word[n++] = "--reason";
        word[n++] = reason;
    }
    word[n] = NULL;
    job_start(v->t, &(struct job_spec){ .title = title, .word = word,
                                        .run_id = about.run_id });
}

static void accepted(struct view *v, struct db_addr about, const char *text)
{
    decide(v, about, "accept", NULL, text);
}

static void rejected(struct view *v, struct db_addr about, const char *text)
{
    decide(v, about, "reject", NULL, text);
}

/* "contradicted because ..": a verdict, by its first letters, then why. */
static void corrected(struct view *v, struct db_addr about, const char *text)
{
    static const char *const verdicts[] = { "supported", "contradicted",
                                            "not_addressed", "none" };
    size_t n = strcspn(text, " ");

    for (size_t i = 0; n > 0 && i < sizeof verdicts / sizeof *verdicts; i++)
        if (strncmp(verdicts[i], text, n) == 0) {
            decide(v, about, "correct", verdicts[i],
                   text + n + strspn(text + n, " "));
            return;
        }
    tui_say(v->t, "A verdict comes first: supported, contradicted, "
            "not_addressed or none.");
}

int act_decide(struct view *v, enum tui_cmd c, int finding)
{
    static const struct {
        enum tui_cmd cmd;
        const char *label;
        void (*done)(struct view *v, struct db_addr about, const char *text);
    } choice[] = {
        { CMD_ACCEPT, "accept; why (may be empty): ", accepted },
        { CMD_REJECT, "reject; why (may be empty): ", rejected },
        { CMD_CORRECT, "correct to supported, contradicted, not_addressed or "
                       "none; why: ", corrected },
    };

    for (size_t i = 0; i < sizeof choice / sizeof *choice; i++)
        if (choice[i].cmd == c) {
            tui_ask(v->t, &(struct tui_ask){ .label = choice[i].label,
                    .done = choice[i].done,
                    .about = addr_item(v->at.run_id, finding) });
            return 1;
        }
    return 0;
}

/* ---- striking a clause --------------------------------------------------- */

static int write_text(const char *path, const char *a, size_t na,
                      const char *b, size_t nb)
{
    FILE *f = fopen(path, "w");
    int ok = f && fwrite(a, 1, na, f) == na && fwrite(b, 1, nb, f) == nb;

    if (f)
        ok &= fclose(f) == 0;
    return ok;
}

/* [{"id":..,"text":..}]: the one claim, which keeps what was measured of it. */
static int write_claim(const char *path, const struct db_claim *c)
{
    struct str s;
    struct json j;
    int ok;

    str_init(&s);
    json_init(&j, &s);
    json_arr(&j);
    json_obj(&j);
    json_key(&j, "id");
    json_str(&j, c->name);
    json_key(&j, "text");
    json_str(&j, c->text ? c->text : "");
    json_end_obj(&j);
    json_end_arr(&j);
    ok = str_ok(&s) && write_text(path, s.p, s.len, "", 0);
    str_release(&s);
    return ok;
}

static const struct db_claim *named(const struct reviewed *r, const char *name)
{
    const struct db_claim *c = r->set[DB_CLAIM].row;

    for (int i = 0; i < r->set[DB_CLAIM].n; i++)
        if (strcmp(c[i].name, name) == 0)
            return &c[i];
    return NULL;
}

static void strike(struct view *v, const struct reviewed *r, const int cut[2],
                   const char *words, const struct db_claim *c)
{
    const struct db_review *how = r->set[DB_REVIEW].row;
    const char *text = r->doc->text;
    size_t n = strlen(text);
    size_t a = utf8_offset(text, n, (size_t)cut[0]);
    size_t b = a + utf8_offset(text + a, n - a, (size_t)(cut[1] - cut[0]));
    char doc[256], claim[256], title[64];

    if (!tui_temp(v->t, "struck.txt", doc, sizeof doc) ||
        !tui_temp(v->t, "claim.json", claim, sizeof claim))
        return;
    if (!write_text(doc, text, a, text + b, n - b) || !write_claim(claim, c)) {
        tui_say(v->t, "%s: %s.", doc, strerror(errno));
        return;
    }
    snprintf(title, sizeof title, "%s struck out, %s read again", words,
             c->name);
    job_start(v->t, &(struct job_spec){ .title = title,
        .word = (const char *const[]){ "review", "--domain", how->domain,
                                       "--claims", claim, "--wait", doc,
                                       NULL },
        .run_id = v->at.run_id,
        .remove = { doc, claim } });
}

void act_strike(struct view *v, int from, int to, const char *words,
                const char *claim)
{
    enum { WANTED = 1u << DB_REVIEW | 1u << DB_CLAIM };
    struct reviewed r = { 0 };
    struct sor_msg msg = { "" };
    const struct db_claim *c;

    if (reviewed_load(&r, tui_db(v->t), v->at.run_id, WANTED, &msg))
        tui_say(v->t, "%s", msg.text);
    else if (!r.doc || !r.doc->text || r.set[DB_REVIEW].n == 0)
        tui_say(v->t, "The document's text was forgotten.");
    else if (!(c = named(&r, claim)))
        tui_say(v->t, "There is no claim \"%s\" here.", claim);
    else
        strike(v, &r, (const int[2]){ from, to }, words, c);
    reviewed_release(&r);
}
