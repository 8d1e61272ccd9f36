/* cli/bench.h - the timed work of `sorites bench`.
 *
 * Names and shapes follow llama-bench: ppN reads N tokens, tgN writes N, @dN
 * does so behind a context of N, xN for N sequences over one shared prompt.
 * mixedN is N sequences of different lengths that share nothing, through fewer
 * seats: continuous batching (engine/generate.h).
 *
 * What writes goes through the loop that `run` uses (sampling included); what
 * is recorded goes through the real recorder into a database of its own that
 * is removed.  A figure counts the time until the last token is there; how
 * long the last commit then takes stands beside it.
 *
 * Ownership  bench_close() takes down what bench_open() built, also half. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/tok.h"
#include "trace/rec.h"

enum { BENCH_SEQS = 64, BENCH_REPS = 100 };

/* Behind `depth` tokens: read n_read tokens and write n_write in each of n_seq
 * sequences, n_seat of them at once. */
struct bench_work {
    const char *name;
    int depth, n_read, n_write, n_seq, n_seat;
    int is_mixed;               /* lengths differ; those are the greatest */
};
enum { BENCH_WORKS = 6 };
extern const struct bench_work bench_works[BENCH_WORKS];

struct bench_result {
    double tok_s[BENCH_REPS];   /* sorted */
    double median;
    double commit_ms;           /* the longest last commit */
    double seats, rows;         /* shares in use, mean over steps; 0: no
                                 * batch */
    int64_t kv_bytes;           /* of the KV that the work asked for */
    const char *skipped;        /* why there are none; NULL: there are */
};

struct bench {
    struct cli *cli;
    enum rec_level level;
    int reps;
    const char *lora;               /* NULL: no adapters */
    int kv_type;                    /* enum kern_kvtype */
    int blas;                       /* prompts through OpenBLAS */
    int acts;                       /* 1: activations in 8 bits */
    int route;                      /* enum route_choice */
    struct engine *e;
    double start_ms;                /* until the engine was open */
    struct str adapters;            /* JSON: [{path, sha256, scale}] */
    struct rec *rec;                /* NULL: --trace off */
    char dir[64];                   /* of the database */
    struct tok_ids text;            /* something to read */
    uint32_t n_vocab;
    uint64_t tag;                   /* the last one given out */
    struct session *base;           /* holds the context, forked for each run */
    float *logits;                  /* [n_vocab] after the context */
    int32_t *out;                   /* [n_seq][n_write] */
    struct gen_path path[BENCH_SEQS];
    struct sampler sampler[BENCH_SEQS];
    struct bench_result result[BENCH_WORKS];
};

/* b->cli, level, reps, lora, kv_type, blas, acts and route are set; the rest is
 * zero. */
enum sor_err bench_open(struct bench *b);
void bench_close(struct bench *b);

/* Times work i into b->result[i].  done(ud) is called after each timed run.
 * SOR_INTERRUPTED: Ctrl-C. */
enum sor_err bench_run(struct bench *b, int i, void (*done)(void *ud),
                       void *ud);

/* Memory, in bytes: the most this process held; the weights as the kernels
 * read them and the KV of the largest work asked for so far; and the most that
 * it may hold: 1.3 times these and 64 MiB. */
struct bench_memory { int64_t peak, weights, kv, allowed; };
void bench_memory(const struct bench *b, struct bench_memory *out);

#endif
