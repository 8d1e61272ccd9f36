/* tui/prompt.c - what is typed at the bottom: searches and commands. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/export.h"
#include "tui/kept.h"
#include "tui/search.h"
#include "tui/state.h"

enum { TYPED_MAX = 400 };

static const struct key_def prompt_defs[] = {
    { TK_ENTER, CMD_OPEN, "do it", "do it" },
    { TK_ESC, CMD_CANCEL, "leave it", "leave" },
    { 3, CMD_CANCEL, NULL, NULL },
    { TK_BACKSPACE, CMD_BACK, "delete the last character", NULL },
    { 8, CMD_BACK, NULL, NULL },
    { 127, CMD_BACK, NULL, NULL },
    { 21, CMD_FIRST, "delete the line", NULL },
    { TK_UP, CMD_UP, "what was typed before", NULL },
    { TK_DOWN, CMD_DOWN, NULL, NULL },
    { 0, CMD_NONE, NULL, NULL }
};
const struct keymap keys_prompt = { "While typing", prompt_defs };

/* ---- searching ------------------------------------------------------------ */

static void set_needle(struct tui *t, const char *what)
{
    t->needle[text_safe_fit(t->needle, sizeof t->needle, what, strlen(what),
                            0)] = '\0';
}

static void search(struct tui *t, const char *what)
{
    struct view *v = tui_top(t);

    if (!*what)
        return;
    set_needle(t, what);
    if (v->ops->fetch && !v->on_detail)
        list_goto(v, t->origin);
    search_find(t, 0);
}

/* While a search is typed: what it marks is marked already, and a list goes to
 * the first row in sight that has it. */
static void search_typed(struct tui *t)
{
    set_needle(t, t->typed.p);
    search_in_sight(t);
}

/* ---- commands ------------------------------------------------------------- */

static void cmd_open(struct tui *t, const char *arg)
{
    struct db_addr at;
    struct sor_msg msg = { "" };

    if (db_find(t->db, arg, &at, &msg)) {
        tui_say(t, "%s", msg.text);
        return;
    }
    while (t->depth > 1)
        tui_pop(t);
    tui_push(t, &view_run, at);
    if (at.path >= 0) {
        tui_push(t, &view_paths, at);
        if (at.pos < 0)
            tui_push(t, &view_steps, at);
        if (at.pos >= 0 || at.step >= 0)
            tui_push(t, &view_tokens, at);
    }
}

static void cmd_theme(struct tui *t, const char *arg)
{
    const struct theme *theme = theme_find(arg);

    if (theme) {
        t->theme = theme;
        t->kept->n[KEPT_THEME] = 0;
        kept_add(t->kept, KEPT_THEME, arg);
    } else
        tui_say(t, "Themes: dark, light, basic, none.");
}

/* The rows that fit, in a list of their own (tui/view_matches.c). */
static void filter(struct tui *t, const char *what)
{
    struct view *v = tui_top(t);

    if (!*what)
        return;
    if (!v->ops->fetch || !v->ops->cell) {
        tui_say(t, "There are no rows here to filter.");
        return;
    }
    snprintf(t->query, sizeof t->query, "%s", what);
    tui_push(t, &view_matches, v->at);
}

static void cmd_sql(struct tui *t, const char *arg)
{
    snprintf(t->query, sizeof t->query, "%s", arg);
    tui_push(t, &view_sql, tui_top(t)->at);
}

static void cmd_export(struct tui *t, const char *arg)
{
    export_to(t, arg);
}

static void cmd_losses(struct tui *t, const char *arg)
{
    (void)arg;
    if (tui_top(t)->at.run_id > 0)
        tui_push(t, &view_losses, addr_run(tui_top(t)->at.run_id));
    else
        tui_say(t, "Open a run first.");
}

static void cmd_help(struct tui *t, const char *arg)
{
    (void)arg;
    tui_push(t, &view_help, tui_top(t)->at);
}

static void cmd_quit(struct tui *t, const char *arg)
{
    (void)arg;
    t->done = 1;
}

static void cmd_close(struct tui *t, const char *arg)
{
    (void)arg;
    tui_pop(t);
}

const struct prompt_command prompt_commands[] = {
    { "open", "RUN[:PATH[:STEP]|:PATH@POS]", "go there", cmd_open },
    { "theme", "dark|light|basic|none", "change the colours", cmd_theme },
    { "filter", "WORDS", "only the rows that fit: mode:full p<0.2 \"words\"",
      filter },
    { "sql", "QUERY", "a table of what it answers; reads only", cmd_sql },
    { "export", "FILE", "this screen: .txt .svg; its rows: .csv; the run: .dot "
      ".pdf .html", cmd_export },
    { "losses", "", "what the recorder lost of this run", cmd_losses },
    { "help", "", "keys and commands", cmd_help },
    { "q", "", "close this view", cmd_close },
    { "quit", "", "leave the browser", cmd_quit },
    { NULL, NULL, NULL, NULL }
};

static void command(struct tui *t, const char *line)
{
    const char *name = line + strspn(line, " ");
    size_t n = strcspn(name, " ");
    const char *arg = name + n + strspn(name + n, " ");

    if (!n)
        return;
    for (const struct prompt_command *c = prompt_commands; c->name; c++)
        if (strlen(c->name) == n && memcmp(c->name, name, n) == 0) {
            if (c->operand[0] && !*arg)
                tui_say(t, ":%s %s", c->name, c->operand);
            else
                c->run(t, arg);
            return;
        }
    tui_say(t, "There is no command :%.*s; :help lists them.",
            n > 40 ? 40 : (int)n, name);
}

/* ---- typing --------------------------------------------------------------- */

void prompt_begin(struct tui *t, char kind)
{
    t->prompt = kind;
    t->recall = 0;
    t->origin = tui_top(t)->list.cur;
    str_clear(&t->typed);
}

void tui_ask(struct tui *t, const struct tui_ask *ask)
{
    if (!tui_acts(t) && !ask->looks) {
        tui_say(t, "This browser only looks: it was started read-only.");
        return;
    }
    prompt_begin(t, '?');
    t->ask = *ask;
    str_puts(&t->typed, ask->given ? ask->given : "");
}

/* What was typed before, one line further back or on; NULL: there is none. */
static const char *recalled(struct tui *t, int by)
{
    enum kept_kind kind = t->prompt == '/' ? KEPT_SEARCH
                        : t->prompt == '&' ? KEPT_FILTER : KEPT_COMMAND;
    int n = t->kept->n[kind], at = t->recall + by;

    if (t->prompt == '?' || at < 0 || at > n)
        return NULL;
    t->recall = at;
    return at ? t->kept->line[kind][n - at] : "";
}

static void backspace(struct str *s)
{
    while (s->len && ((unsigned char)s->p[s->len - 1] & 0xc0) == 0x80)
        s->len--;
    if (s->len)
        s->len--;
    s->p[s->len] = '\0';
}

static void finish(struct tui *t)
{
    char kind = t->prompt;
    char line[TYPED_MAX + 8];

    snprintf(line, sizeof line, "%s", t->typed.p);
    t->prompt = 0;
    if (kind == '/') {
        kept_add(t->kept, KEPT_SEARCH, line);
        search(t, line);
    } else if (kind == '&') {
        kept_add(t->kept, KEPT_FILTER, line);
        filter(t, line);
    } else if (kind == '?') {
        t->ask.done(tui_top(t), t->ask.about, line);
    } else {
        kept_add(t->kept, KEPT_COMMAND, line);
        command(t, line);
    }
}

static void leave(struct tui *t)
{
    if (t->prompt == '/') {
        t->needle[0] = '\0';
        list_goto(tui_top(t), t->origin);
    }
    t->prompt = 0;
}

void prompt_key(struct tui *t, int key)
{
    char ch[4];
    const char *line;

    switch (keys_find(&keys_prompt, key)) {
    case CMD_UP:
    case CMD_DOWN:
        line = recalled(t, keys_find(&keys_prompt, key) == CMD_UP ? 1 : -1);
        if (line) {
            str_clear(&t->typed);
            str_puts(&t->typed, line);
        }
        return;
    case CMD_OPEN:
        finish(t);
        return;
    case CMD_CANCEL:
        leave(t);
        return;
    case CMD_BACK:
        if (!t->typed.len) {
            leave(t);
            return;
        }
        backspace(&t->typed);
        break;
    case CMD_FIRST:
        str_clear(&t->typed);
        return;
    default:
        if (key >= ' ' && key < TK_UP && !text_hidden((uint32_t)key) &&
            t->typed.len < TYPED_MAX)
            str_put(&t->typed, ch, utf8_put((uint32_t)key, ch));
    }
    if (t->prompt == '/')
        search_typed(t);
}
