/* review/document_numbering.c - the numbers that Word makes while it shows a
 * text, and does not store in it.
 *
 * A paragraph names a list (w:num) and a level, itself or through its style.
 * Lists that share a definition (w:abstractNum) share its counters; a list
 * with a start of its own begins again where it is first used.  Counting at
 * one level resets the deeper ones.  Source: ECMA-376 part 1, 17.9. */
#include "review/document_docx.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { LEVELS = 9, MOST = 20000, BASED_ON_MOST = 16 };

enum format { FORMAT_DECIMAL, FORMAT_ZERO, FORMAT_LOWER, FORMAT_UPPER,
              FORMAT_ROMAN_LOWER, FORMAT_ROMAN_UPPER, FORMAT_ORDINAL,
              FORMAT_BULLET, FORMAT_NONE };
static const struct { const char *name; enum format format; } formats[] = {
    { "decimal", FORMAT_DECIMAL },          { "decimalZero", FORMAT_ZERO },
    { "lowerLetter", FORMAT_LOWER },        { "upperLetter", FORMAT_UPPER },
    { "lowerRoman", FORMAT_ROMAN_LOWER },   { "none", FORMAT_NONE },
    { "upperRoman", FORMAT_ROMAN_UPPER },   { "bullet", FORMAT_BULLET },
    { "ordinal", FORMAT_ORDINAL },
};

struct level {
    enum format format;
    int start, legal, restart;  /* legal: all in decimal; restart 0: never */
    char *text;                 /* "%1.%2"; NULL: nothing is shown */
    char *style;                /* the style that means this level */
    int count;                  /* 0: not begun */
    int begun;
};
struct definition { int id; struct level level[LEVELS]; };
struct list {
    int id, definition;         /* w:abstractNumId */
    int start[LEVELS];          /* -1: the definition's */
};
struct style { char *id, *based_on; int num_id, level; };

struct numbering {
    struct definition *definition;  int n_definition;
    struct list *list;              int n_list;
    struct style *style;            int n_style;
    /* while reading */
    int at_level, in_override, in_list, no_memory;
};

/* --- reading -------------------------------------------------------------- */

/* One more element, zeroed; NULL without memory or over the limit. */
static void *grow(void **array, int *n, size_t size)
{
    char *p;

    if (*n >= MOST)
        return NULL;
    p = mem_realloc(*array, (size_t)*n + 1, size);
    if (!p)
        return NULL;
    *array = p;
    memset(p + (size_t)*n * size, 0, size);
    return p + (size_t)(*n)++ * size;
}

static void copy(struct numbering *n, char **to, const char *s)
{
    if (!s || *to)
        return;
    *to = mem_strdup(s);
    if (!*to)
        n->no_memory = 1;
}

static void start_definition(struct numbering *n, const char **attr)
{
    struct definition *d = grow((void **)&n->definition, &n->n_definition,
                                sizeof *d);

    n->in_list = 0;
    n->at_level = -1;
    if (!d) {
        n->no_memory = 1;
        return;
    }
    d->id = xml_attr_int(attr, "abstractNumId", -1);
    for (int i = 0; i < LEVELS; i++)
        d->level[i].start = d->level[i].restart = 1;
}

static void start_list(struct numbering *n, const char **attr)
{
    struct list *l = grow((void **)&n->list, &n->n_list, sizeof *l);

    n->in_list = 1;
    n->at_level = -1;
    if (!l) {
        n->no_memory = 1;
        return;
    }
    l->id = xml_attr_int(attr, "numId", -1);
    l->definition = -1;
    for (int i = 0; i < LEVELS; i++)
        l->start[i] = -1;
}

static enum format format_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return formats[i].format;
    return FORMAT_DECIMAL;      /* "First", "One": at least the value */
}

static void read_level(struct numbering *n, const char *name,
                       const char **attr)
{
    struct level *l;

    if (!n->n_definition || n->at_level < 0 || n->in_list)
        return;
    l = &n->definition[n->n_definition - 1].level[n->at_level];
    if (strcmp(name, "start") == 0)
        l->start = xml_attr_int(attr, "val", 1);
    else if (strcmp(name, "numFmt") == 0)
        l->format = format_named(xml_attr(attr, "val"));
    else if (strcmp(name, "lvlText") == 0)
        copy(n, &l->text, xml_attr(attr, "val"));
    else if (strcmp(name, "pStyle") == 0)
        copy(n, &l->style, xml_attr(attr, "val"));
    else if (strcmp(name, "isLgl") == 0)
        l->legal = xml_attr_on(attr);
    else if (strcmp(name, "lvlRestart") == 0)
        l->restart = xml_attr_int(attr, "val", 1);
}

static int level_of(const char **attr)
{
    const int i = xml_attr_int(attr, "ilvl", -1);

    return i < LEVELS ? i : -1;
}

static void numbering_start(void *ud, const char *name, const char **attr)
{
    struct numbering *n = ud;

    if (strcmp(name, "abstractNum") == 0) {
        start_definition(n, attr);
    } else if (strcmp(name, "num") == 0) {
        start_list(n, attr);
    } else if (strcmp(name, "lvl") == 0 || strcmp(name, "lvlOverride") == 0) {
        n->at_level = level_of(attr);
    } else if (n->in_list && n->n_list) {
        struct list *l = &n->list[n->n_list - 1];

        if (strcmp(name, "abstractNumId") == 0)
            l->definition = xml_attr_int(attr, "val", -1);
        else if (strcmp(name, "startOverride") == 0 && n->at_level >= 0)
            l->start[n->at_level] = xml_attr_int(attr, "val", 1);
    } else {
        read_level(n, name, attr);
    }
}

static void styles_start(void *ud, const char *name, const char **attr)
{
    struct numbering *n = ud;
    struct style *s;

    if (strcmp(name, "style") == 0) {
        s = grow((void **)&n->style, &n->n_style, sizeof *s);
        if (!s) {
            n->no_memory = 1;
            return;
        }
        s->num_id = s->level = -1;
        copy(n, &s->id, xml_attr(attr, "styleId"));
        return;
    }
    if (!n->n_style)
        return;
    s = &n->style[n->n_style - 1];
    if (strcmp(name, "basedOn") == 0)
        copy(n, &s->based_on, xml_attr(attr, "val"));
    else if (strcmp(name, "numId") == 0)
        s->num_id = xml_attr_int(attr, "val", -1);
    else if (strcmp(name, "ilvl") == 0)
        s->level = xml_attr_int(attr, "val", -1);
}

static void no_end(void *ud, const char *name)
{
    (void)ud, (void)name;
}

enum sor_err numbering_open(const char *name, const struct str *numbering,
                            const struct str *styles, struct numbering **out,
                            struct sor_msg *msg)
{
    struct numbering *n = mem_calloc(1, sizeof *n);
    struct xml_handler h = { .ud = n, .start = numbering_start,
                             .end = no_end };
    enum sor_err err = SOR_OK;

    if (!n)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    if (numbering->len)
        err = xml_read(name, "word/numbering.xml", numbering, &h, msg);
    h.start = styles_start;
    if (!err && styles->len)
        err = xml_read(name, "word/styles.xml", styles, &h, msg);
    if (!err && n->no_memory)
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory, or over %d styles "
                       "or lists", name, MOST);
    if (err) {
        numbering_close(n);
        return err;
    }
    *out = n;
    return SOR_OK;
}

void numbering_close(struct numbering *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->n_definition; i++)
        for (int k = 0; k < LEVELS; k++) {
            mem_free(n->definition[i].level[k].text);
            mem_free(n->definition[i].level[k].style);
        }
    for (int i = 0; i < n->n_style; i++) {
        mem_free(n->style[i].id);
        mem_free(n->style[i].based_on);
    }
    mem_free(n->definition);
    mem_free(n->list);
    mem_free(n->style);
    mem_free(n);
}

/* --- looking up ----------------------------------------------------------- */

static const struct style *find_style(const struct numbering *n,
                                      const char *id)
{
    for (int i = 0; id && i < n->n_style; i++)
        if (n->style[i].id && strcmp(n->style[i].id, id) == 0)
            return &n->style[i];
    return NULL;
}

static struct list *find_list(struct numbering *n, int id)
{
    for (int i = 0; i < n->n_list; i++)
        if (n->list[i].id == id)
            return &n->list[i];
    return NULL;
}

static struct definition *find_definition(struct numbering *n, int id)
{
    for (int i = 0; i < n->n_definition; i++)
        if (n->definition[i].id == id)
            return &n->definition[i];
    return NULL;
}

/* A style that names a list without a level stands for the level that names
 * the style. */
static int level_for_style(const struct definition *d, const char *style)
{
    for (int i = 0; style && i < LEVELS; i++)
        if (d->level[i].style && strcmp(d->level[i].style, style) == 0)
            return i;
    return 0;
}

/* --- showing -------------------------------------------------------------- */

static void show_roman(int value, int upper, struct str *out)
{
    static const struct { int value; const char *low, *up; } digits[] = {
        { 1000, "m", "M" }, { 900, "cm", "CM" }, { 500, "d", "D" },
        { 400, "cd", "CD" }, { 100, "c", "C" }, { 90, "xc", "XC" },
        { 50, "l", "L" }, { 40, "xl", "XL" }, { 10, "x", "X" },
        { 9, "ix", "IX" }, { 5, "v", "V" }, { 4, "iv", "IV" },
        { 1, "i", "I" },
    };

    if (value > 4999) {         /* Word gives up, too */
        str_printf(out, "%d", value);
        return;
    }
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
        for (; value >= digits[i].value; value -= digits[i].value)
            str_puts(out, upper ? digits[i].up : digits[i].low);
}

/* 1 a, 26 z, 27 aa, 53 aaa: the letter again, not the next of two. */
static void show_letter(int value, char first, struct str *out)
{
    if (value < 1)
        return;
    for (int i = 0; i <= (value - 1) / 26 && i < 8; i++)
        str_putc(out, (char)(first + (value - 1) % 26));
}

static void show_value(enum format f, int value, struct str *out)
{
    static const char *const th[] = { "th", "st", "nd", "rd" };
    const int last = value % 100 / 10 == 1 || value % 10 > 3 ? 0 : value % 10;

    switch (f) {
    case FORMAT_ZERO:        str_printf(out, "%02d", value); break;
    case FORMAT_LOWER:       show_letter(value, 'a', out); break;
    case FORMAT_UPPER:       show_letter(value, 'A', out); break;
    case FORMAT_ROMAN_LOWER: show_roman(value, 0, out); break;
    case FORMAT_ROMAN_UPPER: show_roman(value, 1, out); break;
    case FORMAT_ORDINAL:     str_printf(out, "%d%s", value, th[last]); break;
    case FORMAT_NONE:
    case FORMAT_BULLET:      break;
    case FORMAT_DECIMAL:     str_printf(out, "%d", value); break;
    }
}

/* The level's text with each %n replaced by the count at level n - 1. */
static void show(const struct definition *d, int level, struct str *out)
{
    const struct level *l = &d->level[level];

    if (!l->text || !*l->text)
        return;
    if (l->format == FORMAT_BULLET) {   /* a sign of a symbol font, often */
        str_puts(out, "\xE2\x80\xA2 ");
        return;
    }
    for (const char *s = l->text; *s; s++) {
        if (s[0] == '%' && s[1] >= '1' && s[1] <= '9') {
            const struct level *of = &d->level[s[1] - '1'];
            const int value = of->begun ? of->count : of->start;

            show_value(l->legal ? FORMAT_DECIMAL : of->format, value, out);
            s++;
        } else {
            str_putc(out, *s);
        }
    }
    str_putc(out, ' ');
}

static void count(struct definition *d, struct list *list, int level)
{
    struct level *l = &d->level[level];

    if (list->start[level] >= 0) {
        l->count = list->start[level];
        list->start[level] = -1;        /* once */
    } else {
        l->count = l->begun ? l->count + 1 : l->start;
    }
    l->begun = 1;
    for (int i = level + 1; i < LEVELS; i++)
        if (d->level[i].restart)
            d->level[i].begun = 0;
}

void numbering_next(struct numbering *n, const char *style, int num_id,
                    int level, struct str *out)
{
    const char *from = NULL;
    const struct style *s = find_style(n, style);

    for (int i = 0; s && num_id < 0 && i < BASED_ON_MOST; i++) {
        if (s->num_id >= 0) {
            num_id = s->num_id;
            from = s->id;
            if (level < 0)
                level = s->level;
        }
        s = find_style(n, s->based_on);
    }
    struct list *list = num_id > 0 ? find_list(n, num_id) : NULL;
    struct definition *d = list ? find_definition(n, list->definition) : NULL;
    if (!d)
        return;
    if (level < 0)
        level = level_for_style(d, from);
    if (level >= LEVELS)
        return;
    count(d, list, level);
    show(d, level, out);
}
