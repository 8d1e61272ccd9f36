#include "trace/segment.h"

#include <string.h>

#include "base/mem.h"
#include "trace/ascii.h"
#include "trace/role.h"

/* One pass, two levels.  block() takes what begins a line: a think tag, a
 * code fence, displayed mathematics, a heading, or a unit of prose (a line and
 * the lines it was wrapped onto); sentences() cuts a unit.  Every look ahead
 * is bounded or remembered, so the whole is linear in the text. */

enum {
    WORD_MAX = 24,      /* bytes of a word looked up in the tables */
    BRACKET_MAX = 300   /* an open bracket holds back cuts for so long */
};

struct cutter {
    const char *s;
    size_t n, at;
    struct segment *seg;
    int n_seg, cap;
    int in_think, list_no;
    size_t math_open;   /* no display closes between here and there */
    int failed;
};

static int has(const struct cutter *c, size_t at, const char *lit)
{
    return text_at(c->s, c->n, at, lit) > 0;
}

static size_t skip_space(const struct cutter *c, size_t at, size_t to)
{
    while (at < to && is_space(c->s[at]))
        at++;
    return at;
}

static size_t line_end(const struct cutter *c, size_t at)
{
    const char *nl = memchr(c->s + at, '\n', c->n - at);

    return nl ? (size_t)(nl - c->s) : c->n;
}

/* --- the segments -------------------------------------------------------- */

static void emit(struct cutter *c, size_t from, size_t to)
{
    size_t i;

    from = skip_space(c, from, to);
    while (to > from && is_space(c->s[to - 1]))
        to--;
    for (i = from; i < to; i++)         /* a rule "---" says nothing */
        if (is_alpha(c->s[i]) || is_digit(c->s[i]) || is_high(c->s[i]))
            break;
    if (i == to || c->failed)
        return;
    if (c->n_seg == c->cap) {
        int cap = c->cap ? 2 * c->cap : 32;
        struct segment *seg = mem_realloc(c->seg, (size_t)cap, sizeof *seg);

        if (!seg) {
            c->failed = 1;
            return;
        }
        c->seg = seg;
        c->cap = cap;
    }
    c->seg[c->n_seg++] = (struct segment){
        .from = from, .to = to, .role = role_of(c->s + from, to - from),
        .in_think = c->in_think, .list_no = c->list_no,
    };
}

/* --- words that a full stop does not end --------------------------------- */

enum abbreviation {
    ABBR_NONE,
    ABBR_ALWAYS,        /* more follows: "Dr. Who" */
    ABBR_NUMBER,        /* more follows where a number does: "No. 5" */
    ABBR_MAYBE          /* ends a sentence where a new one clearly begins */
};

/* Lower case, without the last full stop. */
static const struct { const char *word; enum abbreviation kind; } abbr[] = {
    { "e.g", ABBR_ALWAYS }, { "i.e", ABBR_ALWAYS }, { "cf", ABBR_ALWAYS },
    { "viz", ABBR_ALWAYS }, { "vs", ABBR_ALWAYS }, { "v", ABBR_ALWAYS },
    { "dr", ABBR_ALWAYS }, { "mr", ABBR_ALWAYS }, { "mrs", ABBR_ALWAYS },
    { "ms", ABBR_ALWAYS }, { "prof", ABBR_ALWAYS }, { "st", ABBR_ALWAYS },
    { "hon", ABBR_ALWAYS }, { "rev", ABBR_ALWAYS }, { "capt", ABBR_ALWAYS },
    { "lt", ABBR_ALWAYS }, { "sgt", ABBR_ALWAYS }, { "mt", ABBR_ALWAYS },
    { "approx", ABBR_ALWAYS }, { "resp", ABBR_ALWAYS }, { "ca", ABBR_ALWAYS },
    { "no", ABBR_NUMBER }, { "nos", ABBR_NUMBER }, { "nr", ABBR_NUMBER },
    { "sec", ABBR_NUMBER }, { "secs", ABBR_NUMBER }, { "sect", ABBR_NUMBER },
    { "art", ABBR_NUMBER }, { "arts", ABBR_NUMBER }, { "cl", ABBR_NUMBER },
    { "fig", ABBR_NUMBER }, { "figs", ABBR_NUMBER }, { "eq", ABBR_NUMBER },
    { "eqs", ABBR_NUMBER }, { "p", ABBR_NUMBER }, { "pp", ABBR_NUMBER },
    { "vol", ABBR_NUMBER }, { "ch", ABBR_NUMBER }, { "para", ABBR_NUMBER },
    { "paras", ABBR_NUMBER }, { "ex", ABBR_NUMBER }, { "app", ABBR_NUMBER },
    { "sched", ABBR_NUMBER }, { "reg", ABBR_NUMBER }, { "ref", ABBR_NUMBER },
    { "etc", ABBR_MAYBE }, { "inc", ABBR_MAYBE }, { "ltd", ABBR_MAYBE },
    { "co", ABBR_MAYBE }, { "corp", ABBR_MAYBE }, { "bros", ABBR_MAYBE },
    { "jr", ABBR_MAYBE }, { "sr", ABBR_MAYBE }, { "al", ABBR_MAYBE },
    { "ph.d", ABBR_MAYBE }, { "dept", ABBR_MAYBE }, { "est", ABBR_MAYBE },
    { "jan", ABBR_MAYBE }, { "feb", ABBR_MAYBE }, { "apr", ABBR_MAYBE },
    { "aug", ABBR_MAYBE }, { "sept", ABBR_MAYBE }, { "oct", ABBR_MAYBE },
    { "nov", ABBR_MAYBE }, { "min", ABBR_MAYBE }, { "hrs", ABBR_MAYBE },
};

/* Capitalised, these begin a sentence and hardly ever go on with a name. */
static const char *const starter[] = {
    "a", "after", "all", "also", "alternatively", "although", "an", "and",
    "any", "are", "as", "at", "because", "before", "both", "but", "by",
    "consequently", "did", "do", "does", "each", "every", "finally", "first",
    "for", "from", "given", "he", "hence", "her", "here", "his", "how",
    "however", "i", "if", "in", "is", "it", "its", "let", "look", "looking",
    "maybe", "my", "next", "no", "not", "now", "on", "option", "or", "our",
    "perhaps", "second", "she", "since", "so", "some", "that", "the", "their",
    "then", "there", "therefore", "these", "they", "this", "those", "thus",
    "to", "wait", "was", "we", "were", "what", "when", "which", "while", "who",
    "why", "with", "yes", "you",
};

/* "Option B." ends a sentence; "John B." may go on. */
static const char *const labelled[] = {
    "answer", "appendix", "article", "case", "choice", "class", "column",
    "exhibit", "figure", "grade", "group", "hepatitis", "item", "letter",
    "lot", "option", "part", "party", "plan", "point", "question", "row",
    "schedule", "section", "stage", "step", "table", "team", "type", "vitamin",
};

/* A word of the text, in lower case. */
struct word {
    size_t from;
    int n, capital;             /* capital: its first letter was */
    char low[WORD_MAX + 1];     /* "" where it is longer than that */
};

static void word_set(struct word *w, const char *s, size_t from, size_t to)
{
    w->from = from;
    w->n = to - from <= WORD_MAX ? (int)(to - from) : WORD_MAX + 1;
    w->capital = to > from && is_upper(s[from]);
    w->low[0] = '\0';
    if (w->n > WORD_MAX)
        return;
    for (int i = 0; i < w->n; i++) {
        char ch = s[from + (size_t)i];
        w->low[i] = is_upper(ch) ? (char)(ch - 'A' + 'a') : ch;
    }
    w->low[w->n] = '\0';
}

/* The word that ends at `to`, opening brackets and quotes taken off. */
static void word_before(const struct cutter *c, size_t lo, size_t to,
                        struct word *w)
{
    size_t from = to;

    while (from > lo && to - from <= WORD_MAX && !is_space(c->s[from - 1]) &&
           !one_of(c->s[from - 1], "([{\"'*_`-"))
        from--;
    word_set(w, c->s, from, to);
}

static void word_at(const struct cutter *c, size_t at, size_t to,
                    struct word *w)
{
    size_t end = at;

    while (end < to && end - at <= WORD_MAX && is_alpha(c->s[end]))
        end++;
    word_set(w, c->s, at, end);
}

static int listed(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return 1;
    return 0;
}

static int is_starter(const struct word *w)
{
    return w->capital &&
           listed(starter, sizeof starter / sizeof *starter, w->low);
}

/* "IV", but not "I", which is more often a person. */
static int is_roman(const struct word *w)
{
    return w->capital && strcmp(w->low, "i") != 0 &&
           strspn(w->low, "ivx") == (size_t)w->n;
}

/* "u.s", "p.m", "b.a": single letters with stops between. */
static int is_acronym(const struct word *w)
{
    if (w->n < 3 || w->n > WORD_MAX || w->n % 2 == 0)
        return 0;
    for (int i = 0; i < w->n; i++)
        if (i % 2 ? w->low[i] != '.' : !is_lower(w->low[i]))
            return 0;
    return 1;
}

static enum abbreviation abbreviation_of(const struct word *w)
{
    for (size_t i = 0; i < sizeof abbr / sizeof *abbr; i++)
        if (strcmp(abbr[i].word, w->low) == 0)
            return abbr[i].kind;
    return is_acronym(w) ? ABBR_MAYBE : ABBR_NONE;
}

/* 1 where the capital w, followed by a stop and then `next`, stands for a
 * name: "J. Smith", "George W. Bush", but not "the answer is D. Patients". */
static int is_initial(const struct cutter *c, size_t from,
                      const struct word *w, const struct word *next)
{
    struct word prev;
    size_t end = w->from;

    if (w->n != 1 || !w->capital || w->low[0] == 'i' || !next->capital ||
        is_starter(next))
        return 0;
    while (end > from && is_space(c->s[end - 1]))
        end--;
    if (end == from)
        return 1;
    if (c->s[end - 1] == '.') {         /* "J. K. Rowling", "Mr. K. Low" */
        word_before(c, from, end - 1, &prev);
        return prev.capital && (prev.n == 1 ||
                                abbreviation_of(&prev) == ABBR_ALWAYS);
    }
    word_before(c, from, end, &prev);
    return prev.capital &&
           !listed(labelled, sizeof labelled / sizeof *labelled, prev.low);
}

/* 1 where s[from..at) is nothing but "1", "iv" or "B": a label whose text is
 * still to come. */
static int is_label(const struct cutter *c, size_t from, size_t at)
{
    int digits = 1, roman = 1;

    from = skip_space(c, from, at);
    while (from < at && one_of(c->s[from], "(*_"))
        from++;
    if (at - from > 4 || at == from)
        return 0;
    for (size_t i = from; i < at; i++) {
        digits &= is_digit(c->s[i]);
        roman &= one_of(c->s[i], "ivxIVX");
    }
    return digits || roman || (at - from == 1 && is_alpha(c->s[from]));
}

/* --- sentences ----------------------------------------------------------- */

/* Bytes of a quote or bracket that may stand between a stop and the space
 * after it, else 0; *shut rises by one per bracket. */
static size_t closer(const struct cutter *c, size_t at, size_t to, int *shut)
{
    static const char *const high[] = {
        "\xE2\x80\x9D", "\xE2\x80\x99", "\xC2\xBB",     /* ” ’ » */
    };

    if (at >= to)
        return 0;
    if (one_of(c->s[at], ")]}")) {
        ++*shut;
        return 1;
    }
    if (has(c, at, "\\)") || has(c, at, "\\]")) {
        ++*shut;
        return 2;
    }
    if (one_of(c->s[at], "\"'*_`$"))
        return 1;
    for (size_t i = 0; i < sizeof high / sizeof *high; i++)
        if (has(c, at, high[i]))
            return strlen(high[i]);
    return 0;
}

/* Bytes of a mark that may end a sentence at s[at], else 0.  *wide: of a
 * script that puts no space after it. */
static size_t terminator(const struct cutter *c, size_t at, int *wide)
{
    static const char *const cjk[] = {
        "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F",
    };

    *wide = 0;
    if (one_of(c->s[at], ".!?"))
        return 1;
    if (has(c, at, "\xE2\x80\xA6"))     /* … */
        return 3;
    for (size_t i = 0; i < sizeof cjk / sizeof *cjk; i++)
        if (has(c, at, cjk[i])) {
            *wide = 1;
            return 3;
        }
    return 0;
}

/* Whether the one full stop at `at` ends the sentence that began at `from`,
 * given that `next` begins what follows. */
static int stop_ends(const struct cutter *c, size_t from, size_t at,
                     size_t next, size_t to)
{
    struct word w, follows;
    char first = c->s[next];

    if (is_label(c, from, at))
        return 0;
    word_before(c, from, at, &w);
    word_at(c, next, to, &follows);
    switch (abbreviation_of(&w)) {
    case ABBR_ALWAYS:
        return 0;
    case ABBR_NUMBER:
        return !(is_digit(first) || first == '(' || is_roman(&follows));
    case ABBR_MAYBE:
        return is_starter(&follows);
    case ABBR_NONE:
        break;
    }
    return !is_initial(c, from, &w, &follows);
}

/* Whether a sentence that began at `from` ends with the mark at `at`; depth:
 * brackets open there.  *past: just after the marks, and where it does end
 * after their closers too. */
static int sentence_ends(const struct cutter *c, size_t from, size_t at,
                         size_t to, int depth, size_t *past)
{
    size_t i = at, len, next;
    int wide, any_wide = 0, n_mark = 0, shut = 0, stops = 0;

    while (i < to && (len = terminator(c, i, &wide)) > 0) {
        stops += c->s[i] == '.' || len == 3;
        n_mark += len == 3 && !wide ? 3 : 1;    /* … counts as three stops */
        any_wide |= wide;
        i += len;
    }
    *past = i;
    while ((len = closer(c, i, to, &shut)) > 0)
        i += len;
    next = skip_space(c, i, to);
    if (depth > shut)
        return 0;
    if (next == to || any_wide) {
        *past = i;
        return 1;
    }
    if (next == i || is_lower(c->s[next]) ||
        one_of(c->s[next], ",;:=+/<>)]}%"))
        return 0;
    if (n_mark >= 3 && stops) {         /* "Well... I think" is one thought */
        struct word w;

        word_at(c, next, to, &w);
        if (strcmp(w.low, "i") == 0)
            return 0;
    } else if (n_mark == 1 && c->s[at] == '.' &&
               !stop_ends(c, from, at, next, to)) {
        return 0;
    }
    *past = i;
    return 1;
}

/* Cuts the unit [from, to); its first `mark` bytes are a list marker. */
static void sentences(struct cutter *c, size_t from, size_t to, size_t mark)
{
    size_t start = from, opened = 0, past;
    int depth = 0, wide;

    for (size_t i = from + mark; i < to; ) {
        char ch = c->s[i];

        if (one_of(ch, "([{") && depth++ == 0)
            opened = i;
        else if (one_of(ch, ")]}") && depth > 0)
            depth--;
        if (depth && i - opened > BRACKET_MAX)
            depth = 0;                  /* was never closed */
        if (!terminator(c, i, &wide)) {
            i++;
            continue;
        }
        if (sentence_ends(c, start, i, to, depth, &past)) {
            emit(c, start, past);
            start = past;
            depth = 0;
        }
        i = past;
    }
    emit(c, start, to);
}

/* --- what begins a line -------------------------------------------------- */

/* Bytes of a think tag at s[at], else 0. */
static size_t think_tag(const struct cutter *c, size_t at, int *opens)
{
    static const struct { const char *open, *close; } tag[] = {
        { "<think>", "</think>" },
        { "<thinking>", "</thinking>" },
        { "<thought>", "</thought>" },
        { "<reasoning>", "</reasoning>" },
        { "[THINK]", "[/THINK]" },
        { "<|begin_of_thought|>", "<|end_of_thought|>" },
    };

    if (at >= c->n || (c->s[at] != '<' && c->s[at] != '['))
        return 0;
    for (size_t i = 0; i < sizeof tag / sizeof *tag; i++) {
        *opens = has(c, at, tag[i].open);
        if (*opens)
            return strlen(tag[i].open);
        if (has(c, at, tag[i].close))
            return strlen(tag[i].close);
    }
    return 0;
}

/* A template may have put the opening tag into the prompt. */
static int begins_thinking(const struct cutter *c)
{
    int opens;

    for (size_t i = 0; i < c->n; i++)
        if (think_tag(c, i, &opens))
            return !opens;
    return 0;
}

/* Bytes of a list marker at s[at], white space after it included, else 0;
 * *no: its number, -1 where it is a bullet or a letter. */
static size_t list_marker(const struct cutter *c, size_t at, int *no)
{
    size_t i = at, word;
    int paren;

    *no = -1;
    if (has(c, i, "\xE2\x80\xA2") && i + 3 < c->n)      /* bullet */
        return is_space(c->s[i + 3]) ? 4 : 0;
    if (i + 1 < c->n && one_of(c->s[i], "-*+") && is_space(c->s[i + 1]))
        return 2;
    while (i < c->n && i - at < 2 && c->s[i] == '*')    /* **1.** */
        i++;
    if (has(c, i, "Step ") && i + 5 < c->n && is_digit(c->s[i + 5]))
        i += 5;
    paren = i < c->n && c->s[i] == '(';
    i += (size_t)paren;
    word = i;
    while (i < c->n && i - word < 3 && is_digit(c->s[i]))
        *no = (*no < 0 ? 0 : *no) * 10 + (c->s[i++] - '0');
    if (i == word) {                    /* a letter, or a small Roman number */
        while (i < c->n && i - word < 4 && one_of(c->s[i], "ivx"))
            i++;
        if (i == word && i < c->n && is_alpha(c->s[i]))
            i++;
    }
    if (i == word || i >= c->n || !one_of(c->s[i], paren ? ")" : ".):") ||
        (c->s[i] == ':' && *no < 0))
        goto none;
    i++;
    while (i < c->n && c->s[i] == '*')
        i++;
    if (i < c->n && !is_space(c->s[i]))
        goto none;
    return i - at;
none:
    *no = -1;
    return 0;
}

static int is_heading(const struct cutter *c, size_t at, size_t end)
{
    size_t i = at;

    while (i < end && c->s[i] == '#')
        i++;
    if (i > at)
        return i - at <= 6 && i < end && is_space(c->s[i]);
    while (end > at && (is_space(c->s[end - 1]) || c->s[end - 1] == ':'))
        end--;
    return end - at > 4 && has(c, at, "**") && c->s[end - 1] == '*' &&
           c->s[end - 2] == '*' &&
           !memchr(c->s + at + 2, '*', end - at - 4);
}

/* The end of the fenced code at s[at], 0 where none begins.  A fence that is
 * never closed runs to the end, as Markdown has it, or to a think tag. */
static size_t fence(const struct cutter *c, size_t at)
{
    const char *mark = has(c, at, "```") ? "```" : has(c, at, "~~~") ? "~~~"
                     : NULL;
    int opens;

    if (!mark)
        return 0;
    for (size_t i = line_end(c, at); i < c->n; i = line_end(c, i + 1)) {
        size_t text = i + 1;

        while (text < c->n && (c->s[text] == ' ' || c->s[text] == '\t'))
            text++;
        if (think_tag(c, text, &opens))
            return i;
        if (has(c, text, mark))
            return line_end(c, text);
    }
    return c->n;
}

/* The end of the displayed formula at s[at], 0 where none begins.  One that
 * does not close before a blank line is prose. */
static size_t display_math(struct cutter *c, size_t at)
{
    const char *close = has(c, at, "\\[") ? "\\]" : has(c, at, "$$") ? "$$"
                      : NULL;
    size_t i = at + 2;

    if (!close || at < c->math_open)
        return 0;
    for (; i < c->n; i++) {
        if (has(c, i, close))
            return i + 2;
        if (c->s[i] == '\n' && i + 1 < c->n && c->s[i + 1] == '\n')
            break;
    }
    c->math_open = i;
    return 0;
}

/* Whether the line that starts at `at` only goes on with the one before,
 * which ended at `end`. */
static int is_wrapped(const struct cutter *c, size_t end, size_t at)
{
    int no;

    return at < c->n && is_lower(c->s[at]) && !list_marker(c, at, &no) &&
           end > 0 && !one_of(c->s[end - 1], ".!?:;");
}

/* The end of the unit of prose that begins at `at`: its line, the lines it was
 * wrapped onto, cut short by a think tag. */
static size_t unit_end(const struct cutter *c, size_t at)
{
    size_t i = at, text, end;
    int opens;

    for (; i < c->n; i++) {
        if (think_tag(c, i, &opens))
            return i;
        if (c->s[i] != '\n')
            continue;
        for (end = i; end > at && is_space(c->s[end - 1]); )
            end--;
        for (text = i + 1; text < c->n && (c->s[text] == ' ' ||
                                           c->s[text] == '\t'); )
            text++;
        if (!is_wrapped(c, end, text))
            return i;
    }
    return c->n;
}

/* Takes what begins at c->at, which is not white space. */
static void block(struct cutter *c)
{
    size_t at = c->at, end, mark;
    int opens, no;

    end = think_tag(c, at, &opens);
    if (end) {
        c->in_think = opens;
        c->list_no = -1;
        c->at = at + end;
        return;
    }
    mark = list_marker(c, at, &no);
    if (mark || c->s[at] == '#' || (at > 1 && c->s[at - 1] == '\n' &&
                                    c->s[at - 2] == '\n'))
        c->list_no = no;                /* a paragraph ends the item before */
    if ((end = fence(c, at)) == 0 && (end = display_math(c, at)) == 0) {
        end = unit_end(c, at);
        if (!is_heading(c, at, end)) {
            sentences(c, at, end, mark);
            c->at = end;
            return;
        }
    }
    emit(c, at, end);
    c->at = end;
}

enum sor_err segment_text(const char *text, size_t n, struct segment **out,
                          int *n_out, struct sor_msg *msg)
{
    struct cutter c = { .s = text, .n = n, .list_no = -1 };

    c.in_think = begins_thinking(&c);
    while (!c.failed && (c.at = skip_space(&c, c.at, n)) < n)
        block(&c);
    if (c.failed) {
        mem_free(c.seg);
        return sor_fail(msg, SOR_NOMEM,
                        "no memory to cut %zu bytes of text into steps", n);
    }
    *out = c.seg;
    *n_out = c.n_seg;
    return SOR_OK;
}
