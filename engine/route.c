#include "engine/route.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/kern.h"

/* Blocks that any one of the numbers may say: 2^20 tokens. */
enum { BLOCKS_MAX = 1 << 16, FORMAT = 1 };

static const char *const choices[ROUTE_CHOICES] = {
    "off", "auto", "sparse", "hybrid", "full"
};
static const char *const modes[] = { "sparse", "hybrid", "full" };

static const char *const parts[HOOK_PARTS] = {
    "entropy", "trend", "novelty", "structure", "escalated"
};

int route_parse_choice(const char *name)
{
    for (int i = 0; i < ROUTE_CHOICES; i++)
        if (strcmp(choices[i], name) == 0)
            return i;
    return -1;
}

const char *route_choice_name(enum route_choice c)
{
    return choices[c];
}

const char *route_mode_name(int mode)
{
    return modes[mode];
}

/* --- memory --------------------------------------------------------------- */

static size_t groups(const struct route *r)
{
    return (size_t)r->n_layer * (size_t)r->n_group;
}

static enum sor_err alloc(const struct model_hparams *hp, struct route **out,
                          struct sor_msg *msg)
{
    struct route *r = mem_calloc(1, sizeof *r);
    int ok = r != NULL;

    if (ok) {
        r->n_layer = (int)hp->n_layer;
        r->n_group = (int)hp->n_head_kv;
        r->rank = mem_calloc(groups(r), sizeof *r->rank);
        ok = r->rank != NULL;
    }
    for (int m = 0; ok && m < ROUTE_MODES; m++) {
        r->limit[m] = mem_calloc(groups(r), sizeof *r->limit[m]);
        r->dense[m] = mem_calloc((size_t)r->n_layer, sizeof *r->dense[m]);
        ok = r->limit[m] && r->dense[m];
    }
    if (!ok) {
        route_close(r);
        return sor_fail(msg, SOR_NOMEM, "routing: out of memory");
    }
    *out = r;
    return SOR_OK;
}

void route_close(struct route *r)
{
    if (!r)
        return;
    for (int m = 0; m < ROUTE_MODES; m++) {
        mem_free(r->limit[m]);
        mem_free(r->dense[m]);
    }
    mem_free(r->rank);
    mem_free(r);
}

enum sor_err route_open(const struct model_hparams *hp, struct route **out,
                        struct sor_msg *msg)
{
    struct route *r = NULL;
    enum sor_err err = alloc(hp, &r, msg);
    int n;

    if (err)
        return err;
    n = (int)groups(r);
    r->choice = ROUTE_AUTO;
    r->low = 0.45f;
    r->high = 0.7f;
    r->first = 1;
    r->last = 4;
    r->mode[HOOK_SPARSE] = (struct route_mode){ (n + 3) / 4, 64, 16 };
    r->mode[HOOK_HYBRID] = (struct route_mode){ (n + 1) / 2, 128, 32 };
    r->weights = complexity_default;
    r->unsure_entropy = 4.0f;
    for (int i = 0; i < n; i++)
        r->rank[i] = (uint16_t)i;
    err = route_make(r, msg);
    if (err)
        route_close(r);
    else
        *out = r;
    return err;
}

/* --- the tables ----------------------------------------------------------- */

static enum sor_err bad(struct sor_msg *msg, const char *what, double is,
                        const char *want)
{
    return sor_fail(msg, SOR_USAGE, "routing: %s is %g; it must be %s", what,
                    is, want);
}

static int in(double x, double least, double most)
{
    return x >= least && x <= most;     /* not so for NaN */
}

static enum sor_err check_mode(const struct route *r, int m,
                               struct sor_msg *msg)
{
    const struct route_mode *of = &r->mode[m];

    if (!in(of->n_dense, 0, (double)groups(r)))
        return bad(msg, "the number of dense groups", of->n_dense,
                   "at most that of the model's groups");
    if (!in(of->best, 0, BLOCKS_MAX))
        return bad(msg, "best", of->best, "0 to 65536 blocks");
    if (!in(of->cap, of->best, BLOCKS_MAX))
        return bad(msg, "cap", of->cap, "from best to 65536 blocks");
    return SOR_OK;
}

static enum sor_err check(const struct route *r, struct sor_msg *msg)
{
    float most = 0.0f;

    if ((unsigned)r->choice >= ROUTE_CHOICES)
        return bad(msg, "the choice", r->choice, "one that there is");
    if (!in((double)r->low, 0, 1))
        return bad(msg, "low", (double)r->low, "from 0 to 1");
    if (!in((double)r->high, (double)r->low, 1))
        return bad(msg, "high", (double)r->high, "from low to 1");
    if (!in(r->first, 0, BLOCKS_MAX))
        return bad(msg, "first", r->first, "0 to 65536 blocks");
    if (!in(r->last, 2, BLOCKS_MAX))    /* only a full block has a hull */
        return bad(msg, "last", r->last, "2 to 65536 blocks");
    for (int i = 0; i < HOOK_PARTS; i++) {
        if (!in((double)r->weights.of[i], -1e6, 1e6))
            return bad(msg, "a weight", (double)r->weights.of[i],
                       "a number within a million");
        most += fabsf(r->weights.of[i]);
    }
    if (!(most > 0.0f))
        return bad(msg, "the sum of all weights", (double)most, "over 0");
    if (!in((double)r->unsure_entropy, 0, 1e6))
        return bad(msg, "the guard's entropy", (double)r->unsure_entropy,
                   "from 0 on");
    if (!in((double)r->unsure_margin, 0, 1e6))
        return bad(msg, "the guard's margin", (double)r->unsure_margin,
                   "from 0 on");
    return SOR_OK;
}

/* Every group is ranked once. */
static enum sor_err check_rank(const struct route *r, struct sor_msg *msg)
{
    size_t n = groups(r);
    uint8_t *seen = mem_calloc(n, 1);
    enum sor_err err = SOR_OK;

    if (!seen)
        return sor_fail(msg, SOR_NOMEM, "routing: out of memory");
    for (size_t i = 0; i < n && !err; i++)
        if (r->rank[i] >= n || seen[r->rank[i]]++)
            err = bad(msg, "a group in the rank", r->rank[i],
                      "there, and ranked once");
    mem_free(seen);
    return err;
}

enum sor_err route_make(struct route *r, struct sor_msg *msg)
{
    enum sor_err err = check(r, msg);

    for (int m = 0; m < ROUTE_MODES && !err; m++)
        err = check_mode(r, m, msg);
    if (err || (err = check_rank(r, msg)))
        return err;
    r->most = 0;
    for (int m = 0; m < ROUTE_MODES; m++) {
        const struct route_mode *of = &r->mode[m];
        int ends = r->first + r->last;

        memset(r->dense[m], 0, (size_t)r->n_layer * sizeof *r->dense[m]);
        for (int i = 0; i < (int)groups(r); i++) {
            int is_dense = i < of->n_dense, at = r->rank[i];
            int limit = ends + (is_dense ? of->cap : of->best);

            r->limit[m][at] = (uint16_t)(limit < UINT16_MAX ? limit
                                                            : UINT16_MAX);
            if (is_dense)
                r->dense[m][at / r->n_group] |= UINT64_C(1)
                                                << at % r->n_group % 64;
        }
        r->least[m] = ends + (of->n_dense < (int)groups(r) ? of->best
                                                            : of->cap);
        if (of->n_dense > 0 && ends + of->cap > r->most)
            r->most = ends + of->cap;
        if (ends + of->best > r->most)
            r->most = ends + of->best;
    }
    return SOR_OK;
}

void route_budget(struct route *r, int blocks)
{
    for (int m = 0; m < ROUTE_MODES; m++) {
        r->mode[m].best = blocks;
        r->mode[m].cap = ROUTE_DENSE_TIMES * blocks;
    }
}

int route_reads(const struct route *r, int mode, int layer, int group,
                int n_block)
{
    int limit = mode == HOOK_FULL ? n_block
                                  : r->limit[mode][layer * r->n_group + group];

    return n_block < limit ? n_block : limit;
}

int route_compares(const struct route *r, int mode, int layer, int group,
                   int n_block)
{
    int n = route_reads(r, mode, layer, group, n_block);
    int chooses = n < n_block && n > r->first + r->last;

    return chooses ? n_block - r->first - r->last : 0;
}

struct route_work route_work(const struct model_hparams *hp, int kv_type,
                             double blocks_read, double compared)
{
    double hd = hp->head_dim, heads = hp->n_head / hp->n_head_kv;
    double piece = (double)kern_piece_bytes((enum kern_kvtype)kv_type,
                                            (int)hp->head_dim);
    double hull = (double)kern_hull_bytes((int)hp->head_dim) / KERN_LANES;

    return (struct route_work){
        hd * (2.0 * KERN_KVBLOCK * heads * blocks_read + 2.0 * compared),
        piece * blocks_read + hull * compared };
}

/* --- JSON ----------------------------------------------------------------- */

/* The shortest number that is read as the same float. */
static double plain(float v)
{
    char text[32];
    double d = (double)v;

    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        d = strtod(text, NULL);
        if ((float)d == v)
            break;
    }
    return d;
}

static void print_modes(const struct route *r, struct json *j)
{
    for (int m = 0; m < ROUTE_MODES; m++) {
        json_key(j, modes[m]);
        json_obj(j);
        json_key(j, "dense");
        json_int(j, r->mode[m].n_dense);
        json_key(j, "cap");
        json_int(j, r->mode[m].cap);
        json_key(j, "best");
        json_int(j, r->mode[m].best);
        json_end_obj(j);
    }
}

void route_print(const struct route *r, struct str *out)
{
    struct json j;

    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "format");
    json_int(&j, FORMAT);
    json_key(&j, "choice");
    json_str(&j, choices[r->choice]);
    json_key(&j, "low");
    json_num(&j, plain(r->low));
    json_key(&j, "high");
    json_num(&j, plain(r->high));
    json_key(&j, "first");
    json_int(&j, r->first);
    json_key(&j, "last");
    json_int(&j, r->last);
    print_modes(r, &j);
    json_key(&j, "weights");
    json_obj(&j);
    for (int i = 0; i < HOOK_PARTS; i++) {
        json_key(&j, parts[i]);
        json_num(&j, plain(r->weights.of[i]));
    }
    json_end_obj(&j);
    json_key(&j, "unsure_entropy");
    json_num(&j, plain(r->unsure_entropy));
    json_key(&j, "unsure_margin");
    json_num(&j, plain(r->unsure_margin));
    json_key(&j, "layers");
    json_int(&j, r->n_layer);
    json_key(&j, "groups");
    json_int(&j, r->n_group);
    json_key(&j, "rank");
    json_arr(&j);
    for (size_t i = 0; i < groups(r); i++)
        json_int(&j, r->rank[i]);
    json_end_arr(&j);
    json_end_obj(&j);
}

/* A reader of members that keeps the first thing it did not like. */
struct reader {
    const char *where;
    struct sor_msg *msg;
    enum sor_err err;
};

static double number(struct reader *in_, const cJSON *obj, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(obj, key);

    if (!in_->err && !cJSON_IsNumber(n))
        in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"%s\" is missing or "
                            "no number", in_->where, key);
    return cJSON_IsNumber(n) ? n->valuedouble : 0.0;
}

/* 0..65536 where it is right; else an error. */
static int whole(struct reader *in_, const cJSON *obj, const char *key)
{
    double v = number(in_, obj, key);

    if (!in_->err && !(in(v, 0, BLOCKS_MAX) && v == floor(v)))
        in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"%s\" is %g; it must "
                            "be a whole number from 0 to %d", in_->where, key,
                            v, BLOCKS_MAX);
    return in_->err ? 0 : (int)v;
}

static const cJSON *object(struct reader *in_, const cJSON *obj,
                           const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(obj, key);

    if (!in_->err && !cJSON_IsObject(o))
        in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"%s\" is missing or "
                            "no object", in_->where, key);
    return o;
}

static void read_rank(struct reader *in_, const cJSON *root, struct route *r)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "rank"), *item;
    size_t n = 0;

    cJSON_ArrayForEach(item, list) {
        double v = cJSON_IsNumber(item) ? item->valuedouble : -1;

        if (n < groups(r) && in(v, 0, (double)groups(r) - 1) && v == floor(v))
            r->rank[n] = (uint16_t)v;
        else if (!in_->err)
            in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"rank\"[%zu] is "
                                "no group of the model's %zu", in_->where, n,
                                groups(r));
        n++;
    }
    if (!in_->err && n != groups(r))
        in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"rank\" holds %zu "
                            "groups; the model has %zu", in_->where, n,
                            groups(r));
}

static void read_members(struct reader *in_, const cJSON *root,
                         struct route *r)
{
    const cJSON *choice = cJSON_GetObjectItemCaseSensitive(root, "choice");
    int c = cJSON_IsString(choice) ? route_parse_choice(choice->valuestring)
                                   : -1;
    const cJSON *o;

    if (whole(in_, root, "format") != FORMAT && !in_->err)
        in_->err = sor_fail(in_->msg, SOR_UNSUP, "%s: \"format\" is not %d",
                            in_->where, FORMAT);
    if (!in_->err && c < 0)
        in_->err = sor_fail(in_->msg, SOR_FORMAT, "%s: \"choice\" is none of "
                            "off, auto, sparse, hybrid, full", in_->where);
    r->choice = c < 0 ? ROUTE_OFF : (enum route_choice)c;
    if ((whole(in_, root, "layers") != r->n_layer ||
         whole(in_, root, "groups") != r->n_group) && !in_->err)
        in_->err = sor_fail(in_->msg, SOR_UNSUP, "%s: made for another shape "
                            "of model (this one has %d layers of %d KV "
                            "groups)", in_->where, r->n_layer, r->n_group);
    r->low = (float)number(in_, root, "low");
    r->high = (float)number(in_, root, "high");
    r->first = whole(in_, root, "first");
    r->last = whole(in_, root, "last");
    for (int m = 0; m < ROUTE_MODES; m++) {
        o = object(in_, root, modes[m]);
        r->mode[m] = (struct route_mode){ whole(in_, o, "dense"),
                                          whole(in_, o, "cap"),
                                          whole(in_, o, "best") };
    }
    o = object(in_, root, "weights");
    for (int i = 0; i < HOOK_PARTS; i++)
        r->weights.of[i] = (float)number(in_, o, parts[i]);
    r->unsure_entropy = (float)number(in_, root, "unsure_entropy");
    r->unsure_margin = (float)number(in_, root, "unsure_margin");
    read_rank(in_, root, r);
}

enum sor_err route_parse(const char *json, const char *where,
                         const struct model_hparams *hp, struct route **out,
                         struct sor_msg *msg)
{
    struct reader reader = { where, msg, SOR_OK };
    struct route *r = NULL;
    struct sor_msg why;
    cJSON *root;

    reader.err = json_parse(json, strlen(json), where, &root, msg);
    if (reader.err)
        return reader.err;
    reader.err = alloc(hp, &r, msg);
    if (!reader.err)
        read_members(&reader, root, r);
    if (!reader.err && route_make(r, &why))
        reader.err = sor_fail(msg, SOR_FORMAT, "%s: %s", where, why.text);
    cJSON_Delete(root);
    if (reader.err)
        route_close(r);
    else
        *out = r;
    return reader.err;
}
