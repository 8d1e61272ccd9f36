/* viz/html.h - the frame of every HTML page that we write, and the escapes
 * that keep outside text text.
 *
 * A page is one file that works from file:// and offline: its style
 * (viz/page.css) and its script (viz/page.js) stand in it, nothing is loaded,
 * and its CSP lets no script run but that very one, by its hash.  Without the
 * script everything can still be read; it only filters, draws attention and
 * moves pictures.  Tags are closed as in XML, so that tests can check nesting.
 * Source: CSP Level 3, section 2.3.1 (hash-source). */
#ifndef VIZ_HTML_H
#define VIZ_HTML_H

#include <stddef.h>

#include "base/str.h"

/* From the doctype to <body>; title: any bytes. */
void html_begin(struct str *out, const char *title);
void html_end(struct str *out);

/* Any bytes as text, in an element or between double quotes: markup escaped,
 * controls and bidi marks shown, never obeyed.  NULL: nothing. */
void html_bytes(struct str *out, const char *p, size_t n);
void html_text(struct str *out, const char *s);

/* A word of the rows as the name of a class: letters, digits, _ and - of it. */
void html_class(struct str *out, const char *s);

/* An element around outside text; tag may have attributes of ours. */
void html_in(struct str *out, const char *tag, const char *s);

/* What some report_put_ function said, as text; said is released. */
void html_said(struct str *out, struct str *said);

/* A bar filled to p (0..1), with its words for those who cannot see it; says
 * only "-" where p is NaN. */
void html_bar(struct str *out, double p, const char *css);

/* A picture as SVG, inline, in a frame that can be moved and zoomed; what: our
 * words for it. */
void html_picture(struct str *out, const char *svg, const char *what);

#endif
