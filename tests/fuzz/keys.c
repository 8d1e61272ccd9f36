/* Random keys in the browser, over a database with hostile text. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/mkdb.h"
#include "tui/app.h"

static char path[96];

static struct db *database(void)
{
    static struct db *d;
    struct mkdb_opts o = { .n_run = 3, .n_path = 3, .hostile = 1, .heads = 1 };

    if (d)
        return d;
    snprintf(path, sizeof path, "%s/t.db", fuzz_dir());
    FUZZ_CHECK(!mkdb(path, &o, NULL) && !db_open(path, &d, NULL));
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct tui_opts o = { .db_name = path, .readonly = 1 };
    struct tui *t = NULL;
    struct grid g = { 0 };

    FUZZ_CHECK(!tui_open(database(), &o, &t, NULL));
    FUZZ_CHECK(!grid_init(&g, TUI_ROWS_MIN, TUI_COLS_MIN));
    for (size_t i = 0; i < n && !tui_done(t); i++) {
        struct tui_event ev = { .key = p[i] };

        if (p[i] >= 128)
            ev.key = TK_UP + p[i] % (TK_NONE - TK_UP + 1);
        tui_key(t, ev);
        if (i % 4 == 0 && !tui_done(t)) {
            tui_idle(t);
            tui_draw(t, &g);
        }
    }
    tui_draw(t, &g);
    grid_release(&g);
    tui_close(t);
    return 0;
}
