#include "cli/accuracy.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"

/* Kinds of question that can be told apart without a model. */
enum kind { KIND_OTHER, KIND_SUM, KIND_WORD_PROBLEM };

#define STABILITY "; agreeing paths show stability, not truth"

/* bench/accuracy.c makes these figures (make accuracy). */
static const struct {
    const char *sha256;         /* of the model file */
    enum kind   kind;
    const char *text;
    struct accuracy figures;
} known[] = {
    { "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      KIND_SUM, "accuracy of this model on sums of two numbers from 10 to 99, "
      "greedy: 18 of 100 right" STABILITY,
      /* always 109, which 90 of the 8,100 pairs make */
      { 18, 100, 90.0 / 8100 } },
    { "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      KIND_WORD_PROBLEM, "accuracy of this model on word problems of school "
      "arithmetic (GSM8K), greedy: 4 of 100 right" STABILITY,
      /* always 5, the commonest answer: 31 of 1,019 questions */
      { 4, 100, 31.0 / 1019 } },
};

/* "17 + 25": a plus sign between two digits. */
static int is_sum(const char *q)
{
    const char *plus = strchr(q, '+'), *l = plus, *r = plus;

    if (!plus)
        return 0;
    while (l > q && l[-1] == ' ')
        l--;
    while (r[1] == ' ')
        r++;
    return l > q && isdigit((unsigned char)l[-1]) &&
           isdigit((unsigned char)r[1]);
}

static enum kind kind_of(const char *q)
{
    int n_number = 0, n_word = 0;

    for (size_t i = 0; q[i]; i++) {
        int starts = i == 0 || !isalnum((unsigned char)q[i - 1]);

        n_number += starts && isdigit((unsigned char)q[i]);
        n_word += starts && isalpha((unsigned char)q[i]);
    }
    if (n_number == 2 && n_word < 12 && is_sum(q))
        return KIND_SUM;
    if (n_number >= 2 && n_word >= 12 && strchr(q, '?'))
        return KIND_WORD_PROBLEM;
    return KIND_OTHER;
}

/* The entry for a question; -1: none. */
static int find(const uint8_t sha256[32], const char *question)
{
    enum kind kind = question ? kind_of(question) : KIND_OTHER;
    char hex[SHA256_HEX];

    hash_hex(sha256, SHA256_BYTES, hex);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (kind == known[i].kind && strcmp(hex, known[i].sha256) == 0)
            return (int)i;
    return -1;
}

const char *accuracy_known(const uint8_t sha256[32], const char *question)
{
    int i = find(sha256, question);

    return i >= 0 ? known[i].text
                  : "accuracy of this model on this kind of question: "
                    "unmeasured" STABILITY;
}

int accuracy_figures(const uint8_t sha256[32], const char *question,
                     struct accuracy *out)
{
    int i = find(sha256, question);

    if (i >= 0)
        *out = known[i].figures;
    return i >= 0;
}
