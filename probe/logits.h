/* probe/logits.h - two rows of logits held against each other.
 *
 * Threads  pure functions of their arguments. */
#ifndef PROBE_LOGITS_H
#define PROBE_LOGITS_H

#include <stddef.h>
#include <stdint.h>

/* A row and the natural log of its softmax's denominator (sampler_stats()). */
struct logits { const float *v; double lse; };

/* KL(p || q) of two rows [n], nats; at least 0. */
double logits_kl(struct logits p, struct logits q, size_t n);

/* The same without the tokens that p gives less than e^-20: each weighs less
 * than 2e-9, and the sum is many times as quick. */
double logits_kl_quick(struct logits p, struct logits q, size_t n);

/* The place of a token in v[n], from 1; ties by lowest id. */
int logits_rank(const float *v, size_t n, int32_t id);

#endif
