/* viz/label.h - outside text made fit for a label: safe, wrapped at words, cut
 * with an ellipsis.
 *
 * Output is the content of an HTML-like label: characters that XML or
 * Graphviz would read are escaped (& < > " and every backslash, doubled),
 * controls, bidi controls and zero-width characters are made visible by
 * text_safe(), and what XML cannot hold becomes U+FFFD.  So no text can close
 * a label, open a tag, or name an attribute.
 * Source: Graphviz, "Node Shapes", section on HTML-like labels, whose text
 * still goes through escString (\N, \G, ...); XML 1.0, section 2.2 (Char). */
#ifndef VIZ_LABEL_H
#define VIZ_LABEL_H

#include <stddef.h>

#include "base/str.h"

/* Room for text.  An em is the font size; a line of `width` hundredths of an
 * em holds about width/55 characters of running English. */
struct label_room {
    int width;              /* hundredths of an em, >= 200 */
    int lines;              /* >= 1 */
};

/* Appends s[0..n) on at most room.lines lines, each ended by the tag for a
 * left-aligned line break; runs of white space become one space.  Returns the
 * number of lines (0 where there is nothing to show). */
int label_wrap(struct str *out, const char *s, size_t n,
               struct label_room room);

/* The same on one line without its break: "" where there is nothing. */
void label_line(struct str *out, const char *s, int width);

/* How wide s[0..n) is set, in hundredths of an em. */
int label_width(const char *s, size_t n);

#endif
