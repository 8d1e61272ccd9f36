#include "trace/segment.h"

#include <stdio.h>
#include <string.h>

#include "trace/ascii.h"
#include "trace/number.h"

enum {
    UNIT_WORDS = 4,             /* "18 dollars per day" is still a number */
    STATEMENT_WORDS = 8,        /* a whole text of these is its own answer */
    QUESTION_BYTES = 1024,      /* of a question's normal form */
    VALUE_BYTES = 1000          /* longer values are not looked for: it keeps
                                 * the search linear in hostile text */
};

const char *answer_kind_name(enum answer_kind kind)
{
    static const char *const name[] = {
        [ANSWER_NUMBER] = "number", [ANSWER_YESNO] = "yesno",
        [ANSWER_OPTION] = "option", [ANSWER_TEXT] = "text",
    };

    return (unsigned)kind < sizeof name / sizeof *name ? name[kind] : "text";
}

/* A piece of the text: bytes from..to of s. */
struct span { const char *s; size_t from, to; };

static size_t span_at(const struct span *v, size_t at, const char *lit)
{
    return text_at(v->s, v->to, at, lit);
}

/* --- wrapping ------------------------------------------------------------ */

/* The byte after the brace that closes the one before `at`, or 0. */
static size_t closing(const char *s, size_t n, size_t at)
{
    int depth = 1;

    if (n - at > VALUE_BYTES)
        n = at + VALUE_BYTES;
    for (; at < n; at++) {
        depth += s[at] == '{';
        depth -= s[at] == '}';
        if (depth == 0)
            return at + 1;
    }
    return 0;
}

/* Takes one pair of wrappers off the value; 1 where there was one. */
static int unwrap_pair(struct span *v)
{
    static const struct { const char *open, *close; } pair[] = {
        { "$$", "$$" }, { "$", "$" }, { "\\(", "\\)" }, { "\\[", "\\]" },
        { "__", "__" }, { "`", "`" }, { "\"", "\"" }, { "'", "'" },
        { "\xE2\x80\x9C", "\xE2\x80\x9D" },
    };
    static const char *const macro[] = {
        "\\boxed{", "\\fbox{", "\\text{", "\\textbf{", "\\mathrm{",
        "\\mathbf{",
    };

    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        size_t a = strlen(pair[i].open), b = strlen(pair[i].close);

        if (v->to - v->from > a + b && span_at(v, v->from, pair[i].open) &&
            span_at(v, v->to - b, pair[i].close)) {
            v->from += a;
            v->to -= b;
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof macro / sizeof *macro; i++) {
        size_t len = span_at(v, v->from, macro[i]);

        if (len && closing(v->s, v->to, v->from + len) == v->to) {
            v->from += len;
            v->to -= 1;
            return 1;
        }
    }
    return 0;
}

/* Strips white space, wrappers, and the stops and marks around a value. */
static void unwrap(struct span *v)
{
    size_t before;

    do {
        before = v->to - v->from;
        while (v->from < v->to && (is_space(v->s[v->from]) ||
                                   one_of(v->s[v->from], ":=,;*")))
            v->from++;
        while (v->to > v->from && (is_space(v->s[v->to - 1]) ||
                                   one_of(v->s[v->to - 1], ".,;:!?*")))
            v->to--;
        unwrap_pair(v);
    } while (v->to - v->from < before);
}

/* --- what kind of value -------------------------------------------------- */

/* "B", "(b)", "B)", "B. text", "Option B": the letter, or '\0'. */
static char option_letter(struct span v)
{
    static const char *const word[] = { "option ", "choice ", "answer " };
    size_t n = v.to - v.from;
    const char *p;
    int paren;

    for (size_t k = 0; k < sizeof word / sizeof *word; k++) {
        size_t len = strlen(word[k]), i = 0;

        while (i < len && i < n && to_lower(v.s[v.from + i]) == word[k][i])
            i++;
        if (i == len) {
            v.from += len;
            n -= len;
            break;
        }
    }
    p = v.s + v.from;
    paren = n > 2 && p[0] == '(';
    p += paren;
    n -= (size_t)paren;
    if (n == 0 || to_lower(p[0]) < 'a' || to_lower(p[0]) > 'j')
        return '\0';
    if (is_lower(p[0]) && !paren)
        return '\0';
    if (paren ? n < 2 || p[1] != ')'
              : n > 1 && !(one_of(p[1], "):") ||
                           (p[1] == '.' && n > 2 && is_space(p[2]))))
        return '\0';
    return is_lower(p[0]) ? (char)(p[0] - 'a' + 'A') : p[0];
}

/* "Yes", "No, because ...", "True": the normal form, or NULL. */
static const char *yes_or_no(struct span v)
{
    static const struct { const char *word, *norm; } list[] = {
        { "yes", "yes" }, { "no", "no" }, { "true", "yes" },
        { "false", "no" }, { "maybe", "maybe" },
    };
    size_t n = v.to - v.from;

    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        size_t len = strlen(list[k].word), i = 0;

        while (i < len && i < n &&
               to_lower(v.s[v.from + i]) == list[k].word[i])
            i++;
        if (i == len && (n == len || one_of(v.s[v.from + len], ",.;:!*")))
            return list[k].norm;
    }
    return NULL;
}

/* What may stand between a value's number and its end: unit words, no second
 * number, no operator. */
static int is_unit(const char *s, size_t from, size_t to)
{
    int words = 0;

    for (size_t i = from; i < to; i++) {
        if (is_digit(s[i]) || one_of(s[i], "=+<>/*^_()[]{},;:\\"))
            return text_at(s, to, from, "\\text{") > 0 && s[to - 1] == '}';
        if ((i == from || is_space(s[i - 1])) && !is_space(s[i]))
            words++;
    }
    return words <= UNIT_WORDS;
}

/* Where the last side begins of a value that is one equation, "x = 5" or
 * "a = 4 + 3 = 7"; 0: it is none.  Before the last equals sign stand names and
 * sums: no comparison, no list, no second claim. */
static size_t last_side(struct span v)
{
    size_t first = v.to, last = v.to;

    for (size_t i = v.from; i < v.to; i++)
        if (v.s[i] == '=') {
            first = first == v.to ? i : first;
            last = i;
        }
    if (last == v.to || last == v.from)
        return 0;
    for (size_t i = v.from; i < last; i++) {
        char c = v.s[i];
        int in_number = i > v.from && is_digit(v.s[i - 1]) &&
                        is_digit(v.s[i + 1]);

        if (one_of(c, "<>!~?;\n") || (one_of(c, ",.") && !in_number) ||
            (i > first && is_alpha(c)))
            return 0;
    }
    for (last++; last < v.to && is_space(v.s[last]); )
        last++;
    return last;
}

/* "42", "$18 a day", "x = 5": the number that the value is, which is cut to
 * it. */
static int whole_number(struct span *v, struct number *out)
{
    size_t from = last_side(*v);
    struct span side = { v->s, from ? from : v->from, v->to };

    if (from)
        unwrap(&side);
    if (!number_next(side.s, side.to, side.from, out) ||
        out->from != side.from || !is_unit(side.s, out->to, side.to))
        return 0;
    *v = side;
    return 1;
}

/* The number that a sentence states: the only or last one, one after the last
 * equals sign before all others. */
static int stated_number(struct span v, struct number *out)
{
    struct number x;
    size_t from = v.from, eq = v.to;
    int found = 0;

    while (eq > v.from && v.s[eq - 1] != '=')
        eq--;
    if (eq > v.from && number_next(v.s, v.to, eq, out))
        return 1;
    while (number_next(v.s, v.to, from, &x)) {
        *out = x;
        from = x.to;
        found = 1;
    }
    return found;
}

/* --- normal form --------------------------------------------------------- */

static int is_article(const char *w, size_t n)
{
    return (n == 1 && w[0] == 'a') || (n == 2 && memcmp(w, "an", 2) == 0) ||
           (n == 3 && memcmp(w, "the", 3) == 0);
}

/* A byte inside a UTF-8 sequence. */
static int is_inner(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Lower case, punctuation to single spaces, articles out; cut at a character
 * that does not fit. */
static void lower_text(struct span v, char *norm, size_t cap)
{
    size_t len = 0, word = 0;           /* word: where the current one began */

    for (size_t i = v.from; i <= v.to; i++) {
        char c = i < v.to ? to_lower(v.s[i]) : ' ';

        if (is_word(c) && len + 1 < cap) {
            norm[len++] = c;
            continue;
        }
        if (is_word(c)) {               /* full: drop a torn character */
            if (is_inner(c)) {
                while (len > word && is_inner(norm[len - 1]))
                    len--;
                len -= len > word;
            }
            break;
        }
        if (is_article(norm + word, len - word))
            len = word;
        if (len > word && len + 1 < cap)
            norm[len++] = ' ';
        word = len;
    }
    while (len > 0 && norm[len - 1] == ' ')
        len--;
    norm[len] = '\0';
}

static void set(struct answer *out, enum answer_kind kind, struct span v,
                const char *norm)
{
    out->kind = kind;
    out->from = v.from;
    out->to = v.to;
    snprintf(out->norm, sizeof out->norm, "%s", norm);
}

/* Classifies the value v; the text of answers that are neither option, yes or
 * no, nor number is taken as it stands. */
static void classify(struct span v, struct answer *out)
{
    struct number num;
    const char *yesno;
    char letter;

    unwrap(&v);
    letter = option_letter(v);
    if (letter) {
        set(out, ANSWER_OPTION, v, (char[]){ letter, '\0' });
    } else if ((yesno = yes_or_no(v)) != NULL) {
        set(out, ANSWER_YESNO, v, yesno);
    } else if (whole_number(&v, &num)) {
        set(out, ANSWER_NUMBER, v, num.norm);
    } else {
        set(out, ANSWER_TEXT, v, "");
        lower_text(v, out->norm, sizeof out->norm);
    }
}

void answer_normalise(const char *s, size_t n, struct answer *out)
{
    classify((struct span){ s, 0, n }, out);
}

/* --- where a step states one --------------------------------------------- */

/* Lower case; the value follows. */
static const char *const cues[] = {
    "answer is", "answer would be", "answer should be", "answer must be",
    "answer:", "answer", "answer to this question is",
    "answer to the question is", "go with", "correct option is",
    "correct choice is", "best option is", "best choice is", "conclusion:",
    "conclusion is", "result is",
};
/* The shortest cue, "answer" alone, is too common: only an option may follow
 * it ("So, answer A."). */
enum { OPTION_CUE_BYTES = sizeof "answer" - 1 };

/* Lower case; the value precedes. */
static const char *const tails[] = {
    "is the answer", "is the correct answer", "is the right answer",
    "is the best answer", "is the correct option", "is the correct choice",
    "would be the answer", "should be the answer",
    "would be the correct answer",
};

/* Words between a cue and its value that say nothing. */
static const char *const fillers[] = {
    "that ", "likely ", "probably ", "indeed ", "therefore ", "simply ",
    "thus ", "still ", "definitely ", "most ", "be ", "option ", "choice ",
    "answer ",
};

static size_t match(const char *s, size_t n, size_t at, const char *cue)
{
    size_t i = 0;

    for (; cue[i]; i++)
        if (at + i >= n || to_lower(s[at + i]) != cue[i])
            return 0;
    return i;
}

/* The longest of list that stands at s[at], else 0. */
static size_t match_any(const char *s, size_t n, size_t at,
                        const char *const *list, size_t n_list)
{
    size_t best = 0, len;

    for (size_t i = 0; i < n_list; i++)
        if ((len = match(s, n, at, list[i])) > best)
            best = len;
    return best;
}

/* The end of the clause that starts at `at`: a stop before white space, a line
 * break, or a tail of doubt or reason. */
static size_t clause_end(const char *s, size_t n, size_t at)
{
    static const char *const reason[] = {
        " because ", " since ", " but ", " as ", " which ", " if ", " so ",
        " due to ", " given ", " however",
    };

    if (n - at > VALUE_BYTES)
        n = at + VALUE_BYTES;
    for (size_t i = at; i < n; i++) {
        if (s[i] == '\n' && i > at)
            return i;
        if (one_of(s[i], ".!?;") && i > at + 1 &&
            (i + 1 == n || is_space(s[i + 1])))
            return i;
        if ((s[i] == ' ' || s[i] == ',') && i > at &&
            match_any(s, n, i + (s[i] == ','), reason,
                      sizeof reason / sizeof *reason))
            return i;
    }
    return n;
}

/* "not B" and "unclear" state no answer. */
static int is_denied(const struct span *v)
{
    static const char *const deny[] = {
        "not ", "n't ", "unclear", "unknown", "unsure", "?", "or ",
    };

    return v->from >= v->to ||
           match_any(v->s, v->to, v->from, deny, sizeof deny / sizeof *deny);
}

/* "C (hypertension)", "D in this case": after a cue a letter is enough, unless
 * it may be a word. */
static int names_option(const struct span *v)
{
    const char *p = v->s + v->from;
    size_t n = v->to - v->from;

    return n > 2 && p[0] >= 'A' && p[0] <= 'J' && p[1] == ' ' &&
           (p[2] == '(' || (p[0] != 'A' && p[0] != 'I'));
}

/* Classifies what stands after a cue. */
static int after_cue(const char *s, size_t n, size_t at, struct answer *out)
{
    struct span v = { s, at, n };
    struct number num;
    size_t len;

    do {
        while (v.from < n && (is_space(s[v.from]) ||
                              one_of(s[v.from], ":*")))
            v.from++;
        len = match_any(s, n, v.from, fillers,
                        sizeof fillers / sizeof *fillers);
        v.from += len;
    } while (len);
    if (is_denied(&v))
        return 0;
    v.to = clause_end(s, n, v.from);
    if (names_option(&v))
        v.to = v.from + 1;
    classify(v, out);
    if (out->kind == ANSWER_TEXT && stated_number(v, &num) &&
        !memchr(s + num.to, ',', v.to - num.to) && num.from > v.from) {
        struct number first;            /* one number only: that is it */
        size_t side = last_side(v);

        if (number_next(s, v.to, side ? side : v.from, &first) &&
            first.from == num.from)
            set(out, ANSWER_NUMBER, (struct span){ s, num.from, num.to },
                num.norm);
    }
    return out->norm[0] != '\0';
}

/* "..., so B is the correct answer." */
static int before_tail(const char *s, size_t at, struct answer *out)
{
    size_t from, end = at;

    while (end > 0 && is_space(s[end - 1]))
        end--;
    for (from = end; from > 0 && !is_space(s[from - 1]); )
        from--;
    if (from == end)
        return 0;
    classify((struct span){ s, from, end }, out);
    return out->kind != ANSWER_TEXT;    /* "it is the answer" names nothing */
}

/* The last \boxed{...} or line "#### ...". */
static int marked(const char *s, size_t n, struct answer *out)
{
    size_t len, end;
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\' && (len = text_at(s, n, i, "\\boxed{")) > 0 &&
            (end = closing(s, n, i + len)) > 0) {
            classify((struct span){ s, i + len, end - 1 }, out);
            found = 1;
            i = end - 1;
        } else if (s[i] == '#' && (i == 0 || s[i - 1] == '\n') &&
                   text_at(s, n, i, "#### ")) {
            const char *nl = memchr(s + i, '\n', n - i);

            end = nl ? (size_t)(nl - s) : n;
            classify((struct span){ s, i + 5, end }, out);
            found = 1;
            i = end - 1;
        }
    }
    return found;
}

/* Whether the cue of `len` bytes at s[at] is followed by a value. */
static int follows_cue(const char *s, size_t n, size_t at, size_t len,
                       struct answer *out)
{
    if (len == 0 || (at + len < n && is_word(s[at + len])))
        return 0;
    return after_cue(s, n, at + len, out) &&
           (len > OPTION_CUE_BYTES || out->kind == ANSWER_OPTION);
}

/* The last cue that names a value. */
static int cued(const char *s, size_t n, struct answer *out)
{
    size_t len;

    for (size_t i = n; i-- > 0; ) {
        if (i > 0 && is_word(s[i - 1]))
            continue;
        len = match_any(s, n, i, cues, sizeof cues / sizeof *cues);
        if (follows_cue(s, n, i, len, out) ||
            (match_any(s, n, i, tails, sizeof tails / sizeof *tails) &&
             before_tail(s, i, out)))
            return 1;
    }
    return 0;
}

/* The one option that the text names in brackets, "(D)" or "(option D)":
 * 1, or 0 where there is none or more than one. */
static int lone_option(struct span v, struct answer *out)
{
    int found = 0;

    for (size_t i = v.from; i + 2 < v.to; i++) {
        size_t at = i + 1 + match(v.s, v.to, i + 1, "option ");
        struct span letter = { v.s, at, at + 1 };
        struct answer a;

        if (v.s[i] != '(' || at + 1 >= v.to || v.s[at + 1] != ')' ||
            !is_upper(v.s[at]) || !option_letter(letter))
            continue;
        classify(letter, &a);
        if (found && strcmp(a.norm, out->norm) != 0)
            return 0;
        *out = a;
        found = 1;
    }
    return found;
}

/* What a sentence without a cue says. */
static void from_sentence(struct span v, struct answer *out)
{
    struct number num;

    if (lone_option(v, out))
        return;
    classify(v, out);
    if (out->kind == ANSWER_TEXT && stated_number(v, &num))
        set(out, ANSWER_NUMBER, (struct span){ v.s, num.from, num.to },
            num.norm);
}

static int stated(const char *s, size_t n, struct answer *out)
{
    return (marked(s, n, out) || cued(s, n, out)) && out->norm[0] != '\0';
}

int answer_find(const char *text, size_t n, int last, struct answer *out)
{
    struct answer a;

    if (!stated(text, n, &a)) {
        if (!last || n == 0)
            return 0;
        from_sentence((struct span){ text, 0, n }, &a);
    }
    if (a.norm[0] == '\0')
        return 0;
    *out = a;
    return 1;
}

/* A last step that is nothing but a value, or names one option. */
static int is_bare(struct span v, struct answer *out)
{
    if (lone_option(v, out))
        return 1;
    classify(v, out);
    return out->kind != ANSWER_TEXT;
}

static struct span step_of(const struct answer_path *p, int i)
{
    return (struct span){ p->text + p->seg[i].from, 0,
                          p->seg[i].to - p->seg[i].from };
}

/* The step that states the answer, or -1.  What is said after the thinking
 * goes before what was thought. */
static int stating(const struct answer_path *p, struct answer *out)
{
    for (int think = 0; think <= 1; think++)
        for (int i = p->n_seg - 1; i >= 0; i--) {
            struct span v = step_of(p, i);

            if (p->seg[i].in_think == think &&
                (stated(v.s, v.to, out) ||
                 (i == p->n_seg - 1 && !p->is_cut && is_bare(v, out))))
                return i;
        }
    return -1;
}

/* --- answers without a cue ------------------------------------------------ */

static int has_word(const char *text, const char *word, size_t n)
{
    for (const char *at = text; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, word, n) == 0 && (at[n] == ' ' || !at[n]))
            return 1;
    return 0;
}

/* Is every word of s[0..n) in the question, or stands for what is asked? */
static int repeats(const char *question, const char *s, size_t n)
{
    for (size_t from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && s[to] != ' '; )
            to++;
        if (!has_word(question, s + from, to - from) &&
            !(to - from == 2 && memcmp(s + from, "it", 2) == 0))
            return 0;
    }
    return 1;
}

/* "capital of france is paris" to "what is capital of france": "paris", and
 * so the other way round; anything else stays.  Both are normal forms. */
static void drop_question(const char *question, char *norm)
{
    static const char *const open[] = { "what", "which", "who", "where",
                                        "when" };
    static const char *const copula[] = { " is ", " are ", " was ", " were " };
    int asks = 0;

    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        asks |= has_word(question, open[i], strlen(open[i]));
    for (size_t i = 0; asks && i < sizeof copula / sizeof *copula; i++) {
        char *at = strstr(norm, copula[i]);
        char *rest = at ? at + strlen(copula[i]) : NULL;

        if (!at || strncmp(rest, "not ", 4) == 0)
            continue;
        int before = repeats(question, norm, (size_t)(at - norm));
        int after = repeats(question, rest, strlen(rest));

        if (before && !after)
            memmove(norm, rest, strlen(rest) + 1);
        else if (after && !before)
            *at = '\0';
        return;
    }
}

/* "Is fire cold?", "... Answer yes or no." */
static int asks_yes_or_no(const char *question)
{
    static const char *const first[] = {
        "is ", "are ", "was ", "were ", "do ", "does ", "did ", "can ",
        "could ", "will ", "would ", "has ", "have ", "should ",
    };

    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (strncmp(question, first[i], strlen(first[i])) == 0)
            return 1;
    return strstr(question, "yes or no") || strstr(question, "true or false");
}

static int is_short_statement(struct span v, const struct answer *a)
{
    int n_word = 1;

    for (const char *c = a->norm; *c; c++)
        n_word += *c == ' ';
    return n_word <= STATEMENT_WORDS && v.s[v.to - 1] != '?';
}

/* What a path that ended says without a cue: the step, or -1. */
static int saying(const struct answer_path *p, struct answer *out)
{
    char question[QUESTION_BYTES] = "";
    int first = 0, last = p->n_seg - 1;
    struct answer opening;

    if (p->question)
        lower_text((struct span){ p->question, 0, p->n_question }, question,
                   sizeof question);
    while (first < last && p->seg[first].in_think)
        first++;
    classify(step_of(p, first), &opening);
    from_sentence(step_of(p, last), out);
    if (opening.kind == ANSWER_YESNO &&
        (out->kind == ANSWER_TEXT || asks_yes_or_no(question))) {
        *out = opening;
        return first;
    }
    if (out->kind == ANSWER_TEXT) {
        if (first < last || !is_short_statement(step_of(p, last), out))
            return -1;
        drop_question(question, out->norm);
    }
    return last;
}

int answer_final(const struct answer_path *p, int *step, struct answer *out)
{
    struct answer a;
    int at = p->n_seg > 0 ? stating(p, &a) : -1;

    if (at < 0 && p->n_seg > 0 && !p->is_cut)
        at = saying(p, &a);
    if (at < 0 || a.norm[0] == '\0')
        return 0;
    *out = a;
    *step = at;
    out->from += p->seg[at].from;
    out->to += p->seg[at].from;
    return 1;
}
