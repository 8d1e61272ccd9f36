/* review/document_fit.c - is a text an English contract?
 *
 * Three shares decide: letters of a Latin script, words that English cannot do
 * without, words of contracts.  The limits were set where, over 503 contracts
 * (CUAD, ContractNLI, Common Paper: the shortest has 116 words and is a list
 * of names), none is refused, and over plays, encyclopedia articles and
 * medical abstracts (1,516 pieces) none is taken for one. */
#include "review/document.h"

#include <string.h>

#include "base/text.h"
#include "review/clause_impl.h"

enum { FEW_WORDS = 25, TITLE_BYTES = 2500 };

struct census {
    size_t word, english, legal;        /* words; among the lists below */
    uint64_t kinds;                     /* bit i: legal word i occurs */
    size_t letter, foreign_letter;
    int titled;                         /* "Agreement" near the beginning */
};

static const char *const english[] = {
    "the", "of", "and", "to", "or", "by", "for", "any", "with", "this", "that",
    "be", "such", "not", "from", "which", NULL
};
static const char *const legal[] = {
    "agreement", "agreements", "contract", "party", "parties", "shall",
    "agree", "agrees", "obligation", "obligations", "hereby", "herein",
    "hereof", "hereto", "hereunder", "thereof", "pursuant", "terminate",
    "termination", "confidential", "liability", "liable", "warranty",
    "warranties", "indemnify", "license", "rights", "provisions", "provision",
    "clause", "section", "waiver", "govern", "governed", "disclose",
    "disclosing", "disclosure", "receiving", "recipient", "undersigned",
    "whereas", "customer", "supplier", "licensee", "licensor", "services",
    "notice", "law", NULL
};
static const char *const instrument[] = {
    "agreement", "agreements", "contract", "addendum", "amendment", "deed",
    "terms", "undertaking", NULL
};

/* Letters that English is not written with: Greek and beyond, without the
 * punctuation and signs of U+2000..U+303F. */
static int is_foreign_letter(uint32_t cp)
{
    return cp >= 0x370 && !(cp >= 0x2000 && cp < 0x3040) && cp != 0xFFFD &&
           !(cp >= 0xE000 && cp < 0xF900) && cp < 0x1F000;
}

static void count_word(struct text t, size_t at, struct census *c)
{
    c->word++;
    if (text_word(t, at, english))
        c->english++;
    for (size_t i = 0; legal[i]; i++)
        if (text_word(t, at, (const char *const[]){ legal[i], NULL })) {
            c->legal++;
            c->kinds |= UINT64_C(1) << i;
            break;
        }
    if (at < TITLE_BYTES && is_upper(t.p[at]) && text_word(t, at, instrument))
        c->titled = 1;
}

static struct census take_census(struct text t)
{
    struct census c = { 0 };
    uint32_t cp;

    for (size_t at = 0, step; at < t.n; at += step) {
        step = utf8_next(t.p + at, t.n - at, &cp);
        if (is_letter(t.p[at])) {
            c.letter++;
            if (at == 0 || !is_letter(t.p[at - 1]))
                count_word(t, at, &c);
        } else if (is_foreign_letter(cp)) {
            c.foreign_letter++;
        }
    }
    return c;
}

static int bits(uint64_t x)
{
    int n = 0;

    for (; x; x &= x - 1)
        n++;
    return n;
}

enum document_fit document_fit(const struct document *d)
{
    const struct census c = take_census((struct text){ d->text, d->n_byte });

    if (c.letter + c.foreign_letter < 3)
        return DOCUMENT_EMPTY;
    if (c.foreign_letter > c.letter)
        return DOCUMENT_FOREIGN;
    if (c.word >= FEW_WORDS && c.english * 100 < c.word * 4)
        return DOCUMENT_FOREIGN;
    if (c.word < FEW_WORDS)
        return DOCUMENT_NO_CONTRACT;
    if (c.titled && c.legal * 1000 >= c.word * 6)
        return DOCUMENT_FITS;
    return c.legal * 1000 >= c.word * 15 && bits(c.kinds) >= 4
        ? DOCUMENT_FITS : DOCUMENT_NO_CONTRACT;
}
