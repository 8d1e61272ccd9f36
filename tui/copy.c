#include "tui/copy.h"

#include <string.h>

#include "base/text.h"
#include "tui/state.h"

enum { SHOWN_BYTES = 48 };

static int is_bar(const struct grid *line)
{
    unsigned role = line->cell[0].style & 0xff;

    return role == ROLE_BAR || role == ROLE_TROUGH;
}

/* The row as it reads, nothing cut; 0: longer than what may be copied. */
static int row_words(struct view *v, int i, struct str *out)
{
    const struct col *c = v->ops->cols;
    struct grid line;
    int whole = 1;

    if (grid_init(&line, 1, COPY_BYTES)) {
        out->failed = 1;
        return 1;
    }
    for (int k = 0; c[k].head && whole; k++) {
        struct pen p = { &line, 0, 0, line.cols, ROLE_TEXT };
        size_t from = out->len;

        grid_clear(&line);
        v->ops->cell(v, i, k, &p);
        if (is_bar(&line))
            continue;                   /* it draws what another cell says */
        whole = pen_room(&p) > 0;
        if (from > 0)
            str_putc(out, '\t');
        grid_dump(&line, out);
        if (str_ok(out) && out->len > from)
            out->p[--out->len] = '\0';  /* its line end */
    }
    grid_release(&line);
    return whole;
}

/* 0: too long; else *out has it, and is empty where there is nothing. */
static int gather(struct view *v, struct str *out)
{
    int listed = v->ops->fetch && v->ops->cell && !v->on_detail;

    if (listed) {
        int i = list_here(v);

        return i < 0 || row_words(v, i, out);
    }
    doc_words(v->ops->body && !v->on_detail ? &v->text : &v->detail, out);
    return 1;
}

void copy_here(struct tui *t)
{
    struct str *s = &t->copied;
    char begin[SHOWN_BYTES];
    const char *first;
    int whole;

    str_clear(s);
    if (!t->o.clipboard) {
        tui_say(t, "Nothing is copied: this is no terminal.");
        return;
    }
    whole = gather(tui_top(t), s);
    if (!str_ok(s))
        tui_say(t, "Out of memory.");
    else if (s->len == 0 && whole)
        tui_say(t, "There is nothing here to copy.");
    else if (!whole || s->len > COPY_BYTES)
        tui_say(t, "Not copied: it is over %d KiB; :export FILE writes it.",
                COPY_BYTES / 1024);
    if (!str_ok(s) || !whole || s->len > COPY_BYTES)
        str_clear(s);
    if (s->len == 0)
        return;
    t->copying = 1;
    first = s->p + strspn(s->p, " \t\n");
    text_safe_fit(begin, sizeof begin, first, strcspn(first, "\n"), TEXT_TAB);
    tui_say(t, "Copied %zu characters: %s%s", utf8_count(s->p, s->len), begin,
            strlen(begin) < s->len ? " .." : "");
}

const char *tui_copied(struct tui *t)
{
    int was = t->copying;

    t->copying = 0;
    return was ? t->copied.p : NULL;
}
