/* glibc offers realpath(), part of POSIX since 2008, only under XSI. */
#define _XOPEN_SOURCE 700

#include "probe/model_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"

enum { NAME_BYTES = GGUF_MAX_NAME + 1 };

static void put_part(struct model_id *id, struct gguf_str name,
                     const uint8_t *data, uint64_t bytes)
{
    char *to = id->names + (size_t)id->n_part * NAME_BYTES;
    size_t n = name.n < NAME_BYTES ? name.n : NAME_BYTES - 1;

    memcpy(to, name.p, n);
    to[n] = '\0';
    id->part[id->n_part] = (struct db_model_part){
        .ordinal = id->n_part, .name = to, .bytes = (int64_t)bytes,
        .xxh3 = hash_xxh3(data, bytes, 0) };
    id->n_part++;
    gguf_drop_pages(data, bytes);
}

/* Piece by piece, each given back: the engine holds the model meanwhile, and
 * twice is too much. */
static void digest(const struct gguf *g, uint8_t out[SHA256_BYTES])
{
    enum { PIECE = 4 << 20 };
    struct sha256 *h = sha256_open();
    uint64_t size = gguf_size(g), at = 0;

    if (!h) {
        sha256_bytes(gguf_map(g), size, out);
        return;
    }
    while (at < size) {
        uint64_t n = size - at < PIECE ? size - at : PIECE;

        sha256_update(h, gguf_map(g) + at, n);
        gguf_drop_pages(gguf_map(g) + at, n);
        at += n;
    }
    sha256_final(h, out);
    sha256_close(h);
}

enum sor_err model_id_read(const char *path, struct model_id *out,
                           struct sor_msg *msg)
{
    static const struct gguf_str header = { "header", 6 };
    struct model_id id = { .n_part = 0 };
    struct gguf *g;
    enum sor_err err = gguf_open(path, &g, msg);

    if (err)
        return err;
    size_t n = gguf_n_tensors(g) + 1;
    id.part = mem_calloc(n, sizeof *id.part);
    id.names = mem_calloc(n, NAME_BYTES);
    if (id.part && id.names) {
        put_part(&id, header, gguf_map(g), gguf_header_bytes(g));
        for (size_t i = 0; i + 1 < n; i++) {
            const struct gguf_tensor *t = gguf_tensor_at(g, i);

            put_part(&id, t->name, t->data, t->bytes);
        }
        digest(g, id.sha256);
        id.bytes = (int64_t)gguf_size(g);
        *out = id;
    } else {
        model_id_release(&id);
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory for its digests",
                       path);
    }
    gguf_close(g);
    return err;
}

void model_id_release(struct model_id *id)
{
    mem_free(id->part);
    mem_free(id->names);
    *id = (struct model_id){ .n_part = 0 };
}

static void *hash_thread(void *ud)
{
    struct model_id_job *job = ud;

    job->err = model_id_read(job->path, &job->id, &job->msg);
    return NULL;
}

/* Where no thread can be had the work is done here and now. */
void model_id_begin(struct model_id_job *job, const char *path)
{
    *job = (struct model_id_job){ .path = path };
    job->started = pthread_create(&job->thread, NULL, hash_thread, job) == 0;
    if (!job->started)
        hash_thread(job);
}

enum sor_err model_id_finish(struct model_id_job *job, struct model_id *out,
                             struct sor_msg *msg)
{
    if (job->started)
        pthread_join(job->thread, NULL);
    if (job->err) {
        if (msg)
            *msg = job->msg;
        return job->err;
    }
    *out = job->id;
    return SOR_OK;
}

void model_id_row(const struct model_id *id, const struct engine *e,
                  struct str *full, struct db_model *out)
{
    const struct engine_info *info = engine_info(e);
    const struct model_hparams *hp = engine_hparams(e);
    char *real = realpath(info->path, NULL);

    str_puts(full, real ? real : info->path);
    free(real);
    *out = (struct db_model){
        .bytes = id->bytes, .name = info->name, .path = full->p,
        .arch = info->arch, .quant = info->quant,
        .n_layer = (int)hp->n_layer, .n_embd = (int)hp->n_embd,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .n_vocab = (int)hp->n_vocab, .n_ctx_train = (int)hp->n_ctx_train };
    memcpy(out->sha256, id->sha256, sizeof out->sha256);
}

/* The first part that is not as recorded, as a sentence's ending. */
static void locate(struct db_cur *c, const struct model_id *id, char *out,
                   size_t cap)
{
    struct db_model_part was;
    int i = 0;

    snprintf(out, cap, "its header and all tensors agree, so the difference "
             "lies in the padding between them");
    for (; db_model_part_next(c, &was) > 0; i++) {
        const struct db_model_part *now = i < id->n_part ? &id->part[i] : NULL;

        if (now && strcmp(now->name, was.name) == 0 &&
            now->bytes == was.bytes && now->xxh3 == was.xxh3)
            continue;
        if (now && strcmp(now->name, was.name) == 0)
            snprintf(out, cap, "the first difference is in %s%s (%016llx "
                     "recorded, %016llx now)", i ? "tensor " : "the ",
                     was.name, (unsigned long long)was.xxh3,
                     (unsigned long long)now->xxh3);
        else
            snprintf(out, cap, "the first difference is part %d: %s recorded, "
                     "%s now", i, was.name, now ? now->name : "none");
        return;
    }
    if (i < id->n_part)
        snprintf(out, cap, "the first difference is part %d: none recorded, "
                 "%s now", i, id->part[i].name);
}

enum sor_err model_id_check(struct db *d, int64_t model_id,
                            const struct model_id *id, struct sor_msg *msg)
{
    struct db_model was;
    struct db_cur *c;
    char where[256], hex[SHA256_HEX];
    int got = db_get_model(d, model_id, &was);

    if (got <= 0)
        return sor_fail(msg, got ? SOR_FORMAT : SOR_NOTFOUND,
                        "the run's model %lld is not in the database",
                        (long long)model_id);
    if (memcmp(was.sha256, id->sha256, sizeof was.sha256) == 0)
        return SOR_OK;
    hash_hex(was.sha256, 4, hex);
    c = db_model_parts(d, model_id);
    locate(c, id, where, sizeof where);
    db_cur_close(c);
    return sor_fail(msg, SOR_DIFFERS, "this is not the file that was recorded "
                    "(%s, sha256 %s...): %s", was.name, hex, where);
}
