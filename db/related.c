#include "db/related.h"

#include <string.h>

#include "base/text.h"
#include "db/cursor.h"

/* Copies at most cap - 1 bytes, cut between characters. */
static int copy(char *out, size_t cap, const char *s)
{
    size_t n = s ? strlen(s) : 0;

    if (n >= cap) {
        n = cap - 1;
        n -= utf8_tail(s, n);
    }
    if (n)
        memcpy(out, s, n);
    out[n] = '\0';
    return (int)n;
}

int db_pieces(struct db *d, int64_t model_id, const int32_t *token_id, int n,
              struct db_piece *out)
{
    struct db_cur *c = cursor_open(d, "SELECT text FROM piece "
                                      "WHERE model_id = ?1 AND token_id = ?2");
    int got = 0;

    cursor_bind(c, 1, model_id);
    for (int i = 0; i < n && got >= 0; i++) {
        cursor_bind(c, 2, token_id[i]);
        got = cursor_step(c);
        out[i].n = got == 1 ? copy(out[i].text, sizeof out[i].text,
                                   cursor_text(c->st, 0)) : -1;
        if (got >= 0)
            sqlite3_reset(c->st);
    }
    return db_cur_close(c) ? -1 : 0;
}

#define SIDE(end, other, incoming)                                          \
    "SELECT e.id, e." other "_id, e.kind, e." other "_kind, e.measured, "   \
    incoming ", s.path_id, p.ordinal, s.ordinal, e.weight, "                \
    "CASE WHEN f.id IS NULL THEN n.body END FROM edge e "                   \
    "LEFT JOIN step s ON e." other "_kind = 'step' AND s.id = e." other     \
    "_id LEFT JOIN path p ON p.id = s.path_id "                             \
    "LEFT JOIN text n ON n.id = e.note_id "                                 \
    "LEFT JOIN tombstone f ON f.run_id = e.run_id AND f.kind = 'forget' "   \
    "WHERE e." end "_kind = ?1 AND e." end "_id = ?2 "

static void read_near(sqlite3_stmt *st, struct db_near *out)
{
    out->edge_id = cursor_int(st, 0, 0);
    out->other_id = cursor_int(st, 1, 0);
    copy(out->kind, sizeof out->kind, cursor_text(st, 2));
    copy(out->other_kind, sizeof out->other_kind, cursor_text(st, 3));
    copy(out->measured, sizeof out->measured, cursor_text(st, 4));
    out->incoming = (int)cursor_int(st, 5, 0);
    out->path_id = cursor_int(st, 6, 0);
    out->path = (int)cursor_int(st, 7, -1);
    out->step = (int)cursor_int(st, 8, -1);
    out->weight = cursor_real(st, 9);
    copy(out->note, sizeof out->note, cursor_text(st, 10));
}

int db_near(struct db *d, const char *kind, int64_t id, struct db_near *out,
            int cap)
{
    struct db_cur *c = cursor_open(d, SIDE("src", "dst", "0") "UNION ALL "
                                      SIDE("dst", "src", "1")
                                      "ORDER BY 10 DESC, 1 LIMIT ?3");
    int n = 0;

    cursor_bind_text(c, 1, kind);
    cursor_bind(c, 2, id);
    cursor_bind(c, 3, cap);
    while (n < cap && cursor_step(c) == 1)
        read_near(c->st, &out[n++]);
    return db_cur_close(c) ? -1 : n;
}
