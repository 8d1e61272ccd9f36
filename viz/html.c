#include "viz/html.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "viz/page.h"
#include "viz/style.h"
#include "viz/xml.h"

/* --- escaping ------------------------------------------------------------- */

void html_bytes(struct str *out, const char *p, size_t n)
{
    xml_bytes(out, p, n, TEXT_NL | TEXT_TAB);
}

void html_text(struct str *out, const char *s)
{
    if (s)
        html_bytes(out, s, strlen(s));
}

void html_class(struct str *out, const char *s)
{
    for (; s && *s; s++)
        if ((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
            *s == '_' || *s == '-')
            str_putc(out, *s);
}

void html_in(struct str *out, const char *tag, const char *s)
{
    str_printf(out, "<%s>", tag);
    html_text(out, s);
    str_printf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_said(struct str *out, struct str *said)
{
    html_text(out, said->p);
    if (!str_ok(said))
        out->failed = 1;
    str_release(said);
}

/* --- the frame ------------------------------------------------------------ */

static void put_policy(struct str *out)
{
    uint8_t digest[SHA256_BYTES];

    sha256_bytes(page_js, strlen(page_js), digest);
    str_puts(out, "<meta http-equiv=\"Content-Security-Policy\" content=\""
             "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
             "form-action 'none'; script-src 'sha256-");
    base64_put(out, digest, sizeof digest);
    str_puts(out, "'\"/>\n");
}

/* Pictures are drawn in the light theme; where the reader's is dark, its
 * neutral tones change for the other's.  White is paper under words and words
 * on a dark ground. */
static void put_dark_pictures(struct str *out)
{
    const struct style_theme *l = &style_themes[STYLE_LIGHT];
    const struct style_theme *d = &style_themes[STYLE_DARK];
    const struct { const char *what, *light, *dark; } tone[] = {
        { "fill", l->card, d->card },     { "fill", l->lane, d->lane },
        { "fill", l->mark, d->mark },     { "fill", l->mark_ink, d->mark_ink },
        { "fill", l->ink, d->ink },       { "fill", l->muted, d->muted },
        { "fill", l->track, d->track },   { "fill", l->solid, d->solid },
        { "stroke", l->solid, d->solid }, { "stroke", l->line, d->line },
        { "stroke", l->muted, d->muted },
    };

    str_puts(out, "@media screen and (prefers-color-scheme:dark){\n");
    for (size_t i = 0; i < sizeof tone / sizeof *tone; i++)
        str_printf(out, ".picture [%s=\"%s\" i]{%s:%s}\n", tone[i].what,
                   tone[i].light, tone[i].what, tone[i].dark);
    str_printf(out, ".picture text[fill=\"%s\" i]{fill:%s}\n"
               ".picture .graph>polygon:first-of-type{fill:%s}}\n",
               l->on_solid, d->on_solid, d->paper);
}

void html_begin(struct str *out, const char *title)
{
    str_puts(out, "<!doctype html>\n<html lang=\"en\"><head>"
             "<meta charset=\"utf-8\"/>\n");
    put_policy(out);
    str_puts(out, "<meta name=\"viewport\" content=\"width=device-width,"
             "initial-scale=1\"/>\n<meta name=\"referrer\" content="
             "\"no-referrer\"/>\n");
    html_in(out, "title", title);
    str_printf(out, "<style>\n%s", page_css);
    put_dark_pictures(out);
    str_puts(out, "</style></head>\n<body>\n"
             "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
}

void html_end(struct str *out)
{
    str_printf(out, "<script>%s</script>\n</body></html>\n", page_js);
}

/* --- pieces --------------------------------------------------------------- */

void html_bar(struct str *out, double p, const char *css)
{
    if (isnan(p)) {
        str_puts(out, "<span class=\"dim\">-</span>");
        return;
    }
    p = fmin(fmax(p, 0), 1);
    str_puts(out, "<span class=\"bar ");
    html_class(out, css);
    str_printf(out, "\"><i style=\"width:%.1f%%\"></i></span> "
               "<span class=\"n\">%.2f</span>", 100 * p, p);
}

void html_picture(struct str *out, const char *svg, const char *what)
{
    const char *at = svg ? strstr(svg, "<svg") : NULL;

    if (!at)
        return;
    str_printf(out, "<figure class=\"picture\" aria-label=\"%s\">\n"
               "<div class=\"tools js\" hidden=\"hidden\">"
               "<button type=\"button\" data-zoom=\"1.25\">Larger</button>"
               "<button type=\"button\" data-zoom=\"0.8\">Smaller</button>"
               "<button type=\"button\" data-zoom=\"0\">Whole</button>"
               "<span class=\"dim\">Drag to move, wheel with Ctrl to zoom, "
               "hover for links, Enter or click to follow</span></div>\n"
               "<div class=\"frame\" tabindex=\"0\" role=\"region\" "
               "aria-label=\"%s; scrolls\">", what, what);
    str_puts(out, at);
    str_puts(out, "</div></figure>\n");
}
