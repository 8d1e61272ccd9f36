/* probe/lens.h - what a row of the network knew at each layer.
 *
 * lens         the output norm and head applied to the residual stream after
 *              every layer: which token it would say if it stopped there.
 *              Source: nostalgebraist 2020, "interpreting GPT: the logit
 *              lens".
 * attribution  what each head and MLP wrote towards the logit of one token.
 *              The output norm divides by the RMS of the final stream; with
 *              that scale frozen the logit is a sum over the parts.  Direct
 *              effects only: what a part does through later parts is not in
 *              it.  Relative to the mean logit over the vocabulary, since
 *              adding a constant to all logits changes nothing.  Source:
 *              Elhage et al. 2021, "A Mathematical Framework for Transformer
 *              Circuits".
 * activations  norms, cosines between layers, neurons that fired most. */
#ifndef PROBE_LENS_H
#define PROBE_LENS_H

#include "base/err.h"
#include "probe/prefix.h"
#include "probe/result.h"

struct engine;

enum { LENS_TOP_MAX = 32 };

struct lens_opts {
    int pos;                    /* the row that is read */
    int32_t target;             /* token asked about; -1: the likeliest */
    int top;                    /* tokens kept per layer */
    int attribution;
};

/* Replays the prefix and fills rows with lens, lens_top, attribution;
 * head.token_id, head.logprob and head.wall_ns (without the replay). */
enum sor_err lens_compute(struct prefix *p, struct engine *e,
                          const struct lens_opts *o, struct result *out,
                          struct sor_msg *msg);

/* The first layer from which the token asked about is first in every later
 * one (-1: the embedding); LENS_NEVER: in the last layer it is not. */
enum { LENS_NEVER = -2 };
int lens_fixed_from(const struct result *r);

/* Raw activations of one row, copied from the hooks. */
struct lens_row {
    int n_layer, n_embd, n_att, n_ff;
    float *resid;               /* [n_layer + 1][n_embd], embedding first */
    float *att;                 /* [n_layer][n_att] heads' outputs */
    float *ff;                  /* [n_layer][n_ff]; NULL: not asked for */
    float *logits;              /* [n_vocab] */
};
/* Reads the row at pos of p; with_ff: its neurons too. */
enum sor_err lens_read(struct prefix *p, struct engine *e, int pos,
                       int with_ff, struct lens_row *out,
                       struct sor_msg *msg);
void lens_row_release(struct lens_row *r);

struct lens_head { int layer, head; };

struct lens_attention_opts {
    int pos;                    /* the row that is read */
    const struct lens_head *whole;  /* [n_whole] heads whose rows are kept */
    int n_whole;
};

/* Rows attention: the heaviest positions of every head of the row at pos,
 * where `out` read none; attention_row: all weights of the heads chosen. */
enum sor_err lens_attention(struct prefix *p, struct engine *e,
                            const struct lens_attention_opts *o,
                            struct result *out, struct sor_msg *msg);

/* Rows activation and neuron (the `top` largest by size in each layer). */
void lens_activations(const struct lens_row *row, int top, struct result *out);

#endif
