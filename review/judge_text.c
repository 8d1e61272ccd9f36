/* review/judge_text.c - see judge_text.h. */
#include "review/judge_text.h"

#include <string.h>

#include "base/text.h"

/* White space as Python's str.split() has it (Unicode's White_Space and the
 * four separators of ASCII): the training texts went through that. */
static int is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
           c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

void judge_collapse(struct str *out, const char *s, size_t n)
{
    int gap = 0, any = 0;

    for (size_t i = 0; i < n; ) {
        uint32_t c;
        size_t len = utf8_next(s + i, n - i, &c);

        if (is_space(c)) {
            gap = any;
        } else {
            if (gap)
                str_putc(out, ' ');
            str_put(out, s + i, len);
            gap = 0;
            any = 1;
        }
        i += len;
    }
}

/* The last n characters of s. */
static const char *last_chars(const char *s, int n)
{
    const char *p = s + strlen(s);

    while (p > s && n > 0)
        if ((*--p & 0xc0) != 0x80)
            n--;
    return p;
}

static enum sor_err put(const struct tok *t, const char *text,
                        struct tok_ids *ids)
{
    return tok_encode(t, text, strlen(text), 0, ids);
}

/* Collapses text and appends its tokens. */
static enum sor_err put_collapsed(const struct tok *t, const char *text,
                                  struct tok_ids *ids)
{
    struct str s;
    enum sor_err err;

    str_init(&s);
    judge_collapse(&s, text, strlen(text));
    err = str_ok(&s) ? tok_encode(t, s.p, s.len, 0, ids) : SOR_NOMEM;
    str_release(&s);
    return err;
}

static void keep_last(struct tok_ids *ids, size_t from, size_t most)
{
    size_t n = ids->n - from;

    if (n > most) {
        memmove(ids->id + from, ids->id + ids->n - most,
                most * sizeof *ids->id);
        ids->n = from + most;
    }
}

static void keep_first(struct tok_ids *ids, size_t from, size_t most)
{
    if (ids->n - from > most)
        ids->n = from + most;
}

/* A word before the one that s[at] is in.  Words are tokenised apart, each with
 * the space before it. */
static size_t word_before(const struct str *s, size_t at)
{
    while (at > 0 && s->p[at] != ' ')
        at--;
    while (at > 0 && s->p[at - 1] != ' ')
        at--;
    return at;
}

enum sor_err judge_context(const struct tok *t, const char *context,
                           struct str *out)
{
    const char *last = last_chars(context, JUDGE_CONTEXT_CHARS);
    struct tok_ids ids = { 0 };
    struct str s;
    enum sor_err err = SOR_OK;
    size_t from;

    str_init(&s);
    judge_collapse(&s, last, strlen(last));
    from = s.len;
    if (!str_ok(&s))
        err = SOR_NOMEM;
    else if (s.len > JUDGE_CONTEXT_TOKENS)
        err = tok_encode(t, s.p, s.len, 0, &ids);
    for (size_t i = 0; i < JUDGE_CONTEXT_TOKENS && i < ids.n; i++) {
        size_t len;

        tok_piece(t, ids.id[ids.n - 1 - i], &len);
        from -= len < from ? len : from;
    }
    if (ids.n <= JUDGE_CONTEXT_TOKENS)
        from = 0;
    if (!err)
        str_puts(out, s.p + word_before(&s, from));
    if (!str_ok(out))
        err = SOR_NOMEM;
    tok_ids_release(&ids);
    str_release(&s);
    return err;
}

enum sor_err judge_prefix(const struct tok *t, const char *context,
                          const char *text, struct tok_ids *ids,
                          struct judge_place *place)
{
    size_t start = ids->n, at;
    struct judge_place p;
    enum sor_err err = put(t, "Clause: ", ids);

    at = ids->n;
    if (!err)
        err = put_collapsed(t, last_chars(context, JUDGE_CONTEXT_CHARS), ids);
    if (err)
        return err;
    keep_last(ids, at, JUDGE_CONTEXT_TOKENS);
    p.context[0] = (int)(at - start);
    p.context[1] = (int)(ids->n - start);
    if (ids->n > at)
        err = put(t, " >> ", ids);
    at = ids->n;
    err = err ? err : put_collapsed(t, text, ids);
    if (err)
        return err;
    keep_first(ids, at, JUDGE_TEXT_TOKENS);
    p.text[0] = (int)(at - start);
    p.text[1] = (int)(ids->n - start);
    if (place)
        *place = p;
    return SOR_OK;
}

/* The statement and the words around it are one piece, so a statement that is
 * too long is cut in its tokens and the question put behind. */
enum sor_err judge_statement(const struct tok *t, const char *statement,
                             struct tok_ids *ids)
{
    size_t at = ids->n;
    struct str s;
    enum sor_err err;

    str_init(&s);
    str_puts(&s, "\nStatement: ");
    judge_collapse(&s, statement, strlen(statement));
    str_puts(&s, "\nRelation:");
    err = str_ok(&s) ? tok_encode(t, s.p, s.len, 0, ids) : SOR_NOMEM;
    str_release(&s);
    if (err || ids->n - at <= JUDGE_STATEMENT_TOKENS)
        return err;
    keep_first(ids, at, JUDGE_STATEMENT_TOKENS - 8);
    return put(t, "\nRelation:", ids);
}

enum sor_err judge_type_question(const struct tok *t, struct tok_ids *ids)
{
    return put(t, "\nType:", ids);
}
