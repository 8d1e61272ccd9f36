#include "review/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/xdg.h"
#include "review/graph.h"
#include "review/pack_impl.h"

/* Where `make install` puts the packs; the Makefile says it. */
#ifndef SORITES_PREFIX
#define SORITES_PREFIX "/usr/local"
#endif

/* --- where packs are ------------------------------------------------------- */

/* "domains" beside the running program, which need not be found by name.
 * Source: proc(5), /proc/pid/exe; elsewhere there is no such place. */
static void beside_program(struct str *out)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);

    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n > 0 && (size_t)n < sizeof path) {
        str_put(out, path, (size_t)n);
        str_puts(out, "domains");
    }
}

int pack_places(int (*fn)(void *ud, const char *folder), void *ud)
{
    const char *list = getenv("SORITES_DOMAINS");
    struct str place;
    int stop = 0;

    str_init(&place);
    while (list && *list && !stop) {
        size_t n = strcspn(list, ":");

        str_clear(&place);
        str_put(&place, list, n);
        if (n > 0 && str_ok(&place))
            stop = fn(ud, place.p);
        list += n + (list[n] == ':');
    }
    str_clear(&place);
    if (!stop && xdg_path(XDG_DATA, "domains", &place, NULL) == SOR_OK)
        stop = fn(ud, place.p);
    str_clear(&place);
    beside_program(&place);
    if (!stop && place.len && str_ok(&place))
        stop = fn(ud, place.p);
    str_release(&place);
    return stop ? stop : fn(ud, SORITES_PREFIX "/share/sorites/domains");
}

struct search {
    const char *id;
    struct str dir, tried;
};

static int look_in(void *ud, const char *folder)
{
    struct search *s = ud;
    size_t n;

    str_clear(&s->dir);
    str_printf(&s->dir, "%s/%s", folder, s->id);
    n = s->dir.len;
    str_puts(&s->dir, "/pack.json");
    if (str_ok(&s->dir) && access(s->dir.p, F_OK) == 0) {
        s->dir.len = n;
        s->dir.p[n] = '\0';
        return 1;
    }
    str_printf(&s->tried, "%s%s", s->tried.len ? ", " : "", folder);
    return 0;
}

/* *dir: the pack's folder, in the arena. */
static enum sor_err find(const char *dir_or_id, struct arena *arena,
                         const char **dir, struct sor_msg *msg)
{
    struct search s = { .id = dir_or_id };
    enum sor_err err = SOR_OK;

    str_init(&s.dir);
    str_init(&s.tried);
    if (strchr(dir_or_id, '/'))
        str_puts(&s.dir, dir_or_id);
    else if (!pack_places(look_in, &s))
        err = sor_fail(msg, SOR_NOTFOUND, "no domain pack \"%s\" in %s "
                       "($SORITES_DOMAINS adds a folder)", dir_or_id,
                       s.tried.p);
    while (s.dir.len > 1 && s.dir.p[s.dir.len - 1] == '/')
        s.dir.len--;        /* "legal/" and "legal" read alike */
    if (!err && (!str_ok(&s.dir) ||
                 !(*dir = arena_strndup(arena, s.dir.p, s.dir.len))))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    str_release(&s.dir);
    str_release(&s.tried);
    return err;
}

/* --- opening --------------------------------------------------------------- */

enum sor_err pack_open(const char *dir_or_id, struct pack **out,
                       struct sor_msg *msg)
{
    struct pack_whole *w = mem_calloc(1, sizeof *w);
    struct pack_in in = { .msg = msg };
    enum sor_err err;

    if (!w)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    str_init(&in.place);
    in.arena = &w->arena;
    err = find(dir_or_id, &w->arena, &w->pack.dir, msg);
    in.dir = w->pack.dir;
    if (!err)
        err = pack_read(&in, w);
    str_release(&in.place);
    if (err) {
        pack_close(&w->pack);
        return err;
    }
    *out = &w->pack;
    return SOR_OK;
}

void pack_close(struct pack *p)
{
    struct pack_whole *w = (struct pack_whole *)p;

    if (!w)
        return;
    for (int i = 0; i < w->pack.n_pattern; i++)
        pattern_release((struct pattern *)&w->pack.pattern[i]);
    arena_release(&w->arena);
    mem_free(w);
}

/* --- looking up ------------------------------------------------------------ */

/* The first entry at or after which text is not below key. */
static int first_of(const void *list, int n, size_t size, size_t offset,
                    const char *key)
{
    int low = 0, high = n;

    while (low < high) {
        int mid = (low + high) / 2;
        const char *s;

        memcpy(&s, (const char *)list + (size_t)mid * size + offset, sizeof s);
        if (strcmp(s, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct pattern *pack_patterns(const struct pack *p, const char *purpose,
                                    int *n)
{
    int from = first_of(p->pattern, p->n_pattern, sizeof *p->pattern,
                        offsetof(struct pattern, purpose), purpose);
    int to = from;

    while (to < p->n_pattern && strcmp(p->pattern[to].purpose, purpose) == 0)
        to++;
    *n = to - from;
    return p->pattern + from;
}

const struct fact *pack_facts(const struct pack *p, const char *group, int *n)
{
    int from = first_of(p->fact, p->n_fact, sizeof *p->fact,
                        offsetof(struct fact, group), group);
    int to = from;

    while (to < p->n_fact && strcmp(p->fact[to].group, group) == 0)
        to++;
    *n = to - from;
    return p->fact + from;
}

int pack_matches(const struct pack *p, const char *purpose, const char *text,
                 size_t n, struct match *m)
{
    struct match own;
    int k;
    const struct pattern *at = pack_patterns(p, purpose, &k);

    for (int i = 0; i < k; i++)
        if (pattern_next(&at[i], text, n, 0, m ? m : &own) == 1)
            return 1;
    return 0;
}

/* --- the adapter ----------------------------------------------------------- */

static enum sor_err hash_file(const struct pack_in *in, char hex[SHA256_HEX])
{
    enum { CHUNK = 1 << 16 };
    struct sha256 *h = sha256_open();
    void *chunk = mem_alloc(CHUNK);
    uint8_t sum[SHA256_BYTES];
    size_t size;
    ssize_t n = 0;
    int fd;
    enum sor_err err = h && chunk ? pack_file_open(in, &fd, &size)
                                  : sor_fail(in->msg, SOR_NOMEM,
                                             "out of memory");

    if (!err) {
        while ((n = read(fd, chunk, CHUNK)) > 0)
            sha256_update(h, chunk, (size_t)n);
        if (n < 0)
            err = sor_fail(in->msg, SOR_IO, "%s/%s: %s", in->dir, in->file,
                           strerror(errno));
        close(fd);
        sha256_final(h, sum);
        hash_hex(sum, sizeof sum, hex);
    }
    mem_free(chunk);
    sha256_close(h);
    return err;
}

enum sor_err pack_adapter(struct pack *p, const char **path,
                          struct sor_msg *msg)
{
    struct pack_whole *w = (struct pack_whole *)p;
    struct pack_in in = { .dir = p->dir, .file = p->adapter, .msg = msg };
    char hex[SHA256_HEX];
    struct str place;
    enum sor_err err;

    if (!p->adapter) {
        *path = NULL;
        return SOR_OK;
    }
    if ((err = hash_file(&in, hex)))
        return err;
    if (strcmp(hex, p->adapter_sha256) != 0)
        return sor_fail(msg, SOR_DIFFERS, "%s/%s: sha256 %.16s..., but the "
                        "pack was measured with %.16s...", p->dir, p->adapter,
                        hex, p->adapter_sha256);
    str_init(&place);
    str_printf(&place, "%s/%s", p->dir, p->adapter);
    *path = str_ok(&place) ? arena_strndup(&w->arena, place.p, place.len)
                           : NULL;
    str_release(&place);
    return *path ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory");
}

/* --- claims of the user's own ---------------------------------------------- */

/* What of the pack a user's text is. */
struct worded {
    const struct claim *claim;      /* NULL: nothing */
    int which;                      /* of its wordings */
    const char *stated;             /* the value in the place of "{}" */
};

/* Is text this wording, with a value in its "{}"?  1 and a copy of the
 * value, NULL where there is no "{}"; 0: it is not; -1: out of memory. */
static int fits(struct pack_whole *p, const struct claim *c,
                const char *wording, const char *text, const char **stated)
{
    const char *hole = strstr(wording, "{}");
    size_t before = hole ? (size_t)(hole - wording) : 0, n = strlen(text);
    size_t after = hole ? strlen(hole + 2) : 0;
    int kind = value_kind_of(c->kind);
    char norm[VALUE_FORM];

    *stated = NULL;
    if (!hole)
        return strcmp(wording, text) == 0;
    if (kind < 0 || n <= before + after ||
        strncmp(wording, text, before) != 0 ||
        strcmp(hole + 2, text + n - after) != 0)
        return 0;
    *stated = arena_strndup(&p->arena, text + before, n - before - after);
    if (!*stated)
        return -1;
    return value_of(&p->pack, (enum value_kind)kind, *stated, norm);
}

/* The pack's claim that a user's text is.  A text that several could mean is
 * the one of the user's id, or none. */
static enum sor_err find_worded(struct pack_whole *p, const struct custom *u,
                                struct worded *out)
{
    int n = 0;

    *out = (struct worded){ .which = 0 };
    for (int i = 0; i < p->pack.n_claim; i++) {
        const struct claim *c = &p->pack.claim[i];

        for (int k = 0; k < c->n_wording; k++) {
            const char *stated;
            int fit = c->wording[k].to == RELATION_SUPPORTS
                          ? fits(p, c, c->wording[k].text, u->text, &stated)
                          : 0;

            if (fit < 0)
                return SOR_NOMEM;
            if (!fit)
                continue;
            *out = (struct worded){ c, k, stated };
            if (strcmp(c->id, u->id) == 0)
                return SOR_OK;
            n++;
        }
    }
    if (n > 1)
        out->claim = NULL;
    return SOR_OK;
}

/* A claim that stands for what the user wrote: the pack's own, said first in
 * the user's wording, or one of that wording alone. */
static enum sor_err custom_claim(struct pack_whole *w, const struct custom *u,
                                 struct claim *to)
{
    struct worded own;
    enum sor_err err = find_worded(w, u, &own);
    const struct claim *c = own.claim;
    int n = c ? c->n_wording : 1;
    struct wording *list = arena_alloc(&w->arena, (size_t)n, sizeof *list);

    if (err || !list)
        return SOR_NOMEM;
    if (c) {
        *to = *c;
        to->stated = own.stated;
        memcpy(list, c->wording, (size_t)n * sizeof *list);
        list[own.which].text = c->wording[0].text;
        list[own.which].trained = c->wording[0].trained;
        list[0].text = c->wording[own.which].text;
        list[0].trained = c->wording[own.which].trained;
    } else {
        list[0] = (struct wording){ .to = RELATION_SUPPORTS,
                                    .role = "statement",
                                    .text = u->text };
        *to = (struct claim){ .set = "custom", .title = u->text,
                              .kind = "statement", .custom = u->text,
                              .n_wording = 1 };
    }
    to->wording = list;
    to->id = u->id;
    return SOR_OK;
}

enum sor_err pack_claims_file(struct pack *p, const char *path,
                              const struct claim **out, int *n,
                              struct sor_msg *msg)
{
    struct pack_whole *w = (struct pack_whole *)p;
    const char *slash = strrchr(path, '/');
    struct customs all = { 0 };
    struct pack_in in = { .arena = &w->arena, .msg = msg, .foreign = 1 };
    struct claim *list = NULL;
    enum sor_err err = SOR_OK;

    str_init(&in.place);
    in.file = slash ? slash + 1 : path;
    in.dir = !slash ? "." : arena_strndup(&w->arena, path,
                                          (size_t)(slash - path));
    if (in.dir)
        err = pack_read_file(&in, &pack_customs_file, &all);
    if (!err && in.dir && all.n == 0)
        err = pack_wrong(&in, NULL, "holds no claim");
    if (!err && (!in.dir || !(list = arena_alloc(&w->arena, (size_t)all.n,
                                                 sizeof *list))))
        err = SOR_NOMEM;
    for (int i = 0; i < all.n && !err; i++) {
        for (int k = 0; k < i && !err; k++)
            if (strcmp(all.at[k].id, all.at[i].id) == 0)
                err = pack_wrong(&in, NULL, "the claim \"%.60s\" stands "
                                 "twice", all.at[i].id);
        if (!err)
            err = custom_claim(w, &all.at[i], &list[i]);
    }
    str_release(&in.place);
    if (err == SOR_NOMEM)
        return sor_fail(msg, err, "%s: out of memory", path);
    if (err)
        return err;
    *out = list;
    *n = all.n;
    return SOR_OK;
}
