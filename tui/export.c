#include "tui/export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tui/filter.h"
#include "tui/fmt.h"
#include "tui/job.h"
#include "tui/state.h"

enum { ROWS_MAX = 100000, LINE_COLS = 600 };

/* A new file only. */
static int write_new(const char *path, const struct str *s)
{
    FILE *f = fopen(path, "wx");
    int bad;

    if (!f)
        return -1;
    bad = fwrite(s->p, 1, s->len, f) != s->len;
    bad |= fclose(f) != 0;
    return bad ? -1 : 0;
}

static void screen(struct tui *t, int picture, struct str *out)
{
    struct grid g;

    if (grid_init(&g, t->rows, t->cols)) {
        out->failed = 1;
        return;
    }
    tui_draw(t, &g);
    if (picture)
        cell_svg(&g, t->theme, out);
    else
        grid_dump(&g, out);
    grid_release(&g);
}

/* RFC 4180: in quotes, a quote doubled. */
static void value(struct str *out, const char *s, int first)
{
    str_puts(out, first ? "\"" : ",\"");
    for (; *s; s++)
        str_puts(out, *s == '"' ? "\"\"" : (const char[2]){ *s, '\0' });
    str_putc(out, '"');
}

/* All rows of the list, as they read; returns how many. */
static int64_t table(struct view *v, struct str *out)
{
    const struct col *c = v->ops->cols;
    char cell[FILTER_COLS][FILTER_WORD];
    int64_t n = 0;
    struct grid line;

    if (grid_init(&line, 1, LINE_COLS)) {
        out->failed = 1;
        return 0;
    }
    for (int k = 0; c[k].head; k++)
        value(out, c[k].head, k == 0);
    str_puts(out, "\r\n");
    for (int got = LIST_WINDOW; got == LIST_WINDOW && n < ROWS_MAX; n += got) {
        pool_clear(&v->pool);
        got = v->ops->fetch(v, n, LIST_WINDOW);
        for (int i = 0; i < got; i++) {
            int cols = filter_cells(v, i, &line, cell);
            for (int k = 0; k < cols; k++)
                value(out, cell[k], k == 0);
            str_puts(out, "\r\n");
        }
    }
    v->list.stale = 1;
    grid_release(&line);
    return n;
}

/* The whole run, by a command of its own. */
static void by_job(struct tui *t, const char *command, const char *path)
{
    struct view *v = tui_top(t);
    struct db_run run;
    char uid[40], title[64];

    if (v->at.run_id <= 0 || db_get_run(t->db, v->at.run_id, &run) != 1) {
        tui_say(t, "Open a run first.");
        return;
    }
    if (access(path, F_OK) == 0) {
        tui_say(t, "%s: File exists.", path);
        return;
    }
    snprintf(uid, sizeof uid, "%.32s", run.uid);
    db_rest(t->db);
    snprintf(title, sizeof title, "%s into %.40s", command, path);
    job_start(t, &(struct job_spec){ .title = title, .run_id = v->at.run_id,
        .word = (const char *const[]){ command, uid, "-o", path, NULL } });
}

void export_to(struct tui *t, const char *path)
{
    static const struct { const char *end, *command; } ends[] = {
        { ".dot", "graph" }, { ".pdf", "graph" }, { ".png", "graph" },
        { ".html", "report" }, { ".md", "report" }, { ".json", "report" },
        { ".docx", "report" } };
    const char *end = strrchr(path, '.') ? strrchr(path, '.') : "";
    struct view *v = tui_top(t);
    int csv = strcmp(end, ".csv") == 0;
    char rows[32] = "This screen is";
    struct str s;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(end, ends[i].end) == 0) {
            by_job(t, ends[i].command, path);
            return;
        }
    if (csv && !(v->ops->fetch && v->ops->cell)) {
        tui_say(t, "There are no rows here to write.");
        return;
    }
    str_init(&s);
    if (csv)
        snprintf(rows, sizeof rows, "%lld rows are",
                 (long long)table(v, &s));
    else
        screen(t, strcmp(end, ".svg") == 0, &s);
    if (!str_ok(&s))
        tui_say(t, "Out of memory.");
    else if (write_new(path, &s))
        tui_say(t, "%s: %s.", path, strerror(errno));
    else
        tui_say(t, "%s in %s.", rows, path);
    str_release(&s);
}
