#include "trace/role.h"

#include <string.h>

#include "trace/ascii.h"

const char *step_role_name(enum step_role role)
{
    static const char *const name[STEP_ROLES] = {
        [STEP_STATE] = "state", [STEP_PLAN] = "plan",
        [STEP_COMPUTE] = "compute", [STEP_INFER] = "infer",
        [STEP_CHECK] = "check", [STEP_BACKTRACK] = "backtrack",
        [STEP_CONCLUDE] = "conclude",
    };

    return (unsigned)role < STEP_ROLES ? name[role] : "state";
}

enum where {
    START,              /* the step begins with it */
    ANY                 /* it stands anywhere, at the start of a word */
};

/* Lower case; a typographic apostrophe in the text reads as '. */
static const struct cue {
    enum step_role role;
    enum where where;
    const char *text;
} cues[] = {
    { STEP_CONCLUDE, ANY, "\\boxed" },
    { STEP_CONCLUDE, START, "####" },
    { STEP_CONCLUDE, ANY, "answer is" },
    { STEP_CONCLUDE, ANY, "answer:" },
    { STEP_CONCLUDE, ANY, "answer should be" },
    { STEP_CONCLUDE, ANY, "answer would be" },
    { STEP_CONCLUDE, ANY, "answer must be" },
    { STEP_CONCLUDE, ANY, "final answer" },
    { STEP_CONCLUDE, ANY, "is the answer" },
    { STEP_CONCLUDE, ANY, "is the correct answer" },
    { STEP_CONCLUDE, ANY, "is the right answer" },
    { STEP_CONCLUDE, START, "in conclusion" },
    { STEP_CONCLUDE, START, "to conclude" },

    { STEP_BACKTRACK, START, "wait" },
    { STEP_BACKTRACK, START, "but wait" },
    { STEP_BACKTRACK, START, "oh wait" },
    { STEP_BACKTRACK, START, "actually" },
    { STEP_BACKTRACK, START, "hmm" },
    { STEP_BACKTRACK, START, "no," },
    { STEP_BACKTRACK, START, "oops" },
    { STEP_BACKTRACK, START, "scratch that" },
    { STEP_BACKTRACK, START, "hold on" },
    { STEP_BACKTRACK, START, "on second thought" },
    { STEP_BACKTRACK, ANY, "i made a mistake" },
    { STEP_BACKTRACK, ANY, "i was wrong" },
    { STEP_BACKTRACK, ANY, "that's wrong" },
    { STEP_BACKTRACK, ANY, "that's not right" },
    { STEP_BACKTRACK, ANY, "can't be right" },
    { STEP_BACKTRACK, ANY, "cannot be right" },

    { STEP_CHECK, ANY, "let me check" },
    { STEP_CHECK, ANY, "let's check" },
    { STEP_CHECK, ANY, "let me verify" },
    { STEP_CHECK, ANY, "double-check" },
    { STEP_CHECK, ANY, "double check" },
    { STEP_CHECK, ANY, "sanity check" },
    { STEP_CHECK, ANY, "verify" },
    { STEP_CHECK, ANY, "verifying" },
    { STEP_CHECK, START, "verification" },
    { STEP_CHECK, START, "checking" },
    { STEP_CHECK, START, "check" },
    { STEP_CHECK, START, "to confirm" },
    { STEP_CHECK, ANY, "make sure" },
    { STEP_CHECK, ANY, "i'm not sure" },

    { STEP_COMPUTE, ANY, NULL },        /* an equation with digits */

    { STEP_PLAN, START, "let's" },
    { STEP_PLAN, START, "let us" },
    { STEP_PLAN, START, "let me" },
    { STEP_PLAN, START, "okay, let" },
    { STEP_PLAN, START, "first, i" },
    { STEP_PLAN, START, "first, we" },
    { STEP_PLAN, START, "first, let" },
    { STEP_PLAN, START, "now, let" },
    { STEP_PLAN, START, "next, i" },
    { STEP_PLAN, START, "next, we" },
    { STEP_PLAN, START, "to solve" },
    { STEP_PLAN, START, "to find" },
    { STEP_PLAN, START, "to determine" },
    { STEP_PLAN, START, "to answer" },
    { STEP_PLAN, START, "to calculate" },
    { STEP_PLAN, START, "we can use" },
    { STEP_PLAN, ANY, "i will" },
    { STEP_PLAN, ANY, "i'll" },
    { STEP_PLAN, ANY, "i need to" },
    { STEP_PLAN, ANY, "we need to" },
    { STEP_PLAN, ANY, "we will" },
    { STEP_PLAN, ANY, "we'll" },
    { STEP_PLAN, ANY, "i should" },

    { STEP_INFER, START, "so" },
    { STEP_INFER, START, "then" },
    { STEP_INFER, START, "since" },
    { STEP_INFER, START, "because" },
    { STEP_INFER, START, "given that" },
    { STEP_INFER, START, "consequently" },
    { STEP_INFER, START, "as a result" },
    { STEP_INFER, START, "this means" },
    { STEP_INFER, START, "that means" },
    { STEP_INFER, ANY, "therefore" },
    { STEP_INFER, ANY, "thus" },
    { STEP_INFER, ANY, "hence" },
    { STEP_INFER, ANY, "which means" },
    { STEP_INFER, ANY, "it follows" },
    { STEP_INFER, ANY, "implies" },
    { STEP_INFER, ANY, "implying" },
    { STEP_INFER, ANY, "we can conclude" },
};

/* Whether cue stands at s[at], whole. */
static int stands(const char *s, size_t n, size_t at, const char *cue)
{
    char last = '\0';

    for (; *cue; cue++) {
        if (at >= n)
            return 0;
        if (*cue == '\'' && n - at >= 3 && !memcmp(s + at, "\xE2\x80\x99", 3))
            at += 3;
        else if (to_lower(s[at++]) != *cue)
            return 0;
        last = *cue;
    }
    return !is_word(last) || at >= n || !is_word(s[at]);
}

/* "a = 3", "3*4 = 12", "= 5": an equals sign with a digit on its side of the
 * next three bytes, brackets and signs between them passed over. */
static int is_equation(const char *s, size_t n)
{
    const char *p = s, *eq;

    while ((eq = memchr(p, '=', n - (size_t)(p - s))) != NULL) {
        size_t at = (size_t)(eq - s);

        for (size_t i = 1; i <= 3; i++)
            if ((at >= i && is_digit(s[at - i])) ||
                (at + i < n && is_digit(s[at + i])))
                return 1;
        if (n - at > 5 && memcmp(eq, "= \\", 3) == 0)   /* = \frac{..}{..} */
            return 1;
        p = eq + 1;
    }
    return 0;
}

/* Past a list marker, quotes and emphasis: "2. **Wait**". */
static size_t opening(const char *s, size_t n)
{
    size_t i = 0, word;

    while (i < n && one_of(s[i], " \t*_\"'>-+("))
        i++;
    for (word = i; i < n && is_digit(s[i]); )
        i++;
    if (i == word || i >= n || !one_of(s[i], ".)"))
        return word;
    for (i++; i < n && one_of(s[i], " \t*_\"'"); )
        i++;
    return i;
}

enum step_role role_of(const char *s, size_t n)
{
    size_t first = opening(s, n), n_cue = sizeof cues / sizeof *cues;
    size_t best = n_cue;                /* the table is in order of priority */

    for (size_t k = 0; k < best; k++)
        if (cues[k].text ? stands(s, n, first, cues[k].text)
                         : is_equation(s, n))
            best = k;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && is_word(s[i - 1]))
            continue;
        for (size_t k = 0; k < best; k++)
            if (cues[k].where == ANY && cues[k].text &&
                stands(s, n, i, cues[k].text))
                best = k;
    }
    return best < n_cue ? cues[best].role : STEP_STATE;
}
