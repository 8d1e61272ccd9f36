/* cli/cmd_browse.c - the terminal browser, or a script of keys played to it
 * with the last screen written out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xdg.h"
#include "cli/accuracy.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "db/db.h"
#include "tui/app.h"

enum { SCRIPT_MAX = 1 << 20, SIDE_MAX = 1000 };

static struct {
    const char *keys, *dump, *dump_svg, *size;
    int readonly, no_mouse, theme;
} opt = { .size = "80x24" };

/* The words of --theme, in this order; auto is what the terminal can show. */
static const char *const theme_names[] = { NULL, "dark", "light", "basic",
                                           "none" };

static const struct opt_spec opts[] = {
    { 0, "readonly", NULL, OPT_FLAG, &opt.readonly,
      "only look: nothing that acts is offered", 0, 0 },
    { 0, "no-mouse", NULL, OPT_FLAG, &opt.no_mouse,
      "leave the mouse to the terminal", 0, 0 },
    { 0, "theme", "auto|dark|light|basic|none", OPT_WORD, &opt.theme,
      "colours", 0, 0 },
    { 0, "keys", "FILE", OPT_STR, &opt.keys,
      "play these keys, without a terminal", 0, 0 },
    { 0, "dump", "FILE", OPT_STR, &opt.dump,
      "then write the screen as text; - is stdout", 0, 0 },
    { 0, "dump-svg", "FILE", OPT_STR, &opt.dump_svg,
      "and as a picture", 0, 0 },
    { 0, "size", "COLSxROWS", OPT_STR, &opt.size,
      "of the screen played to (80x24)", 0, 0 },
    OPT_END
};

static const char text[] =
    "Opens the database with the runs in it, newest first. Enter goes deeper: "
    "run, paths, steps, tokens, layers; h goes back; ? lists the keys.\n"
    "\n"
    "--keys FILE holds names of keys between blanks (j Enter C-d PgDn / f o o "
    "Enter), \"quoted text\" typed key by key, resize:100x30, click:ROW,COL, "
    "and # comments. - is standard input.";

static enum sor_err parse_size(struct cli *cli, int *cols, int *rows)
{
    char *end;
    long c = strtol(opt.size, &end, 10), r = 0;

    if (*end == 'x')
        r = strtol(end + 1, &end, 10);
    if (*end || c < 1 || r < 1 || c > SIDE_MAX || r > SIDE_MAX)
        return sor_fail(&cli->msg, SOR_USAGE, "--size %s: two numbers up to "
                        "%d with an x between them", opt.size, SIDE_MAX);
    *cols = (int)c;
    *rows = (int)r;
    return SOR_OK;
}

static enum sor_err write_file(struct cli *cli, const char *path,
                               const struct str *s)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "w") : stdout;
    int bad = !f || !str_ok(s) || fwrite(s->p, 1, s->len, f) != s->len;

    if (f && f != stdout)
        bad |= fclose(f) != 0;
    return bad ? sor_fail(&cli->msg, SOR_IO, "%s: cannot be written", path)
               : SOR_OK;
}

static enum sor_err dump(struct cli *cli, const struct tui *t,
                         const struct grid *g)
{
    enum sor_err err = SOR_OK;
    struct str s;

    str_init(&s);
    if (opt.dump) {
        grid_dump(g, &s);
        err = write_file(cli, opt.dump, &s);
    }
    if (opt.dump_svg && !err) {
        str_clear(&s);
        cell_svg(g, tui_theme(t), &s);
        err = write_file(cli, opt.dump_svg, &s);
    }
    str_release(&s);
    return err;
}

/* No terminal at all: keys from a file, screen to a file. */
static enum sor_err play(struct cli *cli, struct db *d, struct tui_opts *o)
{
    struct str script;
    struct tui *t = NULL;
    struct grid g = { 0 };
    int cols = 0, rows = 0;
    enum sor_err err = parse_size(cli, &cols, &rows);

    str_init(&script);
    if (!err && opt.keys)
        err = input_slurp(opt.keys, SCRIPT_MAX, &script, &cli->msg);
    if (!err && grid_init(&g, rows, cols))
        err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory for the screen");
    if (!err)
        err = tui_open(d, o, &t, &cli->msg);
    if (!err)
        err = tui_play(t, script.p, &g, &cli->msg);
    if (!err)
        err = dump(cli, t, &g);
    tui_close(t);
    grid_release(&g);
    str_release(&script);
    return err;
}

/* What the browser finds by name: this program, for jobs, and the user's files.
 * A script of keys is played the same for everybody: without them. */
struct files { char program[1024]; struct str state, keys; };

static void files_find(struct files *f, struct tui_opts *o, int played)
{
    ssize_t n = readlink("/proc/self/exe", f->program, sizeof f->program - 1);
    struct sor_msg msg;

    str_init(&f->state);
    str_init(&f->keys);
    if (n > 0) {
        f->program[n] = '\0';
        o->program = f->program;
    }
    if (played)
        return;
    if (!xdg_path(XDG_STATE, "browse", &f->state, &msg))
        o->state = f->state.p;
    if (!xdg_path(XDG_CONFIG, "keys", &f->keys, &msg))
        o->keys = f->keys.p;
}

static void files_release(struct files *f)
{
    str_release(&f->state);
    str_release(&f->keys);
}

static enum sor_err run(struct cli *cli)
{
    const char *path = cli->argc ? cli->argv[0] : cli_db(cli);
    int played = opt.keys || opt.dump || opt.dump_svg;
    struct tui_opts o = { .db_name = path, .no_mouse = opt.no_mouse,
                          .readonly = opt.readonly, .model = cli->model,
                          .accuracy = accuracy_known };
    struct db *d = NULL;
    enum sor_err err = db_open(path, &d, &cli->msg);
    struct files f;

    files_find(&f, &o, played);
    o.ascii = played ? cli->no_unicode : !cli_unicode(cli);
    if (opt.theme)
        o.theme = theme_find(theme_names[opt.theme]);
    else if (!played && !cli_color(cli, stdout))
        o.theme = theme_find("none");
    if (!err)
        err = played ? play(cli, d, &o) : tui_run(d, &o, &cli->msg);
    db_close(d);
    files_release(&f);
    return err;
}

const struct cmd cmd_browse = {
    .name = "browse", .operands = "[DB]", .min = 0, .max = 1,
    .summary = "look through recorded runs in the terminal",
    .text = text, .opts = opts, .run = run
};
