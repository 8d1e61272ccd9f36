/* Steps of a path, with their words and what they state.
 *
 * A step's words are a part of the path's text.  v_step cuts them out with
 * substr(), which reads the whole text from its beginning for each step, and
 * looks for its answer among all answers of the path: for one step that is
 * right, for all of a long path quadratic.  Here the text is read once and cut
 * in one walk, and the answers are sorted once. */
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "db/cursor.h"

/* The path's text, and how far the walk has come. */
struct cut {
    sqlite3_stmt *st;                   /* stands on the text's row */
    const char *text;                   /* NULL: none, or forgotten */
    size_t n, byte;
    int at;                             /* byte, in code points */
    struct str part;
};

static void cut_close(void *own)
{
    struct cut *k = own;

    sqlite3_finalize(k->st);
    str_release(&k->part);
    mem_free(k);
}

/* The answer that counts of those that a step states: the final one, else the
 * first.  min() makes norm_id come from its row (sqlite.org/lang_select.html,
 * "bare columns"). */
#define STEPS \
    "SELECT s.id, s.path_id, s.ordinal, s.role, s.origin, s.tok_from, " \
    "s.tok_to, s.char_from, s.char_to, s.logprob_mean, s.logprob_min, " \
    "s.min_pos, s.segmenter, n.body FROM v_step s LEFT JOIN (SELECT step_id, " \
    "norm_id, min(id - (final << 48)) FROM answer WHERE path_id = ?1 " \
    "GROUP BY step_id) a ON a.step_id = s.id LEFT JOIN text n " \
    "ON n.id = a.norm_id AND NOT EXISTS (SELECT 1 FROM tombstone f " \
    "WHERE f.run_id = s.run_id AND f.kind = 'forget') " \
    "WHERE s.path_id = ?1 AND s.ordinal "

struct db_cur *db_steps(struct db *d, int64_t path_id, struct db_window w)
{
    struct db_cur *c = cursor_open(d, w.reverse
        ? STEPS "<= ?2 ORDER BY s.ordinal DESC LIMIT ?3"
        : STEPS ">= ?2 ORDER BY s.ordinal LIMIT ?3");

    cursor_bind(c, 1, path_id);
    cursor_bind(c, 2, w.from);
    cursor_bind(c, 3, w.limit > 0 ? w.limit : -1);
    return c;
}

/* Opened beside the cursor's first row, at the same moment of the database. */
static struct cut *cut_of(struct db_cur *c, int64_t path_id)
{
    struct cut *k = c->own;

    if (k)
        return k;
    if (!(k = mem_calloc(1, sizeof *k))) {
        c->err = SOR_NOMEM;
        return NULL;
    }
    str_init(&k->part);
    c->own = k;
    c->own_close = cut_close;
    c->err = conn_prepare(c->d, "SELECT text FROM v_path WHERE id = ?",
                          &k->st, NULL);
    if (c->err)
        return NULL;
    sqlite3_bind_int64(k->st, 1, path_id);
    if (sqlite3_step(k->st) == SQLITE_ROW) {
        k->text = cursor_text(k->st, 0);
        k->n = (size_t)sqlite3_column_bytes(k->st, 0);
    }
    return k;
}

static size_t walk(struct cut *k, int to)
{
    if (to < k->at)
        k->at = 0, k->byte = 0;
    k->byte += utf8_offset(k->text + k->byte, k->n - k->byte,
                           (size_t)(to - k->at));
    k->at = to;
    return k->byte;
}

/* The words from one code point to another, until the next call. */
static const char *cut_part(struct cut *k, int from, int to)
{
    size_t first;

    if (!k->text || from < 0)
        return NULL;
    first = walk(k, from);
    str_clear(&k->part);
    str_put(&k->part, k->text + first, walk(k, to > from ? to : from) - first);
    return k->part.len ? k->part.p : "";
}

int db_step_next(struct db_cur *c, struct db_step *out)
{
    int got = cursor_step(c);
    sqlite3_stmt *st = c->st;
    struct cut *k = got == 1 ? cut_of(c, sqlite3_column_int64(st, 1)) : NULL;

    if (got != 1)
        return got;
    if (!k)
        return -1;
    *out = (struct db_step){
        .id = sqlite3_column_int64(st, 0),
        .path_id = sqlite3_column_int64(st, 1),
        .ordinal = sqlite3_column_int(st, 2),
        .role = cursor_text(st, 3), .origin = cursor_text(st, 4),
        .tok_from = sqlite3_column_int(st, 5),
        .tok_to = sqlite3_column_int(st, 6),
        .char_from = sqlite3_column_int(st, 7),
        .char_to = sqlite3_column_int(st, 8),
        .logprob_mean = cursor_real(st, 9),
        .logprob_min = cursor_real(st, 10),
        .min_pos = (int)cursor_int(st, 11, -1),
        .segmenter = sqlite3_column_int(st, 12),
        .answer = cursor_text(st, 13),
    };
    out->text = cut_part(k, out->char_from, out->char_to);
    if (!str_ok(&k->part))
        c->err = SOR_NOMEM;
    return c->err ? -1 : 1;
}
