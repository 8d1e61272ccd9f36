/* engine/complexity.h - how hard the next tokens look: a score in 0..1 for a
 * block of 16 positions, made of what comes before it and nothing else.
 *
 * Each part is in 0..1:
 *   entropy     mean over the last predictions (known while decoding only)
 *   trend       of them: 1/2 is level, 1 rising (likewise)
 *   novelty     share of the last trigrams that the timeline had not held
 *   structure   1/2, more where a question or numbers stand in the last
 *               tokens, less in a quotation or a list
 *   escalated   share of the last tokens that the guard sent to full
 * Calibration weights them by how well they foretell what reading less costs a
 * block.  Not all count as one would think: text that repeats what came before
 * is easy to predict, but by reading it.
 *
 * Threads  pure functions of their arguments. */
#ifndef ENGINE_COMPLEXITY_H
#define ENGINE_COMPLEXITY_H

#include <stdint.h>

#include "base/err.h"
#include "engine/hook.h"

struct tok;

/* Some other than 0; a part that counts the other way round has one below 0. */
struct complexity_weights { float of[HOOK_PARTS]; };
extern const struct complexity_weights complexity_default;

/* What a token's text holds; one byte for each of the vocabulary. */
enum {
    COMPLEXITY_QUESTION = 1, COMPLEXITY_DIGIT = 2, COMPLEXITY_QUOTE = 4,
    COMPLEXITY_ITEM = 8
};
/* classes[n_vocab], the caller's to mem_free(). */
enum sor_err complexity_classes(const struct tok *t, uint8_t **classes,
                                struct sor_msg *msg);

/* A timeline's tokens so far. */
struct complexity_past {
    const int32_t *id;          /* [n] */
    const float *entropy;       /* [n] nats of the distribution that each was
                                 * drawn from; NaN: it was given */
    const uint8_t *escalated;   /* [n] 1: by the guard */
    const uint8_t *classes;     /* [n_vocab] */
    int n;
};

/* Trigrams seen: a bit for each hash, so that a few look seen that were not. */
enum { COMPLEXITY_SEEN_BYTES = 1 << 15 };
/* Adds the trigram that ends at id[at], 0 <= at; returns 1 where it is new. */
int complexity_see(uint8_t seen[COMPLEXITY_SEEN_BYTES], const int32_t *id,
                   int at);

/* part[] of the block that follows, NaN where not known; fresh[n]: what
 * complexity_see() said of each token. */
void complexity_parts(const struct complexity_past *past, const uint8_t *fresh,
                      float part[HOOK_PARTS]);
/* The weighted mean of the known parts p, of 1 - p where the weight is below 0:
 * 0..1; 1 where none that counts is known. */
float complexity_score(const struct complexity_weights *w,
                       const float part[HOOK_PARTS]);

#endif
