/* engine/draft.h - guesses at a path's next tokens, and when they pay.
 *
 * A model that reads one token reads all of its weights; reading sixteen costs
 * a few times as much, not sixteen times.  So tokens are guessed ahead and read
 * together with the last one that is certain; each is kept where the sampler,
 * fed with the logits before it, draws that very token.  A guess can cost time
 * and never changes what is written.
 *
 * lookup  what followed the last time the text ended in the same tokens.
 *         Source: Saxena 2023, "Prompt Lookup Decoding".
 * self    what the model would say after its first few layers, token by token.
 *         Source: Elhoushi et al. 2024, "LayerSkip", section 4.3, without its
 *         training.
 *
 * Credit  guesses are bought.  A row costs draft_price() of the time of a token
 *         decoded alone, a right one gives a whole token back, and each token
 *         written gives DRAFT_SHARE.  Nothing is bought on credit, so what
 *         guessing can lose is bounded whatever the text: DRAFT_START plus
 *         DRAFT_SHARE of the tokens written.
 * Blocks  guesses stay in the KV block of the token that is certain: what is
 *         chosen per block (routing) is chosen from certain tokens.
 * Threads one caller per struct draft. */
#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

#include <stdint.h>

#include "base/err.h"
#include "engine/hook.h"

enum draft_source { DRAFT_OFF, DRAFT_LOOKUP, DRAFT_SELF, DRAFT_SOURCES };

enum {
    DRAFT_MAX = HOOK_BLOCK - 1, /* guesses at once */
    DRAFT_MATCH = 2             /* tokens that must agree before one is made */
};

/* "off", "lookup", "self": as in --draft and in table draft. */
const char *draft_source_name(enum draft_source source);

/* The text of one path and the account of its guesses. */
struct draft {
    int32_t *text;              /* [n]: all that it read and wrote */
    int n, cap;
    float credit;               /* tokens' worth of time, >= 0 */
};

/* A text of at most cap tokens.  SOR_NOMEM. */
enum sor_err draft_init(struct draft *d, int cap);
void draft_release(struct draft *d);            /* a zeroed one is fine */
void draft_read(struct draft *d, const int32_t *id, int n);     /* appends */
void draft_wrote(struct draft *d, int32_t id);  /* appends, and earns */

/* What followed the longest match of the text's end, the latest of equals:
 * up to `most` ids to out, and one fewer than matched, since a longer match is
 * more often right.  Returns how many. */
int draft_lookup(const struct draft *d, int most, int32_t *out);

/* The cost of one more row in a pass that has n_path rows without it, as a
 * share of the time that one of their tokens takes. */
float draft_price(int n_path);

/* Rows at `price` that the credit buys, DRAFT_MAX at most. */
int draft_afford(const struct draft *d, float price);
void draft_buy(struct draft *d, float tokens);
void draft_kept(struct draft *d, int n);        /* n guesses were right */

/* Guesses that may follow a certain token at pos, `left` tokens being wanted
 * after it. */
int draft_room(int pos, int left);

#endif
