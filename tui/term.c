/* tui/term.c - the terminal: the only file that includes curses.h.
 *
 * The grid is given to curses whole; curses sends what changed.  Signals that
 * end the program put the terminal back first.  SIGINT, SIGTERM and SIGHUP
 * set a flag and the loop leaves in good order; for what comes from a fault
 * (SIGABRT, SIGSEGV ...) only write() and tcsetattr() may be called, so the
 * bytes that undo everything are made ready at the start. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/base64.h"
#include "tui/app.h"

enum { PAIRS_MAX = 250, UNDO_BYTES = 256, ESCAPE_MS = 25 };

static volatile sig_atomic_t stopped, interrupted;
static struct termios before;
static char undo[UNDO_BYTES];
static size_t undo_len;

/* ---- signals -------------------------------------------------------------- */

static void on_stop(int sig)
{
    if (sig == SIGINT)
        interrupted = 1;
    else
        stopped = 1;
}

static void on_fault(int sig)
{
    ssize_t sent = write(STDOUT_FILENO, undo, undo_len);

    (void)sent;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void undo_add(const char *s)
{
    size_t n = s && s != (char *)-1 ? strlen(s) : 0;

    if (n > 0 && undo_len + n < UNDO_BYTES) {
        memcpy(undo + undo_len, s, n);
        undo_len += n;
    }
}

static void catch_signals(void)
{
    static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
    static const int faults[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                  SIGQUIT };
    struct sigaction sa = { 0 };

    undo_add("\033[?1000l\033[?1002l\033[?1006l");      /* the mouse */
    undo_add(tigetstr("sgr0"));
    undo_add(tigetstr("cnorm"));
    undo_add(tigetstr("rmkx"));
    undo_add(tigetstr("rmcup"));
    sigemptyset(&sa.sa_mask);
    sa.sa_handler = on_stop;            /* no SA_RESTART: waiting must end */
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        sigaction(stops[i], &sa, NULL);
    sa.sa_handler = on_fault;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigaction(faults[i], &sa, NULL);
}

/* ---- out ------------------------------------------------------------------ */

/* A curses pair for two colours, made when first asked for. */
static short pair_of(int fg, int bg)
{
    static short made[PAIRS_MAX][2];
    static short n;

    for (short i = 0; i < n; i++)
        if (made[i][0] == fg && made[i][1] == bg)
            return (short)(i + 1);
    if (n == PAIRS_MAX || n + 1 >= COLOR_PAIRS)
        return 0;
    made[n][0] = (short)fg;
    made[n][1] = (short)bg;
    init_pair((short)(n + 1), (short)fg, (short)bg);
    return ++n;
}

static void set_look(const struct theme *theme, unsigned style)
{
    struct ink i = theme_ink(theme, style);
    attr_t attr = A_NORMAL;

    attr |= i.attr & CELL_BOLD ? A_BOLD : A_NORMAL;
    attr |= i.attr & CELL_UNDER ? A_UNDERLINE : A_NORMAL;
    attr |= i.attr & CELL_REVERSE ? A_REVERSE : A_NORMAL;
    attr_set(attr, theme->colors ? pair_of(i.fg, i.bg) : 0, NULL);
}

static void show(struct tui *t, const struct grid *g)
{
    const struct theme *theme = tui_theme(t);
    int row, col;

    if (tui_repaint(t))
        clear();
    for (row = 0; row < g->rows; row++)
        for (col = 0; col < g->cols; col++) {
            const struct cell *c = grid_at(g, row, col);
            if (c->width == 0)
                continue;
            set_look(theme, c->style);
            mvaddstr(row, col, c->ch);
        }
    curs_set(tui_cursor(t, &row, &col));
    move(row < 0 ? g->rows - 1 : row, row < 0 ? g->cols - 1 : col);
    refresh();
}

static void send(const char *s, size_t n)
{
    for (ssize_t sent; n > 0; s += sent, n -= (size_t)sent) {
        sent = write(STDOUT_FILENO, s, n);
        if (sent < 0 && errno == EINTR)
            sent = 0;
        else if (sent < 0)
            return;
    }
}

/* Text for the clipboard, in base64: no byte of it can be obeyed.
 * Source: XTerm Control Sequences, operating system commands, Ps = 5 2. */
static void send_copy(struct tui *t)
{
    const char *text = tui_copied(t);
    struct str s;

    if (!text)
        return;
    str_init(&s);
    str_puts(&s, "\033]52;c;");
    base64_put(&s, text, strlen(text));
    str_puts(&s, "\a");
    if (str_ok(&s))
        send(s.p, s.len);
    str_release(&s);
}

/* ---- in ------------------------------------------------------------------- */

static const struct { int curses, key; } keys[] = {
    { KEY_UP, TK_UP },          { KEY_DOWN, TK_DOWN },
    { KEY_LEFT, TK_LEFT },      { KEY_RIGHT, TK_RIGHT },
    { KEY_PPAGE, TK_PGUP },     { KEY_NPAGE, TK_PGDN },
    { KEY_HOME, TK_HOME },      { KEY_END, TK_END },
    { KEY_BACKSPACE, TK_BACKSPACE }, { KEY_ENTER, TK_ENTER },
    { KEY_F(1), TK_F1 },        { KEY_RESIZE, TK_RESIZE },
};

static struct tui_event mouse_event(void)
{
    MEVENT m;

    if (getmouse(&m) != OK)
        return (struct tui_event){ TK_NONE, 0, 0 };
    return (struct tui_event){
        m.bstate & BUTTON4_PRESSED ? TK_WHEEL_UP
      : m.bstate & BUTTON5_PRESSED ? TK_WHEEL_DOWN
      : m.bstate & BUTTON1_DOUBLE_CLICKED ? TK_DOUBLE
      : m.bstate & (BUTTON1_CLICKED | BUTTON1_PRESSED) ? TK_CLICK : TK_NONE,
        m.y, m.x };
}

/* Waits at most ms for a key; TK_NONE where none came. */
static struct tui_event wait_key(int ms)
{
    struct tui_event ev = { TK_NONE, 0, 0 };
    wint_t ch;
    int got;

    timeout(ms);
    got = get_wch(&ch);
    if (interrupted) {                  /* C-c: the key of that name */
        interrupted = 0;
        ev.key = 3;
    } else if (got == OK) {
        ev.key = ch == '\n' ? TK_ENTER : ch == 127 || ch == 8 ? TK_BACKSPACE
                                                              : (int)ch;
    } else if (got == KEY_CODE_YES && ch == KEY_MOUSE) {
        ev = mouse_event();
    } else if (got == KEY_CODE_YES) {
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (keys[i].curses == (int)ch)
                ev.key = keys[i].key;
    } else if (!isatty(STDIN_FILENO)) {
        stopped = 1;                    /* the terminal has gone */
    }
    return ev;
}

static void set_mouse(const struct tui *t)
{
    static int on = -1;

    if (on == tui_mouse(t))
        return;
    on = tui_mouse(t);
    mousemask(on ? BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED |
                   BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

/* ---- the loop ------------------------------------------------------------- */

static enum sor_err loop(struct tui *t, struct sor_msg *msg)
{
    struct grid g;
    enum sor_err err = grid_init(&g, LINES, COLS);
    int redraw = 1;

    while (!err && !stopped && !tui_done(t)) {
        struct tui_event ev;
        if (redraw && (g.rows != LINES || g.cols != COLS))
            err = grid_resize(&g, LINES, COLS);
        if (redraw && !err) {
            set_mouse(t);
            tui_draw(t, &g);
            show(t, &g);
            send_copy(t);
        }
        ev = wait_key(tui_wait_ms(t));
        redraw = ev.key != TK_NONE;
        if (redraw)
            tui_key(t, ev);
        else
            redraw = tui_idle(t);
        if (tui_wants_edit(t)) {
            def_prog_mode();
            endwin();
            tui_edit_now(t);
            reset_prog_mode();
        }
    }
    grid_release(&g);
    return err ? sor_fail(msg, err, "out of memory for the screen") : SOR_OK;
}

/* 0: the terminal is known to have no way to put its cursor somewhere.  One
 * that is not known at all is newterm()'s to refuse. */
static int can_place(void)
{
    int known;

    if (setupterm(NULL, STDOUT_FILENO, &known) != OK)
        return 1;
    const char *cup = tigetstr("cup");
    int can = cup && cup != (const char *)-1;
    del_curterm(cur_term);
    return can;
}

static void start(void)
{
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    mouseinterval(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    catch_signals();
}

enum sor_err tui_run(struct db *d, const struct tui_opts *o,
                     struct sor_msg *msg)
{
    struct tui *t = NULL;
    struct tui_opts opts = *o;
    enum sor_err err;

    opts.clipboard = 1;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &before))
        return sor_fail(msg, SOR_USAGE, "this needs a terminal; without one, "
                        "use --keys FILE --dump FILE");
    setlocale(LC_CTYPE, "");
    if (!can_place())
        return sor_fail(msg, SOR_UNSUP, "a terminal of type TERM=%s cannot "
                        "place its cursor; there, \"sorites runs\" and "
                        "\"sorites replay RUN\" show the same in lines",
                        getenv("TERM") ? getenv("TERM") : "");
    if (!newterm(NULL, stdout, stdin))
        return sor_fail(msg, SOR_UNSUP, "the terminal type TERM=%s is unknown",
                        getenv("TERM") ? getenv("TERM") : "");
    start();
    if (!opts.theme)
        opts.colors = has_colors() ? COLORS : -1;
    err = tui_open(d, &opts, &t, msg);
    if (!err)
        err = loop(t, msg);
    tui_close(t);
    endwin();
    return !err && stopped ? sor_fail(msg, SOR_INTERRUPTED, "stopped") : err;
}

const char *tui_curses_version(void)
{
    return curses_version();
}
