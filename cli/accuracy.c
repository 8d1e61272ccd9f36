#include "cli/accuracy.h"

#include <stddef.h>
#include <string.h>

#include "base/hash.h"

/* Kinds of question that can be told apart without a model: by their very
 * words.  In a form # is any digit, ^ one from 1 to 9, ~ one from 2 to 9. */
enum kind { KIND_SUM, KIND_APPLES, KIND_PENS, KIND_OTHER };

static const char *const forms[KIND_OTHER] = {
    [KIND_SUM] = "What is ^# + ^#?",
    [KIND_APPLES] = ("Tom had ~ apples. Then he bought ~ more. How many "
        "apples does he have now? Reason step by step and end with 'The "
        "answer is' and the number."),
    [KIND_PENS] = ("There are ~ red pens and ~ blue pens in a box. How many "
        "pens are in the box? Think step by step."),
};

#define MODEL_135M \
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
#define STABILITY "; agreeing paths show stability, not truth"

/* bench/accuracy.c makes these figures (make accuracy).  Only what is asked in
 * the very form that was measured is of a kind; whether a question is like
 * those of a test set cannot be told. */
static const struct {
    const char *sha256;         /* of the model file */
    enum kind   kind;
    const char *text;
    struct accuracy figures;
} known[] = {
    { MODEL_135M, KIND_SUM, "accuracy of this model on sums of two numbers "
      "from 10 to 99, greedy: 18 of 100 right" STABILITY,
      /* always 109, which 90 of the 8,100 pairs make */
      { 18, 100, 90.0 / 8100 } },
    { MODEL_135M, KIND_APPLES, "accuracy of this model on this question, "
      "greedy, with all pairs of numbers from 2 to 9: 45 of 64 right"
      STABILITY,
      /* always 11, which 8 of the 64 pairs make */
      { 45, 64, 8.0 / 64 } },
    { MODEL_135M, KIND_PENS, "accuracy of this model on this question, "
      "greedy, with all pairs of numbers from 2 to 9: 1 of 64 right"
      STABILITY,
      { 1, 64, 8.0 / 64 } },
};

static int fits(char form, char c)
{
    switch (form) {
    case '#': return c >= '0' && c <= '9';
    case '^': return c >= '1' && c <= '9';
    case '~': return c >= '2' && c <= '9';
    default:  return c == form;
    }
}

/* The form, the whole form, and nothing else. */
static enum kind kind_of(const char *q)
{
    for (int k = 0; k < KIND_OTHER; k++) {
        size_t i = 0;

        while (forms[k][i] && fits(forms[k][i], q[i]))
            i++;
        if (!forms[k][i] && !q[i])
            return (enum kind)k;
    }
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
