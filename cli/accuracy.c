#include "cli/accuracy.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"

/* Kinds of question that can be told apart without a model. */
enum kind { KIND_OTHER, KIND_SUM, KIND_WORD_PROBLEM };

static const struct {
    const char *sha256;         /* of the model file */
    enum kind   kind;
    const char *text;
} known[] = {
    { "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      KIND_WORD_PROBLEM, "" },
};

/* Numbers in the question, and words between them. */
static enum kind kind_of(const char *q)
{
    int n_number = 0, n_word = 0;

    for (size_t i = 0; q[i]; i++) {
        int starts = i == 0 || !isalnum((unsigned char)q[i - 1]);

        n_number += starts && isdigit((unsigned char)q[i]);
        n_word += starts && isalpha((unsigned char)q[i]);
    }
    if (n_number < 2)
        return KIND_OTHER;
    return n_word < 10 ? KIND_SUM : KIND_WORD_PROBLEM;
}

const char *accuracy_known(const uint8_t sha256[32], const char *question)
{
    enum kind kind = question ? kind_of(question) : KIND_OTHER;
    char hex[SHA256_HEX];

    hash_hex(sha256, SHA256_BYTES, hex);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (kind == known[i].kind && strcmp(hex, known[i].sha256) == 0)
            return known[i].text;
    return "accuracy of this model on this kind of question: unmeasured; "
           "agreeing paths show stability, not truth";
}
