#include "viz/strip.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "db/pack.h"
#include "db/related.h"
#include "viz/html.h"
#include "viz/spark.h"

enum { ALTERNATIVES = 4 };
static const double ENTROPY_TOP = 4;    /* nats that fill the strip */

/* Classes of page.css by the least probability they are for. */
static const struct { double from; const char *css, *words; } grade[] = {
    { 0.9, "t0", "0.9 and more" },
    { 0.5, "t1", "0.5 to 0.9" },
    { 0.2, "t2", "0.2 to 0.5" },
    { 0.0, "t3", "below 0.2" },
};
enum { GRADES = sizeof grade / sizeof *grade };

static const char *const mode_name[] = { "sparse", "hybrid", "full" };

static const char *grade_of(double logprob)
{
    for (int i = 0; i < GRADES; i++)
        if (exp(logprob) >= grade[i].from)
            return grade[i].css;
    return "given";             /* NaN: no probability was recorded */
}

/* "; else “so” 0.12, “as” 0.05": the likeliest that were not taken. */
static void put_others(struct db *d, const struct db_token *t,
                       int64_t model_id, struct str *out)
{
    struct db_piece piece[ALTERNATIVES];
    int32_t id[ALTERNATIVES];
    float logprob[ALTERNATIVES];
    int n = 0, said = 0;

    while (n < ALTERNATIVES &&
           unpack_alt(t->alt.p, t->alt.n, n, &id[n], &logprob[n]) == 1)
        n++;
    if (n == 0 || db_pieces(d, model_id, id, n, piece) != 0)
        return;
    for (int i = 0; i < n; i++) {
        if (id[i] == t->token_id)
            continue;
        str_puts(out, said++ ? ", " : "; else ");
        if (piece[i].n >= 0)
            str_printf(out, "\xE2\x80\x9C%.*s\xE2\x80\x9D", piece[i].n,
                       piece[i].text);
        else
            str_printf(out, "#%d", (int)id[i]);
        str_printf(out, " %.3f", exp((double)logprob[i]));
    }
}

static void put_token(struct db *d, const struct strip *s,
                      const struct db_token *t, struct str *out)
{
    int routed = t->mode == 0 || t->mode == 1;
    struct str said;

    str_init(&said);
    str_printf(&said, "token %d", t->pos);
    if (t->step >= 0)
        str_printf(&said, ", step %d", t->step);
    str_puts(&said, ": \xE2\x80\x9C");
    str_put(&said, t->text.p, t->text.p ? t->text.n : 0);
    str_puts(&said, "\xE2\x80\x9D");
    if (!isnan(t->logprob))
        str_printf(&said, " %.3f", exp(t->logprob));
    put_others(d, t, s->model_id, &said);
    if (!isnan(t->entropy))
        str_printf(&said, "; entropy %.2f nats", t->entropy);
    if (t->mode >= 0 && t->mode <= 2)
        str_printf(&said, "; computed %s", mode_name[t->mode]);
    str_printf(out, "<span class=\"%s%s%s\" data-t=\"", grade_of(t->logprob),
               routed ? " " : "", routed ? mode_name[t->mode] : "");
    html_said(out, &said);
    str_puts(out, "\">");
    if (t->text.p)
        html_bytes(out, t->text.p, t->text.n);
    str_puts(out, "</span>");
}

/* The tokens, and their entropies for the bars; returns how many, -1 where
 * they cannot be read. */
static int put_tokens(struct db *d, const struct strip *s, double *entropy,
                      struct str *out)
{
    struct db_cur *c = db_tokens(d, s->path_id,
                                 (struct db_window){ s->from, s->most, 0 });
    int n = 0, got = 0;
    struct db_token t;

    while (c && n < s->most && (got = db_token_next(c, &t)) == 1) {
        put_token(d, s, &t, out);
        entropy[n++] = t.entropy;
    }
    return db_cur_close(c) || got < 0 || !c ? -1 : n;
}

static void put_frame(const struct strip *s, const struct str *tokens,
                      const double *entropy, int n, struct str *out)
{
    int known = 0;

    for (int i = 0; i < n; i++)
        known |= !isnan(entropy[i]);
    if (known) {
        str_printf(out, "<p class=\"dim\">Entropy of each choice, %.0f nats "
                   "and more at the top</p>\n", ENTROPY_TOP);
        spark_svg(entropy, n, ENTROPY_TOP, "Entropy along the path", out);
    }
    str_printf(out, "<p class=\"strip\" tabindex=\"0\" role=\"group\" "
               "aria-label=\"Tokens of path %d; the arrows walk along\" "
               "data-box=\"box%d\">%s</p>\n<p class=\"token js\" "
               "id=\"box%d\" role=\"status\" aria-live=\"polite\" "
               "hidden=\"hidden\">Point at a token, or walk with the arrows."
               "</p>\n", s->ordinal, s->ordinal, tokens->p, s->ordinal);
}

enum sor_err strip_html(struct db *d, const struct strip *s, struct str *out,
                        int *n_left, struct sor_msg *msg)
{
    double *entropy = mem_alloc((size_t)s->most * sizeof *entropy);
    int n, end = db_path_len(d, s->path_id);
    struct str tokens;

    if (!entropy)
        return sor_fail(msg, SOR_NOMEM, "out of memory for %d tokens",
                        s->most);
    str_init(&tokens);
    n = put_tokens(d, s, entropy, &tokens);
    if (n > 0)
        put_frame(s, &tokens, entropy, n, out);
    if (!str_ok(&tokens))
        out->failed = 1;
    str_release(&tokens);
    mem_free(entropy);
    *n_left = n > 0 && end > s->from + n ? end - s->from - n : 0;
    return n >= 0 ? SOR_OK : sor_fail(msg, SOR_IO, "cannot read the tokens of "
                                      "path %d", s->ordinal);
}

void strip_key(struct str *out)
{
    str_puts(out, "<p class=\"key strip dim\">probability: ");
    for (int i = 0; i < GRADES; i++)
        str_printf(out, "<span class=\"%s\">%s</span> ", grade[i].css,
                   grade[i].words);
    str_puts(out, "ground: <span class=\"hybrid\">hybrid</span> "
             "<span class=\"sparse\">sparse</span> attention, else full</p>"
             "\n");
}
