#include "trace/foreign.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/version.h"
#include "db/load.h"
#include "trace/ascii.h"
#include "trace/finish.h"
#include "trace/vocab.h"

/* How far ahead a token's bytes are looked for where they do not stand next:
 * markers and trimmed spaces are short. */
enum { LOOK_AHEAD = 64 };

/* --- filling in ---------------------------------------------------------- */

void foreign_init(struct foreign *f)
{
    *f = (struct foreign){ .temperature = 1.0, .top_p = 1.0 };
    str_init(&f->prompt);
    str_init(&f->system);
    str_init(&f->model);
    str_init(&f->params);
}

static void path_close(struct foreign_path *p)
{
    str_release(&p->text);
    str_release(&p->params);
    str_release(&p->bytes);
    mem_free(p->tok);
    mem_free(p->alt);
    mem_free(p);
}

void foreign_release(struct foreign *f)
{
    for (int i = 0; i < f->n_path; i++)
        path_close(f->path[i]);
    mem_free(f->path);
    str_release(&f->prompt);
    str_release(&f->system);
    str_release(&f->model);
    str_release(&f->params);
}

/* Room for one more; *array is NULL or holds *cap. */
static void *grow(void *array, int n, int *cap, size_t size)
{
    int more = *cap ? 2 * *cap : 8;
    void *p;

    if (n < *cap)
        return array;
    if ((p = mem_realloc(array, (size_t)more, size)))
        *cap = more;
    return p;
}

struct foreign_path *foreign_path(struct foreign *f)
{
    struct foreign_path **more, *p;

    if (!(more = grow(f->path, f->n_path, &f->cap_path, sizeof *more)))
        return NULL;
    f->path = more;
    if (!(p = mem_calloc(1, sizeof *p)))
        return NULL;
    p->n_token = -1;
    p->stop = "import";
    str_init(&p->text);
    str_init(&p->params);
    str_init(&p->bytes);
    return f->path[f->n_path++] = p;
}

void foreign_text(struct str *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int is_nul = n - i > 1 && memcmp(s + i, "\xC0\x80", 2) == 0;
        char utf8[4];
        uint32_t cp;

        i += is_nul ? 2 : utf8_next(s + i, n - i, &cp);
        str_put(out, utf8, utf8_put(is_nul || !cp ? 0xFFFD : cp, utf8));
    }
}

static float measured(double logprob)
{
    return logprob <= 0.0 && logprob > -9999.0 ? (float)logprob : NAN;
}

int foreign_tok(struct foreign_path *p, const char *bytes, size_t n,
                double logprob)
{
    struct foreign_tok *more = grow(p->tok, p->n_tok, &p->cap_tok,
                                    sizeof *more);

    if (!more)
        return -1;
    p->tok = more;
    p->tok[p->n_tok++] = (struct foreign_tok){
        p->bytes.len, n, measured(logprob), p->n_alt, 0 };
    str_put(&p->bytes, bytes, n);
    return str_ok(&p->bytes) ? 0 : -1;
}

int foreign_alt(struct foreign_path *p, const char *bytes, size_t n,
                double logprob)
{
    struct foreign_tok *t = &p->tok[p->n_tok - 1];
    struct foreign_alt *more, a = { p->bytes.len, n, measured(logprob) };
    int k;

    if (isnan(a.logprob) || t->n_alt == HOOK_ALT_MAX)
        return 0;
    if (!(more = grow(p->alt, p->n_alt, &p->cap_alt, sizeof *more)))
        return -1;
    p->alt = more;
    for (k = p->n_alt; k > t->alt_from && p->alt[k - 1].logprob < a.logprob;
         k--)
        p->alt[k] = p->alt[k - 1];
    p->alt[k] = a;
    p->n_alt++;
    t->n_alt++;
    str_put(&p->bytes, bytes, n);
    return str_ok(&p->bytes) ? 0 : -1;
}

/* --- being written ------------------------------------------------------- */

struct put {
    struct db_writer *w;
    struct foreign *f;
    struct vocab vocab;
    int is_words;               /* its tokens are ours, not the model's */
    int64_t model_id;
    struct finish fin;
    struct track *root;         /* what all paths grew from: the question */
    struct track **track;       /* [n_path] */
    int64_t n_token;            /* the model's; words are none */
    int64_t ended_us;
    struct sor_msg *msg;
};

static enum sor_err no_memory(const struct put *u)
{
    return sor_fail(u->msg, SOR_NOMEM, "out of memory");
}

static void hash_str(struct sha256 *h, const struct str *s)
{
    uint64_t n = s->len;

    sha256_update(h, &n, sizeof n);
    sha256_update(h, s->p, s->len);
}

/* Everything that was read, each part with its length. */
static enum sor_err name(const struct put *u, char uid[33])
{
    const struct foreign *f = u->f;
    uint8_t sum[SHA256_BYTES];
    struct sha256 *h = sha256_open();

    if (!h)
        return no_memory(u);
    sha256_update(h, "sorites import 1", 16);
    hash_str(h, &f->prompt);
    hash_str(h, &f->system);
    hash_str(h, &f->model);
    hash_str(h, &f->params);
    for (int i = 0; i < f->n_path; i++) {
        hash_str(h, &f->path[i]->text);
        hash_str(h, &f->path[i]->params);
        hash_str(h, &f->path[i]->bytes);
        for (int k = 0; k < f->path[i]->n_tok; k++)
            sha256_update(h, &f->path[i]->tok[k].logprob, sizeof(float));
    }
    sha256_final(h, sum);
    sha256_close(h);
    hash_hex(sum, 16, uid);
    return SOR_OK;
}

/* Words with the space before them. */
static int cut_words(struct foreign_path *p)
{
    const char *s = p->text.p;
    size_t n = p->text.len, from = 0;

    while (from < n) {
        size_t to = from;

        while (to < n && is_space(s[to]))
            to++;
        while (to < n && !is_space(s[to]))
            to++;
        if (foreign_tok(p, s + from, to - from, (double)NAN) != 0)
            return -1;
        from = to;
    }
    return 0;
}

/* Into the run's params: its positions are words, which we cut. */
static void say_words(struct str *params)
{
    if (params->len < 3) {          /* "" or {} */
        str_clear(params);
        str_puts(params, "{\"tokens\":\"words\"}");
        return;
    }
    params->p[--params->len] = '\0';
    str_puts(params, ",\"tokens\":\"words\"}");
}

/* A path that has tokens and no text gets theirs; several paths without any
 * tokens get words. */
static enum sor_err complete(struct put *u)
{
    struct foreign *f = u->f;
    int any = 0;

    for (int i = 0; i < f->n_path; i++) {
        struct foreign_path *p = f->path[i];
        struct str all;

        any |= p->n_tok > 0;
        if (p->text.len || !p->n_tok)
            continue;
        str_init(&all);
        for (int k = 0; k < p->n_tok; k++)
            str_put(&all, p->bytes.p + p->tok[k].at, p->tok[k].n);
        foreign_text(&p->text, all.p, all.len);
        p->text.failed |= all.failed;
        str_release(&all);
        if (!str_ok(&p->text))
            return no_memory(u);
    }
    u->is_words = !any && f->n_path > 1;
    if (u->is_words)
        say_words(&f->params);
    if (!str_ok(&f->params))
        return no_memory(u);
    for (int i = 0; u->is_words && i < f->n_path; i++)
        if (cut_words(f->path[i]) != 0)
            return no_memory(u);
    return SOR_OK;
}

static enum sor_err collect(struct put *u)
{
    for (int i = 0; i < u->f->n_path; i++) {
        const struct foreign_path *p = u->f->path[i];

        for (int k = 0; k < p->n_tok; k++)
            if (vocab_add(&u->vocab, p->bytes.p + p->tok[k].at,
                          p->tok[k].n) != 0)
                return no_memory(u);
        for (int k = 0; k < p->n_alt; k++)
            if (vocab_add(&u->vocab, p->bytes.p + p->alt[k].at,
                          p->alt[k].n) != 0)
                return no_memory(u);
    }
    vocab_sort(&u->vocab);
    return SOR_OK;
}

/* --- its model ----------------------------------------------------------- */

/* A foreign model is known by name only; one with a vocabulary is this run's
 * view of it. */
static enum sor_err model_sum(const struct put *u, uint8_t sum[SHA256_BYTES])
{
    struct sha256 *h = sha256_open();

    if (!h)
        return no_memory(u);
    sha256_update(h, "sorites foreign 1", 17);
    hash_str(h, &u->f->model);
    for (int i = 0; i < u->vocab.n; i++) {
        uint64_t n = u->vocab.piece[i].n;

        sha256_update(h, &n, sizeof n);
        sha256_update(h, u->vocab.piece[i].p, u->vocab.piece[i].n);
    }
    sha256_final(h, sum);
    sha256_close(h);
    return SOR_OK;
}

static enum sor_err put_model(struct put *u)
{
    const struct str *given = &u->f->model;
    struct db_model m = {
        .name = given->len ? given->p : "unnamed model", .path = "",
        .arch = "foreign", .quant = "unknown", .n_vocab = u->vocab.n,
    };
    enum sor_err err;

    if (!given->len && !u->vocab.n)
        return SOR_OK;
    if ((err = model_sum(u, m.sha256)) ||
        (err = db_put_model(u->w, &m, NULL, 0, &u->model_id, u->msg)))
        return err;
    for (int i = 0; i < u->vocab.n && !err; i++)
        err = db_put_piece(u->w, u->model_id, i, u->vocab.piece[i].p,
                           u->vocab.piece[i].n, u->msg);
    return err;
}

/* --- run and paths ------------------------------------------------------- */

static enum sor_err put_run(struct put *u, const char *uid)
{
    struct foreign *f = u->f;
    struct db_put_run row = {
        .uid = uid, .kind = "import", .chat = "none", .route = "off",
        .kv_type = "none", .isa = "none", .program = SORITES_VERSION,
        .level = u->vocab.n ? "tokens" : "steps", .params = f->params.p,
        .model_id = u->model_id, .n_path = f->n_path, .max_tok = f->max_tok,
        .seed = f->seed, .temperature = f->temperature, .top_p = f->top_p,
        .started_us = f->started_us ? f->started_us : u->ended_us,
    };
    enum sor_err err;

    if ((err = db_put_text(u->w, f->prompt.p, f->prompt.len, &row.prompt_id,
                           u->msg)) ||
        (f->has_system && (err = db_put_text(u->w, f->system.p, f->system.len,
                                             &row.system_id, u->msg))) ||
        (err = db_put_run(u->w, &row, &u->fin.run_id, u->msg)))
        return err;
    u->fin.db = u->w;
    u->fin.question = f->prompt.p;
    u->fin.n_question = f->prompt.len;
    return SOR_OK;
}

/* Where the token's bytes stand in the text, from *cursor on; they may have
 * been trimmed or left out there, then it stands where the next one begins. */
static size_t place(const struct str *text, const char *p, size_t n,
                    size_t *cursor)
{
    size_t at = *cursor, ahead = 0;

    while (ahead <= LOOK_AHEAD && at + ahead + n <= text->len &&
           memcmp(text->p + at + ahead, p, n) != 0)
        ahead++;
    if (n && ahead <= LOOK_AHEAD && at + ahead + n <= text->len) {
        at += ahead;
        *cursor = at + n;
    }
    while (at > 0 && at < text->len && ((unsigned char)text->p[at] & 0xC0) ==
           0x80)
        at--;                   /* begins inside a character */
    return at;
}

static void take_token(const struct put *u, const struct foreign_path *p,
                       int i, struct track_tok *k)
{
    const struct foreign_tok *t = &p->tok[i];

    k->id = vocab_id(&u->vocab, p->bytes.p + t->at, t->n);
    k->logprob = t->logprob;
    k->n_alt = (uint8_t)t->n_alt;
    for (int j = 0; j < t->n_alt; j++) {
        const struct foreign_alt *a = &p->alt[t->alt_from + j];

        pack_alt_put(k->alt, j, vocab_id(&u->vocab, p->bytes.p + a->at, a->n),
                     a->logprob);
    }
}

static enum sor_err put_tokens(struct put *u, const struct foreign_path *p,
                               struct track *t)
{
    size_t cursor = 0;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_tok && !err; i++) {
        struct track_tok *k = track_at(t, i);
        struct db_put_token row = { .path_id = t->id, .pos = i, .mode = -1,
                                    .entropy = (double)NAN };

        if (!k)
            return no_memory(u);
        take_token(u, p, i, k);
        k->at = place(&p->text, p->bytes.p + p->tok[i].at, p->tok[i].n,
                      &cursor);
        row.token_id = k->id;
        row.logprob = (double)k->logprob;
        if (k->n_alt)
            row.alt = (struct db_blob){ k->alt, (size_t)k->n_alt *
                                                PACK_ALT_BYTES };
        err = db_put_token(u->w, &row, u->msg);
    }
    return err;
}

static enum sor_err put_path(struct put *u, int i)
{
    const struct foreign_path *p = u->f->path[i];
    struct track_spec spec = { .tag = (uint64_t)i + 1, .parent = u->root,
                               .ordinal = i, .max_tok = p->n_tok,
                               .kind = "import" };
    struct db_put_path row = {
        .run_id = u->fin.run_id, .ordinal = i, .kind = "import",
        .params = p->params.len ? p->params.p : "{}",
    };
    struct finish_end how = { p->stop, p->n_token, u->ended_us };
    struct track *t = u->track[i] = track_open(&spec);
    enum sor_err err;

    if (!t)
        return no_memory(u);
    if (how.n_token < 0 && u->is_words)
        how.n_token = 0;
    u->n_token += u->is_words ? how.n_token : p->n_tok;
    if ((err = db_put_path(u->w, &row, &t->id, u->msg)) ||
        (err = put_tokens(u, p, t)))
        return err;
    return finish_path(&u->fin, t, &p->text, &how, u->msg);
}

static enum sor_err put_end(struct put *u)
{
    const struct foreign *f = u->f;
    struct db_put_run_end row = {
        .run_id = u->fin.run_id, .status = "complete", .n_token = u->n_token,
        .ended_us = u->ended_us,
    };

    if (f->started_us && f->ended_us > f->started_us)
        row.wall_ns = (f->ended_us - f->started_us) * 1000;
    return db_put_run_end(u->w, &row, u->msg);
}

/* Of a path without tokens nobody can say where it parts from another. */
static enum sor_err put_partings(struct put *u)
{
    int n = u->f->n_path, n_known = 0;
    struct track **known = mem_calloc((size_t)n, sizeof *known);
    enum sor_err err;

    if (!known)
        return no_memory(u);
    for (int i = 0; i < n; i++)
        if (u->track[i]->n_tok)
            known[n_known++] = u->track[i];
    err = finish_run(&u->fin, known, n_known, u->msg);
    mem_free(known);
    return err;
}

static enum sor_err put_all(struct put *u, const char *uid)
{
    struct track_spec root = { .kind = "import" };
    int n = u->f->n_path;
    enum sor_err err;

    u->track = mem_calloc((size_t)n, sizeof *u->track);
    u->root = track_open(&root);
    if (!u->track || !u->root)
        return no_memory(u);
    if ((err = db_begin(u->w, 0, u->msg)) || (err = put_model(u)) ||
        (err = put_run(u, uid)))
        return err;
    for (int i = 0; i < n && !err; i++)
        err = put_path(u, i);
    if (!err)
        err = put_partings(u);
    if (err || (err = put_end(u)))
        return err;
    return db_commit(u->w, NULL, u->msg);
}

static int is_whole(const struct foreign *f)
{
    int ok = str_ok(&f->prompt) && str_ok(&f->system) && str_ok(&f->model) &&
             str_ok(&f->params);

    for (int i = 0; i < f->n_path; i++)
        ok = ok && str_ok(&f->path[i]->text) && str_ok(&f->path[i]->params);
    return ok;
}

enum sor_err foreign_put(struct db_writer *w, struct foreign *f,
                         char uid[33], int *known, struct sor_msg *msg)
{
    struct put u = { .w = w, .f = f, .msg = msg,
                     .ended_us = f->ended_us ? f->ended_us
                                             : clock_wall_us() };
    enum sor_err err;

    if (!is_whole(f))
        return no_memory(&u);
    if (!f->n_path)
        return sor_fail(msg, SOR_FORMAT, "holds no answer");
    if ((err = name(&u, uid)) || (err = load_knows(w, uid, known, msg)) ||
        *known)
        return err;
    if (!(err = complete(&u)) && !(err = collect(&u)))
        err = put_all(&u, uid);
    if (err)
        db_rollback(w);
    for (int i = 0; u.track && i < f->n_path; i++)
        track_close(u.track[i]);
    track_close(u.root);
    mem_free(u.track);
    vocab_release(&u.vocab);
    return err;
}
