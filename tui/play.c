/* tui/play.c - keys from a script instead of a terminal.
 *
 * Between blanks: the name of a key as help shows it (j, Enter, C-d, PgDn), a
 * "quoted text" whose characters are typed one by one (\" and \\ inside; so
 * "#" is the key of that name), resize:COLSxROWS, click:ROW,COL,
 * wheel:ROW,COL (down), wait:SECONDS,MS (until no job runs, at most), and
 * `# ...` to the end of the line.  The screen is drawn after every key, as a
 * terminal's would be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "tui/app.h"

enum { SIZE_MAX_PLAYED = 1000 };

struct player {
    struct tui *t;
    struct grid *g;
    struct sor_msg *msg;
    int line;
};

static void press(struct player *p, struct tui_event ev)
{
    if (tui_done(p->t))
        return;
    tui_key(p->t, ev);
    if (tui_done(p->t))
        return;
    if (tui_wants_edit(p->t))
        tui_edit_now(p->t);
    while (tui_wait_ms(p->t) == 0)
        tui_idle(p->t);                 /* a search, a filter: to its end */
    tui_draw(p->t, p->g);
}

/* Until nothing goes on in the background, ms at most. */
static void wait_for(struct player *p, int ms)
{
    struct timespec nap = { 0, 5 * 1000000 };

    for (; ms > 0 && !tui_done(p->t); ms -= 5) {
        tui_idle(p->t);
        if (!tui_busy(p->t))
            break;
        nanosleep(&nap, NULL);
    }
    tui_draw(p->t, p->g);
}

/* "NAME:a,b" or "NAME:axb". */
static int pair(const char *word, const char *name, int *a, int *b)
{
    size_t n = strlen(name);
    char *end;
    long x, y;

    if (strncmp(word, name, n) != 0)
        return 0;
    x = strtol(word + n, &end, 10);
    if (end == word + n || (*end != ',' && *end != 'x'))
        return 0;
    word = end + 1;
    y = strtol(word, &end, 10);
    if (end == word || *end || x < 0 || y < 0 || x > SIZE_MAX_PLAYED || y > SIZE_MAX_PLAYED)
        return 0;
    *a = (int)x;
    *b = (int)y;
    return 1;
}

static enum sor_err resize(struct player *p, int cols, int rows)
{
    if (grid_resize(p->g, rows, cols))
        return sor_fail(p->msg, SOR_NOMEM, "out of memory");
    press(p, (struct tui_event){ TK_RESIZE, 0, 0 });
    return SOR_OK;
}

static enum sor_err play_word(struct player *p, const char *word)
{
    int key = keys_parse(word, strlen(word)), a, b;

    if (key >= 0)
        press(p, (struct tui_event){ key, 0, 0 });
    else if (pair(word, "resize:", &a, &b))
        return resize(p, a, b);
    else if (pair(word, "click:", &a, &b))
        press(p, (struct tui_event){ TK_CLICK, a, b });
    else if (pair(word, "wait:", &a, &b))
        wait_for(p, a * 1000 + b);
    else if (pair(word, "wheel:", &a, &b))
        press(p, (struct tui_event){ TK_WHEEL_DOWN, a, b });
    else
        return sor_fail(p->msg, SOR_FORMAT, "line %d: there is no key \"%s\"",
                        p->line, word);
    return SOR_OK;
}

/* Types a quoted text; *s stands behind the opening quote. */
static enum sor_err play_text(struct player *p, const char **s)
{
    while (**s && **s != '"') {
        uint32_t cp;
        if (**s == '\\' && (*s)[1])
            ++*s;
        *s += utf8_next(*s, strlen(*s), &cp);
        press(p, (struct tui_event){ (int)cp, 0, 0 });
    }
    if (!**s)
        return sor_fail(p->msg, SOR_FORMAT, "line %d: a \" is not closed",
                        p->line);
    ++*s;
    return SOR_OK;
}

enum sor_err tui_play(struct tui *t, const char *script, struct grid *g,
                      struct sor_msg *msg)
{
    struct player p = { t, g, msg, 1 };
    enum sor_err err = SOR_OK;

    tui_draw(t, g);
    for (const char *s = script; *s && !err;) {
        char word[64];
        size_t n = strcspn(s, " \t\r\n");
        if (n == 0) {
            p.line += *s++ == '\n';
        } else if (*s == '#') {
            s += strcspn(s, "\n");
        } else if (*s == '"') {
            s++;
            err = play_text(&p, &s);
        } else {
            snprintf(word, sizeof word, "%.*s", (int)(n < 63 ? n : 63), s);
            err = play_word(&p, word);
            s += n;
        }
    }
    return err;
}
