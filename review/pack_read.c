/* review/pack_read.c - a pack from its files, and what must hold between
 * them: ids are unique, and whatever one entry names, another is. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/pack_impl.h"

/* --- lists ----------------------------------------------------------------- */

/* The text at `offset` of entry i. */
static const char *text_at(const void *list, size_t i, size_t size,
                           size_t offset)
{
    const char *s;

    memcpy(&s, (const char *)list + i * size + offset, sizeof s);
    return s;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* SOR_FORMAT where two entries have the same text there. */
static enum sor_err unique(struct pack_in *in, const char *what,
                           const char *const *text, int n)
{
    const char **sorted = arena_alloc(in->arena, (size_t)n, sizeof *sorted);

    if (!sorted)
        return sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
    if (n > 0)
        memcpy(sorted, text, (size_t)n * sizeof *text);
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 1; i < n; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            return pack_wrong(in, NULL, "the %s \"%.100s\" stands twice", what,
                              sorted[i]);
    return SOR_OK;
}

/* The same of the member at `offset` of the entries of a list. */
struct entries { const void *at; int n; size_t size, offset; };

static enum sor_err unique_in(struct pack_in *in, const char *what,
                              const struct entries *e)
{
    const char **text = arena_alloc(in->arena, (size_t)e->n, sizeof *text);

    for (int i = 0; text && i < e->n; i++)
        text[i] = text_at(e->at, (size_t)i, e->size, e->offset);
    return text ? unique(in, what, text, e->n)
                : sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
}

/* Entries of one group together and in file order: groups in strcmp order, so
 * that a group is found by bisection.  Stable, and quick where the file has
 * its groups together already. */
static enum sor_err group_by(struct pack_in *in, void *list, int n,
                             size_t size, size_t offset)
{
    char *at = list, *one = arena_alloc(in->arena, 1, size);

    if (!one)
        return sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
    for (size_t i = 1; i < (size_t)n; i++) {
        const char *key = text_at(at, i, size, offset);
        size_t low = 0, high = i;

        while (low < high) {
            size_t mid = (low + high) / 2;

            if (strcmp(text_at(at, mid, size, offset), key) <= 0)
                low = mid + 1;
            else
                high = mid;
        }
        memcpy(one, at + i * size, size);
        memmove(at + (low + 1) * size, at + low * size, (i - low) * size);
        memcpy(at + low * size, one, size);
    }
    return SOR_OK;
}

static enum sor_err named(struct pack_in *in, const char *list, int i)
{
    str_clear(&in->place);
    str_printf(&in->place, "%s[%d]", list, i);
    return str_ok(&in->place) ? SOR_OK
           : sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
}

/* --- patterns -------------------------------------------------------------- */

static enum sor_err read_patterns(struct pack_in *in, struct pack_whole *w)
{
    struct patterns part[PACK_FILES] = { { 0 } };
    const struct file_list *files = &w->files.patterns;
    struct pattern *all;
    int n = 0;
    enum sor_err err = SOR_OK;

    for (int f = 0; f < files->n; f++) {
        in->file = files->at[f];
        if ((err = pack_read_file(in, &pack_patterns_file, &part[f])))
            return err;
        n += part[f].n;
    }
    all = arena_alloc(in->arena, (size_t)n, sizeof *all);
    if (!all)
        return sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
    w->pack.pattern = all;
    for (int f = 0; f < files->n; f++)
        for (int i = 0; i < part[f].n && !err; i++) {
            struct pattern *p = &all[w->pack.n_pattern++];

            in->file = files->at[f];
            *p = part[f].at[i];
            if (!(err = named(in, "patterns", i)))
                err = pattern_compile(in, p);
        }
    str_clear(&in->place);
    if (!err)
        err = unique_in(in, "pattern", &(struct entries){ all, n, sizeof *all,
                                        offsetof(struct pattern, id) });
    return err ? err : group_by(in, all, n, sizeof *all,
                                offsetof(struct pattern, purpose));
}

/* SOR_FORMAT unless the pack has a pattern of this purpose (NULL: fine). */
static enum sor_err has_purpose(struct pack_in *in, const struct pack *p,
                                const char *key, const char *purpose)
{
    int n;

    if (!purpose || (pack_patterns(p, purpose, &n), n > 0))
        return SOR_OK;
    return pack_wrong(in, key, "no pattern has the purpose \"%s\"", purpose);
}

/* --- types ----------------------------------------------------------------- */

static enum sor_err read_types(struct pack_in *in, struct pack_whole *w)
{
    struct types t = { 0 };
    enum sor_err err;

    if (!(in->file = w->files.types))
        return SOR_OK;
    err = pack_read_file(in, &pack_types_file, &t);
    w->pack.type = t.at;
    w->pack.n_type = t.n;
    return err ? err : unique_in(in, "label", &(struct entries){
                           t.at, t.n, sizeof *t.at,
                           offsetof(struct clause_type, label) });
}

static struct clause_type *type_of(const struct pack *p, const char *label)
{
    for (int i = 0; i < p->n_type; i++)
        if (strcmp(p->type[i].label, label) == 0)
            return (struct clause_type *)&p->type[i];   /* ours: the arena */
    return NULL;
}

static enum sor_err has_type(struct pack_in *in, const struct pack *p,
                             const char *label)
{
    return !label || type_of(p, label) ? SOR_OK
           : pack_wrong(in, "type", "no clause type has the label \"%.60s\"",
                        label);
}

/* --- claims ---------------------------------------------------------------- */

/* Statements say what each claim is, so no two may say the same. */
static enum sor_err check_claims(struct pack_in *in, const struct pack *p)
{
    const char **text = arena_alloc(in->arena, (size_t)p->n_claim,
                                    sizeof *text);
    int n = 0;
    enum sor_err err;

    if (!text)
        return sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
    for (int i = 0; i < p->n_claim; i++)
        if (strcmp(p->claim[i].kind, "statement") == 0)
            text[n++] = p->claim[i].wording[0].text;
    str_clear(&in->place);
    err = unique_in(in, "claim", &(struct entries){ p->claim, p->n_claim,
                    sizeof *p->claim, offsetof(struct claim, id) });
    if (!err)
        err = unique_in(in, "set", &(struct entries){ p->set, p->n_set,
                        sizeof *p->set, offsetof(struct claim_set, id) });
    return err ? err : unique(in, "statement", text, n);
}

static enum sor_err read_claims(struct pack_in *in, struct pack_whole *w)
{
    struct claims part[PACK_FILES] = { { { 0 }, NULL, 0 } };
    const struct file_list *files = &w->files.claims;
    struct pack *p = &w->pack;
    struct claim_set *sets;
    struct claim *all;
    int n = 0;
    enum sor_err err = SOR_OK;

    for (int f = 0; f < files->n; n += part[f++].n) {
        in->file = files->at[f];
        if ((err = pack_read_file(in, &pack_claims_file_type, &part[f])) ||
            (err = has_purpose(in, p, "set.document", part[f].set.document)))
            return err;
        for (int i = 0; i < part[f].n; i++)
            if ((err = named(in, "claims", i)) ||
                (err = has_type(in, p, part[f].at[i].type)))
                return err;
    }
    all = arena_alloc(in->arena, (size_t)n, sizeof *all);
    sets = arena_alloc(in->arena, (size_t)files->n, sizeof *sets);
    if (!all || !sets)
        return sor_fail(in->msg, SOR_NOMEM, "%s: out of memory", in->dir);
    p->claim = all;
    p->set = sets;
    for (int f = 0; f < files->n; f++) {
        sets[p->n_set++] = part[f].set;
        for (int i = 0; i < part[f].n; i++) {
            all[p->n_claim] = part[f].at[i];
            all[p->n_claim++].set = part[f].set.id;
        }
    }
    return check_claims(in, p);
}

static struct claim *claim_of(const struct pack *p, const char *id)
{
    for (int i = 0; i < p->n_claim; i++)
        if (strcmp(p->claim[i].id, id) == 0)
            return (struct claim *)&p->claim[i];        /* ours: the arena */
    return NULL;
}

/* --- playbook, figures, facts ---------------------------------------------- */

static enum sor_err give_positions(struct pack_in *in, const struct pack *p,
                                   const struct playbook *book)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < book->n && !err; i++) {
        const struct play *play = &book->at[i];
        struct claim *c = claim_of(p, play->claim);

        if ((err = named(in, "playbook", i)))
            return err;
        if (!c || c->position)
            return pack_wrong(in, "claim", "\"%.60s\" %s", play->claim,
                              c ? "stands twice" : "is no claim of the pack");
        c->position = play->at;
        c->n_position = play->n;
        err = unique_in(in, "party", &(struct entries){ play->at, play->n,
                        sizeof *play->at, offsetof(struct position, party) });
    }
    return err;
}

static enum sor_err read_playbook(struct pack_in *in, struct pack_whole *w)
{
    struct playbook book = { 0 };
    struct pack *p = &w->pack;
    enum sor_err err;

    if (!(in->file = w->files.playbook))
        return SOR_OK;
    if ((err = pack_read_file(in, &pack_playbook_file, &book)) ||
        (err = give_positions(in, p, &book)))
        return err;
    p->required = book.required;
    p->n_required = book.n_required;
    for (int i = 0; i < book.n_required && !err; i++) {
        const struct required *r = &book.required[i];

        if ((err = named(in, "required", i)) ||
            (err = has_purpose(in, p, "document", r->document)) ||
            (err = has_purpose(in, p, "found", r->found)))
            return err;
        err = has_type(in, p, r->type);
    }
    str_clear(&in->place);
    return err ? err : unique_in(in, "required clause", &(struct entries){
                           p->required, p->n_required, sizeof *p->required,
                           offsetof(struct required, id) });
}

/* One figure to its claim or type; a second for the same is refused. */
static enum sor_err give_figure(struct pack_in *in, const struct figure *f,
                                struct measured *to)
{
    if (!to)
        return pack_wrong(in, NULL, "the pack has no \"%.60s\"", f->of);
    if (to->n > 0)
        return pack_wrong(in, NULL, "\"%.60s\" stands twice", f->of);
    *to = f->m;
    return SOR_OK;
}

static enum sor_err read_figures(struct pack_in *in, struct pack_whole *w)
{
    struct figures all = { 0 };
    enum sor_err err;

    if (!(in->file = w->files.measured))
        return SOR_OK;
    err = pack_read_file(in, &pack_figures_file, &all);
    for (int i = 0; i < all.n_type && !err; i++) {
        struct clause_type *t = type_of(&w->pack, all.type[i].of);

        if (!(err = named(in, "types", i)))
            err = give_figure(in, &all.type[i], t ? &t->error : NULL);
    }
    for (int i = 0; i < all.n_claim && !err; i++) {
        const struct figure *f = &all.claim[i];
        struct claim *c = claim_of(&w->pack, f->of);

        if (!(err = named(in, "claims", i)))
            err = give_figure(in, f, !c ? NULL
                                     : f->contradicted ? &c->error_contradicted
                                                       : &c->error);
    }
    return err;
}

/* Ids are unique within a group, and `of` names one of another group. */
static enum sor_err check_facts(struct pack_in *in, const struct pack *p)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_fact && !err; ) {
        int n;

        pack_facts(p, p->fact[i].group, &n);
        err = unique_in(in, "fact", &(struct entries){ &p->fact[i], n,
                        sizeof *p->fact, offsetof(struct fact, id) });
        i += n;
    }
    for (int i = 0; i < p->n_fact && !err; i++) {
        int k = 0;

        while (p->fact[i].of && k < p->n_fact &&
               (strcmp(p->fact[k].id, p->fact[i].of) != 0 ||
                strcmp(p->fact[k].group, p->fact[i].group) == 0))
            k++;
        if (p->fact[i].of && k == p->n_fact)
            err = pack_wrong(in, "of", "fact \"%.60s\" belongs to \"%.60s\", "
                             "which is none", p->fact[i].id, p->fact[i].of);
    }
    return err;
}

static enum sor_err read_facts(struct pack_in *in, struct pack_whole *w)
{
    struct facts all = { 0 };
    enum sor_err err;

    if (!(in->file = w->files.facts))
        return SOR_OK;
    if ((err = pack_read_file(in, &pack_facts_file, &all)) ||
        (err = group_by(in, all.at, all.n, sizeof *all.at,
                        offsetof(struct fact, group))))
        return err;
    w->pack.fact = all.at;
    w->pack.n_fact = all.n;
    return check_facts(in, &w->pack);
}

/* --- the pack -------------------------------------------------------------- */

/* What pack.json's own table cannot say. */
static enum sor_err check_manifest(struct pack_in *in,
                                   const struct pack_whole *w)
{
    const struct pack *p = &w->pack;

    if (p->adapter && !p->model_name)
        return pack_wrong(in, NULL, "\"model\" is missing: an adapter belongs "
                          "to one");
    if (p->adapter && p->calibration.temperature == 0)
        return pack_wrong(in, NULL, "\"calibration\" is missing: an adapter's "
                          "answers are no probabilities without it");
    if (p->adapter && p->calibration.n_knot < 2)
        return pack_wrong(in, "calibration.confidence", "needs two points");
    return SOR_OK;
}

enum sor_err pack_read(struct pack_in *in, struct pack_whole *w)
{
    static enum sor_err (*const part[])(struct pack_in *,
                                        struct pack_whole *) = {
        read_patterns, read_types, read_claims, read_playbook, read_figures,
        read_facts,         /* in this order: later ones name earlier ones */
    };
    enum sor_err err;

    in->file = "pack.json";
    err = pack_read_file(in, &pack_manifest, w);
    if (!err)
        err = check_manifest(in, w);
    for (size_t i = 0; i < sizeof part / sizeof *part && !err; i++) {
        str_clear(&in->place);
        err = part[i](in, w);
    }
    return err;
}
