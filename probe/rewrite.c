#include "probe/rewrite.h"

#include <ctype.h>
#include <string.h>

struct pair { const char *from, *to; };

/* Denied, or the opposite. */
static const struct pair denials[] = {
    { "is", "is not" }, { "are", "are not" }, { "was", "was not" },
    { "were", "were not" }, { "can", "cannot" }, { "will", "will not" },
    { "has", "does not have" }, { "have", "do not have" },
};
static const struct pair opposites[] = {
    { "yes", "no" }, { "Yes", "No" }, { "no", "yes" }, { "No", "Yes" },
    { "true", "false" }, { "True", "False" }, { "false", "true" },
    { "False", "True" }, { "more", "fewer" }, { "less", "more" },
};
static const struct pair synonyms[] = {
    { "So", "Thus" }, { "so", "thus" }, { "Therefore", "Hence" },
    { "therefore", "hence" }, { "First", "To begin" }, { "first", "to begin" },
    { "Next", "After that" }, { "Then", "After that" },
    { "then", "after that" }, { "Now", "At this point" },
    { "because", "since" }, { "Because", "Since" }, { "need", "have" },
    { "total", "sum" }, { "find", "work out" }, { "calculate", "compute" },
    { "Let's", "Let us" }, { "we", "one" }, { "We", "One" },
    { "means", "implies" }, { "answer", "result" }, { "equals", "makes" },
    { "has", "possesses" }, { "gives", "yields" }, { "get", "obtain" },
    { "each", "every" }, { "big", "large" }, { "also", "in addition" },
};

#define COUNT(a) (int)(sizeof (a) / sizeof *(a))

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '\'';
}

/* The entry for the whole word at text[at..]; NULL: none, or inside one. */
static const struct pair *entry_at(const char *text, size_t n, size_t at,
                                   const struct pair *list, int count)
{
    if (at > 0 && is_word(text[at - 1]))
        return NULL;
    for (int i = 0; i < count; i++) {
        size_t len = strlen(list[i].from);

        if (at + len <= n && memcmp(text + at, list[i].from, len) == 0 &&
            (at + len == n || !is_word(text[at + len])))
            return &list[i];
    }
    return NULL;
}

/* Exchanges words; at most `most` of them. */
static int exchange(const char *text, size_t n, const struct pair *list,
                    int count, int most, struct str *out)
{
    size_t mark = out->len, at = 0;
    int done = 0;

    while (at < n) {
        const struct pair *e = done < most
                                   ? entry_at(text, n, at, list, count)
                                   : NULL;

        if (e) {
            str_puts(out, e->to);
            at += strlen(e->from);
            done++;
        } else {
            str_putc(out, text[at++]);
        }
    }
    if (!done) {
        out->len = mark;
        out->p[mark] = '\0';
    }
    return done;
}

/* The last run of digits, one more: 9 carries, 99 becomes 100. */
static int add_one(const char *text, size_t n, struct str *out)
{
    size_t end = n, from, carry;

    while (end > 0 && !isdigit((unsigned char)text[end - 1]))
        end--;
    if (end == 0)
        return 0;
    for (from = end; from > 0 && isdigit((unsigned char)text[from - 1]);)
        from--;
    for (carry = end; carry > from && text[carry - 1] == '9';)
        carry--;
    str_put(out, text, carry == from ? from : carry - 1);
    str_putc(out, carry == from ? '1' : (char)(text[carry - 1] + 1));
    for (size_t i = carry; i < end; i++)
        str_putc(out, '0');
    str_put(out, text + end, n - end);
    return 1;
}

int rewrite_mistake(const char *text, size_t n, struct str *out)
{
    return add_one(text, n, out) ||
           exchange(text, n, denials, COUNT(denials), 1, out) ||
           exchange(text, n, opposites, COUNT(opposites), 1, out);
}

int rewrite_paraphrase(const char *text, size_t n, struct str *out)
{
    return exchange(text, n, synonyms, COUNT(synonyms), 1 << 20, out) > 0;
}
