#include "cli/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/accuracy.h"
#include "cli/ahead.h"

enum { CELL_BYTES = 160, PIECE_BYTES = 48, ANSWER_COLUMNS = 24, BAR_CELLS = 20,
       PARTING_LINES = 24 };

/* --- pieces -------------------------------------------------------------- */

static void put_safe(const struct show *s, const char *text, unsigned flags)
{
    struct str safe;

    str_init(&safe);
    text_safe(&safe, text, strlen(text), flags);
    fputs(safe.p, s->to);
    str_release(&safe);
}

static void heading(const struct show *s, const char *text)
{
    int bold = cli_color(s->cli, s->to);

    fprintf(s->to, "\n%s%s%s\n", bold ? "\033[1m" : "", text,
            bold ? "\033[0m" : "");
}

/* One line of outside text in `width` columns: padded, or cut and marked. */
static void put_cell(const struct show *s, const char *text, int width)
{
    const char *mark = cli_unicode(s->cli) ? "…" : "~";
    char cell[CELL_BYTES];
    size_t n = text_safe_fit(cell, sizeof cell, text, strlen(text), 0), at = 0;
    int used = 0, cut = text_width(cell, n) > width;

    while (at < n) {
        uint32_t cp;
        size_t len = utf8_next(cell + at, n - at, &cp);
        int w = text_width_cp(cp);

        if (used + w > width - cut)
            break;
        used += w;
        at += len;
    }
    fprintf(s->to, "%.*s%s%*s", (int)at, cell, cut ? mark : "",
            width - used - cut, "");
}

static void put_bar(const struct show *s, double share)
{
    int full = (int)(share * BAR_CELLS + 0.5);
    int unicode = cli_unicode(s->cli);

    for (int i = 0; i < BAR_CELLS; i++)
        fputs(i < full ? unicode ? "█" : "#" : unicode ? "░" : ".", s->to);
}

/* "0,3,5" with spaces, as the paths of a table row. */
static void put_paths(const struct show *s, const char *list)
{
    fputs(strchr(list, ',') ? "paths " : "path ", s->to);
    for (; *list; list++)
        fputc(*list == ',' ? ' ' : *list, s->to);
}

static enum sor_err unreadable(struct sor_msg *msg, enum sor_err err,
                               const char *what)
{
    return sor_fail(msg, err ? err : SOR_FORMAT, "the %s of the run cannot be "
                    "read from the database", what);
}

/* --- paths as far as they are there -------------------------------------- */

/* The run's paths, one after the other.  A path without an end (cut off, or
 * still decoded) has the tokens that are there: their number and their text. */
struct walk {
    const struct show *s;
    struct db_cur *c;
    int n_prompt;
    struct str partial;
};

static void walk_begin(struct walk *w, const struct show *s, int n_prompt)
{
    *w = (struct walk){ .s = s, .c = db_paths(s->d, s->run_id),
                        .n_prompt = n_prompt };
    str_init(&w->partial);
}

static int walk_next(struct walk *w, struct db_path *p)
{
    int more = db_path_next(w->c, p);
    struct db_token t;

    if (more <= 0 || p->stop)
        return more;
    struct db_window drawn = { .from = w->n_prompt };
    struct db_cur *c = db_tokens(w->s->d, p->id, drawn);
    str_clear(&w->partial);
    p->n_token = 0;
    for (; db_token_next(c, &t) > 0; p->n_token++)
        if (t.text.p)
            str_put(&w->partial, t.text.p, t.text.n);
    if (db_cur_close(c) == SOR_OK && w->partial.len && str_ok(&w->partial))
        p->text = w->partial.p;
    return more;
}

static enum sor_err walk_end(struct walk *w)
{
    str_release(&w->partial);
    return db_cur_close(w->c);
}

/* --- answers ------------------------------------------------------------- */

/* The path that speaks for the leading answer: the likeliest of those that
 * give it; its ordinal, or -1.  text: what it says (appended). */
static int spokesman(const struct show *s, const struct db_run *run,
                     struct str *text)
{
    const char *answer = run->answer;
    struct db_path p;
    struct walk w;
    double best = 0;
    int ordinal = -1;

    walk_begin(&w, s, run->n_prompt);
    while (walk_next(&w, &p) > 0) {
        if (!p.text || (answer && (!p.answer_norm ||
                                   strcmp(p.answer_norm, answer) != 0)))
            continue;
        if (ordinal >= 0 && !(p.logprob_mean > best))
            continue;
        ordinal = p.ordinal;
        best = p.logprob_mean;
        str_clear(text);
        str_puts(text, p.text);
    }
    walk_end(&w);
    return ordinal;
}

/* Votes of the first and the second answer: how far one leads. */
struct tally { int n_voted, first, second; };

static enum sor_err tally(const struct show *s, struct tally *out,
                          struct sor_msg *msg)
{
    struct db_cur *c = db_votes(s->d, s->run_id);
    struct db_vote v;
    enum sor_err err;

    *out = (struct tally){ 0, 0, 0 };
    while (db_vote_next(c, &v) > 0) {
        if (out->n_voted == 0)
            out->first = v.votes;
        else if (v.votes > out->second)
            out->second = v.votes;
        out->n_voted += v.votes;
    }
    err = db_cur_close(c);
    return err ? unreadable(msg, err, "votes") : SOR_OK;
}

/* Of the paths that voted, as `runs` and v_vote count. */
static enum sor_err show_votes(const struct show *s, int n_path,
                               struct sor_msg *msg)
{
    struct db_cur *c;
    struct db_vote v;
    struct tally t;
    enum sor_err err = tally(s, &t, msg);

    if (err)
        return err;
    heading(s, "Votes");
    c = db_votes(s->d, s->run_id);
    while (db_vote_next(c, &v) > 0) {
        fputs("  ", s->to);
        put_cell(s, v.answer ? v.answer : "(forgotten)", ANSWER_COLUMNS);
        fputc(' ', s->to);
        put_bar(s, (double)v.votes / t.n_voted);
        fprintf(s->to, " %2d/%d  ", v.votes, t.n_voted);
        put_paths(s, v.paths);
        fputc('\n', s->to);
    }
    if (t.n_voted > 0)
        fprintf(s->to, "  margin %d of %d\n", t.first - t.second, t.n_voted);
    if (t.n_voted < n_path)
        fprintf(s->to, "  %d of %d paths stated no answer\n",
                n_path - t.n_voted, n_path);
    err = db_cur_close(c);
    return err ? unreadable(msg, err, "votes") : SOR_OK;
}

/* --- where the paths part ---------------------------------------------------
 *
 * Pairs that differ first at one position, under one prefix, are one parting of
 * the ways: n paths have at most n - 1 of them, and together they say where
 * each of the n(n-1)/2 pairs differs first. */

struct parting {
    const struct show *s;
    int     n_line, n_more;
    int     n_pair;                         /* that the recorder compared */
    int64_t path_id[SHOW_PATHS];
    int     pos[SHOW_PATHS][SHOW_PATHS];    /* -1: identical; symmetric */
};

static enum sor_err parting_load(struct parting *g, struct sor_msg *msg)
{
    const struct show *s = g->s;
    struct db_cur *c = db_paths(s->d, s->run_id);
    struct db_path p;
    struct db_divergence d;
    enum sor_err err;

    while (db_path_next(c, &p) > 0)
        if (p.ordinal < SHOW_PATHS)
            g->path_id[p.ordinal] = p.id;
    err = db_cur_close(c);
    if (err)
        return unreadable(msg, err, "paths");
    memset(g->pos, -1, sizeof g->pos);
    c = db_divergences(s->d, s->run_id);
    while (db_divergence_next(c, &d) > 0)
        if (d.path_a >= 0 && d.path_a < SHOW_PATHS && d.path_b >= 0 &&
            d.path_b < SHOW_PATHS) {
            g->pos[d.path_a][d.path_b] = g->pos[d.path_b][d.path_a] = d.pos;
            g->n_pair++;
        }
    err = db_cur_close(c);
    return err ? unreadable(msg, err, "divergences") : SOR_OK;
}

/* Pictures of control characters (U+2400 to U+2421, as text_safe() makes
 * them) as ^@ to ^_ and ^?, for where ASCII is drawn. */
static void carets(char *s)
{
    char *to = s;

    while (*s) {
        const unsigned char *u = (const unsigned char *)s;
        if (u[0] == 0xe2 && u[1] == 0x90 && u[2] >= 0x80 && u[2] <= 0xa1) {
            *to++ = '^';
            *to++ = u[2] == 0xa1 ? '?' : (char)(u[2] - 0x80 + '@');
            s += 3;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

static void put_piece(const struct parting *g, int path, int pos)
{
    struct db_window w = { .from = pos, .limit = 1 };
    struct db_cur *c = db_tokens(g->s->d, g->path_id[path], w);
    struct db_token t;
    char piece[PIECE_BYTES];

    if (db_token_next(c, &t) > 0 && t.pos == pos && t.text.p) {
        text_safe_fit(piece, sizeof piece, t.text.p, t.text.n, 0);
        if (!cli_unicode(g->s->cli))
            carets(piece);
        fprintf(g->s->to, "'%s'", piece);
    } else {
        fputs("(ends)", g->s->to);
    }
    db_cur_close(c);
}

static void put_members(const struct parting *g, uint64_t members)
{
    for (int i = 0; i < SHOW_PATHS; i++)
        if (members >> i & 1)
            fprintf(g->s->to, " %d", i);
}

/* Of `group`: those who have the same token at pos as `path`. */
static uint64_t with(const struct parting *g, uint64_t group, int path,
                     int pos)
{
    uint64_t same = 0;

    for (int i = 0; i < SHOW_PATHS; i++)
        if ((group >> i & 1) && (i == path || g->pos[path][i] != pos))
            same |= (uint64_t)1 << i;
    return same;
}

static int lowest(uint64_t group)
{
    int i = 0;

    while (!(group >> i & 1))
        i++;
    return i;
}

/* Where the paths of a group first part; -1: never. */
static int first_parting(const struct parting *g, uint64_t group)
{
    int pos = -1;

    for (int a = 0; a < SHOW_PATHS; a++)
        for (int b = a + 1; b < SHOW_PATHS; b++)
            if ((group >> a & 1) && (group >> b & 1) && g->pos[a][b] >= 0 &&
                (pos < 0 || g->pos[a][b] < pos))
                pos = g->pos[a][b];
    return pos;
}

static void part(struct parting *g, uint64_t group, int depth)
{
    int pos = first_parting(g, group), first = 1;
    int shown = g->n_line < PARTING_LINES;
    const char *bar = cli_unicode(g->s->cli) ? "  │  " : "  |  ";
    uint64_t left, same;

    if (pos < 0 && !(group & (group - 1)))
        return;                         /* one path alone */
    g->n_line += shown;
    g->n_more += !shown;
    if (shown) {
        fprintf(g->s->to, "  %*s", 2 * (depth < 10 ? depth : 10), "");
        if (pos < 0) {
            fputs("identical to the end:", g->s->to);
            put_members(g, group);
        } else {
            fprintf(g->s->to, "@%d  ", pos);
        }
    }
    for (left = pos < 0 ? 0 : group; shown && left; left &= ~same) {
        same = with(g, group, lowest(left), pos);
        if (!first)
            fputs(bar, g->s->to);
        first = 0;
        put_piece(g, lowest(left), pos);
        put_members(g, same);
    }
    if (shown)
        fputc('\n', g->s->to);
    for (left = pos < 0 ? 0 : group; left; left &= ~same) {
        same = with(g, group, lowest(left), pos);
        part(g, same, depth + 1);
    }
}

static enum sor_err show_partings(const struct show *s, int n_path,
                                  struct sor_msg *msg)
{
    struct parting *g = mem_calloc(1, sizeof *g);
    int n = n_path < SHOW_PATHS ? n_path : SHOW_PATHS;
    enum sor_err err;

    if (!g)
        return sor_fail(msg, SOR_NOMEM, "out of memory for the pairs of %d "
                        "paths", n_path);
    g->s = s;
    err = parting_load(g, msg);
    if (!err) {
        heading(s, "Where the paths part (position, token, paths)");
        if (g->n_pair < n * (n - 1) / 2)
            fputs("  not known: it is worked out when a run ends\n", s->to);
        else
            part(g, n == SHOW_PATHS ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1,
                 0);
        if (g->n_more)
            fprintf(s->to, "  and %d more\n", g->n_more);
    }
    mem_free(g);
    return err;
}

/* --- paths --------------------------------------------------------------- */

static enum sor_err show_paths(const struct show *s, int n_prompt,
                               struct sor_msg *msg)
{
    struct db_path p;
    struct walk w;
    enum sor_err err;

    heading(s, "Paths");
    walk_begin(&w, s, n_prompt);
    while (walk_next(&w, &p) > 0) {
        fprintf(s->to, "  %2d  ", p.ordinal);
        put_cell(s, p.answer_norm ? p.answer_norm
                 : p.answer_kind ? "(forgotten)" : "no answer stated",
                 ANSWER_COLUMNS);
        fprintf(s->to, " %3d step%s %5d tokens  ", p.n_step,
                p.n_step == 1 ? " " : "s", p.n_token);
        if (!isnan(p.logprob_mean))
            fprintf(s->to, "%6.3f nats a token", -p.logprob_mean);
        if (!p.stop) {
            fputs(s->recording ? "  goes on" : "  cut off", s->to);
        } else if (strcmp(p.stop, "eog") != 0) {
            fputs("  stopped: ", s->to);
            put_safe(s, p.stop, 0);
        }
        fputc('\n', s->to);
    }
    err = walk_end(&w);
    return err ? unreadable(msg, err, "paths") : SOR_OK;
}

static void show_texts(const struct show *s, const struct db_run *run)
{
    struct str text;
    char title[96];
    int ordinal;

    str_init(&text);
    ordinal = spokesman(s, run, &text);
    if (run->n_path > 1 && ordinal >= 0) {
        snprintf(title, sizeof title, "Path %d%s", ordinal, run->answer
                 ? ", the likeliest of those that lead" : "");
        heading(s, title);
    }
    if (ordinal >= 0) {
        put_safe(s, text.p, TEXT_NL | TEXT_TAB);
        fputc('\n', s->to);
    }
    str_release(&text);
}

const char *show_status(const struct db_run *run, int recording)
{
    return run->status ? run->status : recording ? "recording" : "cut off";
}

int64_t show_recording(struct db *d, const char *path)
{
    int64_t newest = 0;

    if (db_writer_pid(path) == 0 ||
        db_find_run(d, "last", &newest, NULL) != SOR_OK)
        return 0;
    return newest;
}

void show_question(const struct show *s, const struct db_run *run)
{
    char when[21], uid[33];

    clock_iso8601(run->started_us, when);
    text_safe_fit(uid, sizeof uid, run->uid, strnlen(run->uid, 8), 0);
    fprintf(s->to, "run %s, %s, ", uid, when);
    put_safe(s, show_status(run, s->recording), 0);
    if (run->temperature > 0)
        fprintf(s->to, ", temperature %g, seed %llu", run->temperature,
                (unsigned long long)run->seed);
    fputc('\n', s->to);
    put_safe(s, run->prompt ? run->prompt : "(forgotten)",
             TEXT_NL | TEXT_TAB);
    fputs("\n\n", s->to);
}

enum sor_err show_run(const struct show *s, struct sor_msg *msg)
{
    struct db_run run;
    struct db_model model;
    enum sor_err err = SOR_OK;

    if (db_get_run(s->d, s->run_id, &run) <= 0)
        return unreadable(msg, SOR_OK, "row");
    if (!s->streamed)
        show_texts(s, &run);
    if (run.n_path < 2)
        return SOR_OK;
    err = show_votes(s, run.n_path, msg);
    if (!err)
        err = show_partings(s, run.n_path, msg);
    if (!err)
        err = show_paths(s, run.n_prompt, msg);
    if (!err && run.model_id && db_get_model(s->d, run.model_id, &model) > 0)
        fprintf(s->to, "\n%s\n", accuracy_known(model.sha256, run.prompt));
    return err;
}

void show_next(const struct show *s, FILE *to)
{
    const char *db = s->cli->db;
    char opt[256] = "", name[256] = "";
    char safe[200];
    struct db_run run;
    int many;

    if (db) {
        text_safe_fit(safe, sizeof safe, db, strlen(db), 0);
        snprintf(opt, sizeof opt, " --db %s", safe);
        snprintf(name, sizeof name, " %s", safe);
    }
    many = db_get_run(s->d, s->run_id, &run) > 0 && run.n_path > 1;
    fprintf(to, "  sorites browse%s\n"
            "  sorites graph last -o run.svg%s\n"
            "  sorites replay last --verify%s\n"
            "  sorites sql%s 'SELECT %s WHERE run_id = %lld'\n",
            name, opt, opt, name, many
            ? "answer, votes, paths FROM v_vote"
            : "ordinal, role, text FROM v_step", (long long)s->run_id);
}

/* --- JSON ---------------------------------------------------------------- */

static void json_field(struct json *j, const char *key, const char *value)
{
    json_key(j, key);
    json_str(j, value);
}

static void json_count(struct json *j, const char *key, int64_t value)
{
    json_key(j, key);
    json_int(j, value);
}

static enum sor_err json_paths(const struct show *s, struct json *j,
                               int n_prompt)
{
    struct db_path p;
    struct walk w;

    walk_begin(&w, s, n_prompt);
    json_key(j, "paths");
    json_arr(j);
    while (walk_next(&w, &p) > 0) {
        json_obj(j);
        json_count(j, "path", p.ordinal);
        json_field(j, "kind", p.kind);
        json_field(j, "stop", p.stop);
        json_count(j, "tokens", p.n_token);
        json_count(j, "steps", p.n_step);
        json_key(j, "logprob_mean");
        json_num(j, p.logprob_mean);
        json_field(j, "answer", p.answer_norm);
        json_field(j, "text", p.text);
        json_end_obj(j);
    }
    json_end_arr(j);
    return walk_end(&w);
}

static enum sor_err json_votes(const struct show *s, struct json *j)
{
    struct db_cur *c = db_votes(s->d, s->run_id);
    struct db_vote v;

    json_key(j, "votes");
    json_arr(j);
    while (db_vote_next(c, &v) > 0) {
        json_obj(j);
        json_field(j, "answer", v.answer);
        json_field(j, "kind", v.kind);
        json_count(j, "votes", v.votes);
        json_key(j, "share");
        json_num(j, v.share);
        json_key(j, "paths");
        json_arr(j);
        for (const char *p = v.paths; *p; ) {
            char *end;
            long n = strtol(p, &end, 10);

            if (end == p)
                break;
            json_int(j, n);
            p = *end == ',' ? end + 1 : end;
        }
        json_end_arr(j);
        json_end_obj(j);
    }
    json_end_arr(j);
    return db_cur_close(c);
}

static enum sor_err json_divergences(const struct show *s, struct json *j)
{
    struct db_cur *c = db_divergences(s->d, s->run_id);
    struct db_divergence d;

    json_key(j, "divergences");
    json_arr(j);
    while (db_divergence_next(c, &d) > 0) {
        json_obj(j);
        json_key(j, "paths");
        json_arr(j);
        json_int(j, d.path_a);
        json_int(j, d.path_b);
        json_end_arr(j);
        json_count(j, "pos", d.pos);
        json_key(j, "pieces");
        json_arr(j);
        json_str(j, d.text_a);
        json_str(j, d.text_b);
        json_end_arr(j);
        json_end_obj(j);
    }
    json_end_arr(j);
    return db_cur_close(c);
}

/* Tokens that all paths wrote together. */
static int64_t generated(const struct show *s, int n_prompt)
{
    struct db_path p;
    struct walk w;
    int64_t n = 0;

    walk_begin(&w, s, n_prompt);
    while (walk_next(&w, &p) > 0)
        n += p.n_token;
    walk_end(&w);
    return n;
}

static void json_head(const struct show *s, struct json *j,
                      const struct db_run *run)
{
    struct db_model model;
    double seconds = (double)run->wall_ns / 1e9;
    int64_t drawn = generated(s, run->n_prompt);

    json_field(j, "run", run->uid);
    if (run->model_id && db_get_model(s->d, run->model_id, &model) > 0) {
        json_field(j, "model", model.name);
        json_field(j, "known_accuracy",
                   accuracy_known(model.sha256, run->prompt));
    }
    json_field(j, "question", run->prompt);
    json_field(j, "status", show_status(run, s->recording));
    json_field(j, "answer", run->answer);
    json_count(j, "prompt_tokens", run->n_prompt);
    json_count(j, "tokens", drawn);
    json_key(j, "seconds");
    json_num(j, seconds);
    json_key(j, "tokens_per_second");
    json_num(j, run->wall_ns > run->prefill_ns && drawn > 0
             ? (double)drawn * 1e9 / (double)(run->wall_ns - run->prefill_ns)
             : NAN);
    if (s->batch)
        ahead_json(j, s->batch, s->draft);
}

enum sor_err show_run_json(const struct show *s, struct sor_msg *msg)
{
    struct str out;
    struct json j;
    struct db_run run;
    struct tally t;
    enum sor_err err;

    if (db_get_run(s->d, s->run_id, &run) <= 0)
        return unreadable(msg, SOR_OK, "row");
    err = tally(s, &t, msg);
    if (err)
        return err;
    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    json_head(s, &j, &run);
    json_count(&j, "margin", t.first - t.second);
    err = json_paths(s, &j, run.n_prompt);
    if (!err)
        err = json_votes(s, &j);
    if (!err)
        err = json_divergences(s, &j);
    json_end_obj(&j);
    if (err)
        err = unreadable(msg, err, "rows");
    else if (!str_ok(&out))
        err = sor_fail(msg, SOR_NOMEM, "out of memory for the result");
    else
        fprintf(s->to, "%s\n", out.p);
    str_release(&out);
    return err;
}
