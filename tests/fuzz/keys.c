/* Random keys in the browser, over a database with hostile text: runs of
 * paths, and a review.  At the end it says how many keys were played. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/mkdb.h"
#include "tests/mkreview.h"
#include "tui/app.h"

static char path[96];
static unsigned long long played;

static void say_played(void)
{
    fprintf(stderr, "stat::keys_played: %llu\n", played);
}

/* A size of the screen, from too small to large. */
static void resize(struct grid *g, uint8_t by)
{
    FUZZ_CHECK(!grid_resize(g, TUI_ROWS_MIN - 4 + by % 40,
                            TUI_COLS_MIN - 8 + by % 37 * 4));
}

static struct db *database(void)
{
    static struct db *d;
    struct mkdb_opts o = { .n_run = 3, .n_path = 3, .hostile = 1, .heads = 1 };
    struct mkreview_opts r = { .n_more = 5, .hostile = 1 };

    if (d)
        return d;
    atexit(say_played);
    snprintf(path, sizeof path, "%s/t.db", fuzz_dir());
    FUZZ_CHECK(!mkdb(path, &o, NULL) && !mkreview(path, &r, NULL) &&
               !db_open(path, &d, NULL));
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct tui_opts o = { .db_name = path, .readonly = 1, .clipboard = 1 };
    struct tui *t = NULL;
    struct grid g = { 0 };

    FUZZ_CHECK(!tui_open(database(), &o, &t, NULL));
    FUZZ_CHECK(!grid_init(&g, TUI_ROWS_MIN, TUI_COLS_MIN));
    for (size_t i = 0; i < n && !tui_done(t); i++) {
        struct tui_event ev = { .key = p[i] };

        if (p[i] >= 128)
            ev.key = TK_UP + p[i] % (TK_NONE - TK_UP + 1);
        if (ev.key == TK_RESIZE)
            resize(&g, i + 1 < n ? p[i + 1] : 0);
        tui_key(t, ev);
        played++;
        if (i % 4 == 0 && !tui_done(t)) {
            tui_idle(t);
            tui_draw(t, &g);
            tui_copied(t);
        }
    }
    tui_draw(t, &g);
    grid_release(&g);
    tui_close(t);
    return 0;
}
