/* tests/xml.c - see xml.h. */
#include "tests/xml.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { DEPTH = 64, ATTRS = 64 };

struct name { const char *p; size_t n; };

struct checker {
    const char *s;
    size_t n, at;
    struct name open[DEPTH];
    int depth, roots;
    struct xml *x;
};

static int fault(struct checker *c, const char *what)
{
    snprintf(c->x->fault, sizeof c->x->fault, "byte %zu: %s: %.40s", c->at,
             what, c->s + (c->at < c->n ? c->at : c->n));
    return -1;
}

static int is_name(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch >= '0' && ch <= '9') || strchr("_:-.", ch) != NULL;
}

static struct name take_name(struct checker *c)
{
    struct name out = { c->s + c->at, 0 };

    while (c->at < c->n && c->s[c->at] && is_name(c->s[c->at]))
        c->at++, out.n++;
    return out;
}

static void skip_space(struct checker *c)
{
    while (c->at < c->n && c->s[c->at] && strchr(" \t\r\n", c->s[c->at]))
        c->at++;
}

static int entity(struct checker *c)
{
    static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;",
                                         "&apos;" };
    unsigned v;
    int used = 0;

    for (size_t i = 0; i < 5; i++)
        if (!strncmp(c->s + c->at, known[i], strlen(known[i]))) {
            c->at += strlen(known[i]);
            return 0;
        }
    if ((sscanf(c->s + c->at, "&#x%x;%n", &v, &used) == 1 && used) ||
        (sscanf(c->s + c->at, "&#%u;%n", &v, &used) == 1 && used)) {
        if (v < 0x20 && v != 9 && v != 10 && v != 13)
            return fault(c, "reference to a control");
        c->at += (size_t)used;
        return 0;
    }
    return fault(c, "bad entity");
}

/* One character of text or of an attribute's value. */
static int character(struct checker *c)
{
    uint32_t cp;

    if (c->s[c->at] == '&')
        return entity(c);
    if (c->s[c->at] == '<')
        return fault(c, "< in text");
    size_t used = utf8_next(c->s + c->at, c->n - c->at, &cp);
    if (cp == 0xFFFD && memcmp(c->s + c->at, "\xEF\xBF\xBD", used < 3 ? used : 3))
        return fault(c, "invalid UTF-8");
    if ((cp < 0x20 && cp != 9 && cp != 10 && cp != 13) || cp == 0xFFFE ||
        cp == 0xFFFF)
        return fault(c, "character not allowed");
    c->at += used;
    return 0;
}

static int attributes(struct checker *c)
{
    struct name seen[ATTRS];
    int n = 0;

    for (;; n++) {
        size_t before = c->at;

        skip_space(c);
        if (c->at >= c->n || strchr("/>?", c->s[c->at]))
            return 0;
        if (c->at == before)
            return fault(c, "no space before an attribute");
        struct name a = take_name(c);
        if (!a.n || n == ATTRS || c->s[c->at] != '=')
            return fault(c, "not an attribute");
        for (int i = 0; i < n; i++)
            if (seen[i].n == a.n && !memcmp(seen[i].p, a.p, a.n))
                return fault(c, "attribute given twice");
        seen[n] = a;
        char quote = c->s[++c->at];
        if (quote != '"' && quote != '\'')
            return fault(c, "attribute without quotes");
        for (c->at++; c->at < c->n && c->s[c->at] != quote;)
            if (character(c))
                return -1;
        c->at++;
    }
}

/* A comment, a declaration or an instruction: up to its end. */
static int skip_to(struct checker *c, const char *end)
{
    const char *p = strstr(c->s + c->at, end);

    if (!p)
        return fault(c, "never ends");
    c->at = (size_t)(p - c->s) + strlen(end);
    return 0;
}

static int tag(struct checker *c)
{
    if (!strncmp(c->s + c->at, "<!--", 4))
        return skip_to(c, "-->");
    if (c->s[c->at + 1] == '?')
        return skip_to(c, "?>");
    if (!strncmp(c->s + c->at, "<!DOCTYPE", 9))
        return skip_to(c, ">");
    int closes = c->s[c->at + 1] == '/';
    c->at += closes ? 2 : 1;
    struct name t = take_name(c);
    if (!t.n)
        return fault(c, "tag without a name");
    if (!closes && attributes(c))
        return -1;
    int empty = !closes && c->s[c->at] == '/';
    c->at += (size_t)empty;
    if (c->s[c->at] != '>')
        return fault(c, "tag does not end");
    c->at++;
    if (closes) {
        if (!c->depth)
            return fault(c, "nothing to close");
        struct name o = c->open[--c->depth];
        return o.n == t.n && !memcmp(o.p, t.p, t.n) ? 0
             : fault(c, "closes another tag");
    }
    c->roots += c->depth == 0;
    if (!empty && c->depth == DEPTH)
        return fault(c, "too deep");
    if (!empty)
        c->open[c->depth++] = t;
    return 0;
}

int xml_check(const char *s, size_t n, struct xml *x)
{
    struct checker c = { .s = s, .n = n, .x = x };

    while (c.at < n)
        if (s[c.at] == '<' ? tag(&c) : character(&c))
            return -1;
    return c.depth == 0 && c.roots == 1 ? 0 : fault(&c, "tags left open");
}

int xml_count(const char *text, const char *needle)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, needle)); p += strlen(needle))
        n++;
    return n;
}
