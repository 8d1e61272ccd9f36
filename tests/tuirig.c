#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tuirig.h"

struct tuirig ui;
const struct tuirig_size sizes[TUIRIG_SIZES] = { { 80, 24 }, { 120, 40 },
                                                 { 200, 60 } };

const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s.db", ui.dir, name);
    return path;
}

void make(const char *name, const struct mkdb_opts *o)
{
    struct sor_msg msg = { "" };

    if (mkdb(path_of(name), o, &msg))
        fail_msg("%s", msg.text);
}

int tuirig_setup(void **state)
{
    (void)state;
    if (mkdb_dir(ui.dir))
        return -1;
    make("plain", &(struct mkdb_opts){ .n_token = 40, .heads = 1 });
    make("none", &(struct mkdb_opts){ .n_run = -1 });
    make("many", &(struct mkdb_opts){ .n_run = 150, .n_path = 1, .every = -1 });
    make("hostile", &(struct mkdb_opts){ .n_run = 1, .hostile = 1 });
    str_init(&ui.screen);
    return grid_init(&ui.g, 24, 80) != SOR_OK;
}

int tuirig_teardown(void **state)
{
    (void)state;
    mkdb_dir_remove(ui.dir);
    str_release(&ui.screen);
    grid_release(&ui.g);
    return 0;
}

void close_tui(void)
{
    tui_close(ui.tui);
    db_close(ui.db);
    ui.tui = NULL;
    ui.db = NULL;
}

int tuirig_after(void **state)
{
    (void)state;
    close_tui();
    ui.opts = (struct tui_opts){ 0 };
    return 0;
}

int tuirig_fast(void)
{
    const char *s = getenv("SORITES_FAST");

    return s && *s;
}

void take(void)
{
    str_clear(&ui.screen);
    grid_dump(&ui.g, &ui.screen);
}

void play(const char *script)
{
    struct sor_msg msg = { "" };

    if (tui_play(ui.tui, script, &ui.g, &msg))
        fail_msg("%s", msg.text);
    take();
}

void browse(const char *name, int cols, int rows, const char *script)
{
    struct sor_msg msg = { "" };

    close_tui();
    snprintf(ui.name, sizeof ui.name, "%s", path_of(name));
    if (!ui.opts.db_name)
        ui.opts.db_name = ui.name;
    if (db_open(path_of(name), &ui.db, &msg) ||
        tui_open(ui.db, &ui.opts, &ui.tui, &msg))
        fail_msg("%s", msg.text);
    assert_int_equal(grid_resize(&ui.g, rows, cols), SOR_OK);
    play(script);
}

int has_line(const char *words)
{
    for (const char *line = ui.screen.p; *line;) {
        size_t n = strcspn(line, "\n");
        const char *at = line, *w = words;
        while (*w) {
            size_t k = strcspn(w, " ");
            while (at + k <= line + n && memcmp(at, w, k) != 0)
                at++;
            if (at + k > line + n)
                break;
            at += k;
            w += k + strspn(w + k, " ");
        }
        if (!*w)
            return 1;
        line += n + (line[n] == '\n');
    }
    return 0;
}
