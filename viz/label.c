#include "viz/label.h"

#include <string.h>

#include "base/text.h"

#define LINE_BREAK "<BR ALIGN=\"LEFT\"/>"
#define ELLIPSIS "\xE2\x80\xA6"

/* Hundredths of an em, by class of character.  On the wide side (DejaVu's
 * widths; Helvetica's and Arial's are a tenth less), since whoever opens an
 * SVG draws it with a font of his own and the text must not leave its box. */
static int advance(uint32_t cp)
{
    if (cp >= 0x80)
        return text_width_cp(cp) == 2 ? 100 : text_width_cp(cp) ? 60 : 0;
    if (strchr("ijl.,:;'|! ", (int)cp))
        return 32;
    if (strchr("ftrI()[]/\\-`\"{}", (int)cp))
        return 40;
    if (strchr("mMwW@%+=<>~#&", (int)cp))
        return 90;
    return cp >= 'A' && cp <= 'Z' ? 70 : 62;
}

int label_width(const char *s, size_t n)
{
    int sum = 0;
    uint32_t cp;

    for (size_t i = 0; i < n; sum += advance(cp))
        i += utf8_next(s + i, n - i, &cp);
    return sum;
}

/* s with white space collapsed and everything made visible. */
static void clean(struct str *out, const char *s, size_t n)
{
    size_t i = 0, from;
    uint32_t cp;

    while (i < n) {
        size_t step = utf8_next(s + i, n - i, &cp);

        if (cp && cp < 0x80 && strchr(" \t\r\n\f\v", (int)cp)) {
            if (out->len && out->p[out->len - 1] != ' ')
                str_putc(out, ' ');
        } else if (cp == 0xFFFE || cp == 0xFFFF) {
            str_puts(out, "\xEF\xBF\xBD");
        } else {
            from = i;
            text_safe(out, s + from, step, 0);
        }
        i += step;
    }
    while (out->len && out->p[out->len - 1] == ' ')
        out->p[--out->len] = '\0';
}

/* Clean text as label content. */
static void escape(struct str *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        switch (s[i]) {
        case '&':  str_puts(out, "&amp;");  break;
        case '<':  str_puts(out, "&lt;");   break;
        case '>':  str_puts(out, "&gt;");   break;
        case '"':  str_puts(out, "&quot;"); break;
        case '\\': str_puts(out, "\\\\");   break;
        default:   str_putc(out, s[i]);
        }
}

/* Bytes of s[0..n) that go on a line `width` wide: up to the last space that
 * fits, or in the middle of a word that is wider than a line. */
static size_t break_at(const char *s, size_t n, int width)
{
    size_t i = 0, space = 0;
    int used = 0;
    uint32_t cp;

    while (i < n) {
        size_t step = utf8_next(s + i, n - i, &cp);

        if (cp == ' ')
            space = i;
        used += advance(cp);
        if (used > width && i > 0)
            return space ? space : i;
        i += step;
    }
    return n;
}

int label_wrap(struct str *out, const char *s, size_t n,
               struct label_room room)
{
    struct str text;
    size_t at = 0;
    int lines = 0;

    str_init(&text);
    clean(&text, s, n);
    while (at < text.len && lines < room.lines) {
        size_t left = text.len - at;
        size_t len = break_at(text.p + at, left, room.width);
        int cut = ++lines == room.lines && len < left;

        if (cut)
            len = break_at(text.p + at, left, room.width - advance('m'));
        escape(out, text.p + at, len);
        str_puts(out, cut ? ELLIPSIS LINE_BREAK : LINE_BREAK);
        at += len;
        while (at < text.len && text.p[at] == ' ')
            at++;
    }
    if (!str_ok(&text))
        out->failed = 1;
    str_release(&text);
    return lines;
}

void label_line(struct str *out, const char *s, int width)
{
    struct label_room room = { .width = width, .lines = 1 };

    if (label_wrap(out, s, strlen(s), room) && str_ok(out)) {
        out->len -= strlen(LINE_BREAK);
        out->p[out->len] = '\0';
    }
}
