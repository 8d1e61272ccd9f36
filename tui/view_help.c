/* tui/view_help.c - the keys of the view below, from the tables that the keys
 * themselves go by. */
#include <string.h>

#include "tui/state.h"
#include "tui/view.h"

enum { KEYS_COLUMN = 22 };

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "help");
}

/* What k does, and every key that does it. */
static void key_line(const struct key_def *k, struct doc *d)
{
    struct pen p = doc_line(d, 2, ROLE_ACCENT);
    const char *help = k->help;
    char name[16];

    do {
        keys_name(k->key, name, sizeof name);
        pen_str(&p, name);
        pen_gap(&p, 1);
        k++;
    } while (k->cmd && !k->help);
    pen_to(&p, KEYS_COLUMN);
    p.style = ROLE_TEXT;
    pen_str(&p, help);
}

/* One line per thing to do, but opening where that does nothing.  under: the
 * view that they are pressed in; NULL: none. */
static void keymap(const struct keymap *m, const struct view *under,
                   struct doc *d)
{
    if (!m)
        return;
    doc_head(d, m->title);
    for (const struct key_def *k = m->def; k->cmd; k++)
        if (k->help && (k->cmd != CMD_OPEN || !under || view_opens(under)))
            key_line(k, d);
}

static void commands(struct doc *d)
{
    doc_head(d, "Commands, after a colon");
    for (const struct prompt_command *c = prompt_commands; c->name; c++) {
        struct pen p = doc_line(d, 2, ROLE_ACCENT);
        pen_fmt(&p, ":%s", c->name);
        p.style = ROLE_TEXT;
        if (c->operand[0])
            pen_fmt(&p, " %s", c->operand);
        pen_gap(&p, 2);
        pen_to(&p, KEYS_COLUMN * 2);
        p.style = ROLE_DIM;
        pen_str(&p, c->help);
    }
}

static void body(struct view *v, struct doc *d)
{
    const struct view *under = tui_under(v->t);

    if (under) {
        struct pen p = doc_line(d, 0, ROLE_STRONG);
        pen_fmt(&p, "%s", under->ops->name);
        p.style = ROLE_TEXT;
        pen_fmt(&p, ": %s", under->ops->what);
        keymap(under->ops->keys, NULL, d);
    }
    keymap(&keys_common, under, d);
    keymap(&keys_move, NULL, d);
    keymap(&keys_prompt, NULL, d);
    commands(d);
    doc_head(d, "Views");
    for (int i = 0; views[i]; i++) {
        struct pen p = doc_line(d, 2, ROLE_ACCENT);
        pen_str(&p, views[i]->name);
        pen_to(&p, KEYS_COLUMN);
        p.style = ROLE_TEXT;
        pen_str(&p, views[i]->what);
    }
    doc_head(d, "Signs");
    doc_say(d, 2, ROLE_TEXT, "p is the probability the model gave a token; "
            "entropy, in nats, how unsure it was. Stronger text was less "
            "likely. Attention shows where a model looked, never why.");
}

const struct view_ops view_help = {
    .name = "help", .what = "keys and commands",
    .size = sizeof(struct view), .crumb = crumb, .body = body
};
