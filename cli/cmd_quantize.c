/* cli/cmd_quantize.c - a model's weights in another type.
 *
 * Matrices become TYPE, the token embedding and an output matrix of their own
 * what --embedding says; vectors (norms) stay F32.  That is the usual practice:
 * the head decides between 50,000 tokens by small differences, and below six
 * bits it pays to keep it at eight. */
#define _XOPEN_SOURCE 700       /* SIGXFSZ in glibc */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/gguf.h"
#include "engine/gguf_write.h"
#include "engine/hparams.h"
#include "engine/pool.h"
#include "engine/quant.h"
#include "engine/quant_write.h"

static struct {
    const char *embedding;
} opt;

static const struct opt_spec opts[] = {
    { 0, "embedding", "TYPE", OPT_STR, &opt.embedding,
      "of the embedding and the head (Q8_0 below 6 bits)", 0, 0 },
    OPT_END
};

struct job {
    struct cli *cli;
    const char *in, *out;
    enum gguf_type want, want_embd;
    struct gguf *src;
    struct model_hparams hp;
    enum gguf_type *type;       /* [tensors] as they will be */
    struct pool *pool;
    struct progress bar;
    struct gguf_write_sum sum;
};

/* --- types --------------------------------------------------------------- */

static enum sor_err parse_type(struct cli *cli, const char *name,
                               enum gguf_type *out)
{
    struct str known;
    enum sor_err err;

    for (uint32_t t = 0; t < GGUF_TYPES; t++)
        if (quant_writable((enum gguf_type)t) &&
            strcasecmp(name, gguf_type_info(t)->name) == 0) {
            *out = (enum gguf_type)t;
            return SOR_OK;
        }
    str_init(&known);
    for (uint32_t t = 0; t < GGUF_TYPES; t++)
        if (quant_writable((enum gguf_type)t))
            str_printf(&known, " %s", gguf_type_info(t)->name);
    err = sor_fail(&cli->msg, SOR_USAGE, "no type '%s' to write; there are%s",
                   name, known.p);
    str_release(&known);
    return err;
}

static double bits(enum gguf_type type)
{
    const struct gguf_type_info *info = gguf_type_info(type);

    return 8.0 * info->bytes / info->block;
}

static enum sor_err parse(struct job *j)
{
    enum sor_err err = parse_type(j->cli, j->cli->argv[2], &j->want);

    j->in = j->cli->argv[0];
    j->out = j->cli->argv[1];
    j->want_embd = bits(j->want) < 6.5 ? GGUF_Q8_0 : j->want;
    if (!err && opt.embedding)
        err = parse_type(j->cli, opt.embedding, &j->want_embd);
    if (!err && strcmp(j->out, "-") == 0)
        err = sor_fail(&j->cli->msg, SOR_USAGE, "a model is written to a "
                       "file, not to stdout (./- is a file's name)");
    return err;
}

/* An adapter is a GGUF file too. */
static enum sor_err check_model(const struct job *j)
{
    struct gguf_str s;

    if (gguf_str(j->src, "general.type", &s, NULL) != SOR_OK ||
        gguf_str_is(s, "model"))
        return SOR_OK;
    return sor_fail(&j->cli->msg, SOR_UNSUP, "%s: no model (general.type is "
                    "\"%.*s\"); models alone can be quantised", j->in,
                    (int)(s.n < 40 ? s.n : 40), s.p);
}

/* --- the plan ------------------------------------------------------------ */

static int is_embedding(const struct job *j, const struct gguf_tensor *t)
{
    return t == hparams_tensor(j->src, &j->hp, HPARAMS_TOKEN_EMBD, 0) ||
           t == hparams_tensor(j->src, &j->hp, HPARAMS_OUTPUT, 0);
}

/* What tensor i was to be: hparams_read() knows every tensor, and those of one
 * dimension are norms and frequencies. */
static enum gguf_type wanted(const struct job *j, size_t i)
{
    const struct gguf_tensor *t = gguf_tensor_at(j->src, i);

    return t->n_dims < 2 ? t->type
           : is_embedding(j, t) ? j->want_embd : j->want;
}

static enum sor_err plan(struct job *j)
{
    size_t n = gguf_n_tensors(j->src);

    j->type = mem_calloc(n, sizeof *j->type);
    if (!j->type)
        return sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(j->src, i);

        j->type[i] = t->n_dims < 2 ? t->type
                                   : quant_write_type(wanted(j, i), t->dim[0]);
    }
    return SOR_OK;
}

/* One line where some matrices could not have the type that was asked for, and
 * one where the source had lost something before. */
static void tell(const struct job *j)
{
    size_t n = gguf_n_tensors(j->src), n_other = 0, n_lossy = 0;
    size_t other[GGUF_TYPES] = { 0 };
    uint64_t row = 0;
    struct str list;

    str_init(&list);
    for (size_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(j->src, i);

        n_lossy += j->type[i] != t->type && quant_known(t->type);
        if (j->type[i] == wanted(j, i))
            continue;
        n_other++;
        other[j->type[i]]++;
        row = t->dim[0];
    }
    for (uint32_t t = 0; t < GGUF_TYPES; t++)
        if (other[t])
            str_printf(&list, "%s %zu as %s", list.len ? "," : "", other[t],
                       gguf_type_info(t)->name);
    if (n_other)
        log_info("rows of %" PRIu64 " elements are not whole blocks of the "
                 "type asked for: %zu of %zu tensors are written otherwise:%s",
                 row, n_other, n, list.p);
    if (n_lossy)
        log_info("%zu tensors were quantised before; what they lost then does "
                 "not come back", n_lossy);
    str_release(&list);
}

/* --- the report ---------------------------------------------------------- */

/* Root mean square of the change, over that of the weights it befell. */
static double change(const struct job *j)
{
    return j->sum.square > 0 ? sqrt(j->sum.square_off / j->sum.square) : 0.0;
}

static double bits_per_weight(const struct job *j)
{
    double n = 0;

    for (size_t i = 0; i < gguf_n_tensors(j->src); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(j->src, i);

        n += (double)t->dim[0] * (double)t->dim[1] * (double)t->dim[2] *
             (double)t->dim[3];
    }
    return 8.0 * (double)j->sum.bytes / n;
}

static size_t count(const struct job *j, enum gguf_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < gguf_n_tensors(j->src); i++)
        n += j->type[i] == type;
    return n;
}

static void as_text(const struct job *j, FILE *to)
{
    char path[1024];

    text_safe_fit(path, sizeof path, j->out, strlen(j->out), 0);
    fprintf(to, "%s: %" PRIu64 " bytes (%.1f %% of %" PRIu64 "), %.2f bits a "
            "weight;", path, j->sum.bytes, 100.0 * (double)j->sum.bytes /
            (double)gguf_size(j->src), gguf_size(j->src), bits_per_weight(j));
    for (uint32_t t = 0, some = 0; t < GGUF_TYPES; t++)
        if (count(j, (enum gguf_type)t))
            fprintf(to, "%s %zu %s", some++ ? "," : "",
                    count(j, (enum gguf_type)t), gguf_type_info(t)->name);
    fprintf(to, "; weights changed by %.3f %% (RMS)\n", 100.0 * change(j));
}

static void as_json(const struct job *j, struct str *out)
{
    struct json w;

    json_init(&w, out);
    json_obj(&w);
    json_key(&w, "model");
    json_str(&w, j->out);
    json_key(&w, "type");
    json_str(&w, gguf_type_info(j->want)->name);
    json_key(&w, "bytes");
    json_int(&w, (int64_t)j->sum.bytes);
    json_key(&w, "bytes_before");
    json_int(&w, (int64_t)gguf_size(j->src));
    json_key(&w, "bits_per_weight");
    json_num(&w, bits_per_weight(j));
    json_key(&w, "rms_change");
    json_num(&w, change(j));
    json_key(&w, "tensors");
    json_obj(&w);
    for (uint32_t t = 0; t < GGUF_TYPES; t++)
        if (count(j, (enum gguf_type)t)) {
            json_key(&w, gguf_type_info(t)->name);
            json_int(&w, (int64_t)count(j, (enum gguf_type)t));
        }
    json_end_obj(&w);
    json_end_obj(&w);
    str_putc(out, '\n');
}

static enum sor_err report(const struct job *j, FILE *to)
{
    struct str out;
    enum sor_err err = SOR_OK;

    if (!j->cli->json) {
        if (!j->cli->quiet)
            as_text(j, to);
    } else {
        str_init(&out);
        as_json(j, &out);
        fwrite(out.p, 1, out.len, to);
        if (!str_ok(&out))
            err = sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory");
        str_release(&out);
    }
    return !err && ferror(to)
        ? sor_fail(&j->cli->msg, SOR_IO, "cannot write: %s", strerror(errno))
        : err;
}

/* --- the command --------------------------------------------------------- */

static int on_progress(void *ud, uint64_t done, uint64_t total)
{
    struct job *j = ud;

    j->bar.total = total;
    progress_set(&j->bar, done);
    return cli_stopped();
}

static enum sor_err write_model(struct job *j)
{
    struct gguf_write w = { .src = j->src, .type = j->type,
                            .file_type = quant_write_file_type(j->want),
                            .pool = j->pool, .on_progress = on_progress,
                            .ud = j };
    enum sor_err err;

    cli_catch_signals();
    signal(SIGXFSZ, SIG_IGN);           /* a limit on sizes is a failed write */
    progress_begin(&j->bar, j->cli, "writing", "bytes", 0);
    err = gguf_write(j->out, &w, &j->sum, &j->cli->msg);
    progress_end(&j->bar);
    return err;
}

static int n_thread(const struct cli *cli)
{
    long n = cli->threads ? cli->threads : sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > POOL_MAX_THREADS ? POOL_MAX_THREADS : (int)n;
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    FILE *to = NULL;
    enum sor_err err = parse(&j);

    err = err ? err : gguf_open(j.in, &j.src, &cli->msg);
    err = err ? err : check_model(&j);
    err = err ? err : hparams_read(j.src, &j.hp, &cli->msg);
    err = err ? err : plan(&j);
    err = err ? err : pool_open(n_thread(cli), &j.pool, &cli->msg);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    if (!err) {
        tell(&j);
        err = write_model(&j);
    }
    err = err ? err : report(&j, to);
    pool_close(j.pool);
    mem_free(j.type);
    gguf_close(j.src);
    return err;
}

const struct cmd cmd_quantize = {
    .name = "quantize", .operands = "IN OUT TYPE", .min = 3, .max = 3,
    .summary = "write a model with its weights in another type",
    .text = "TYPE is F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1 "
            "or Q4_0.  Norms stay F32.  Rows that are not whole blocks of a K "
            "type take what llama.cpp would take: Q5_0 for Q4_K, Q5_1 for "
            "Q5_K, Q8_0 for Q6_K; other rows take F16.",
    .opts = opts, .run = run,
};
