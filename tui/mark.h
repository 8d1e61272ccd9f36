/* tui/mark.h - places that the user marked, kept between starts
 * (tui/kept.h): "VIEW ADDRESS NAME-OF-DATABASE words", shown by view_marks. */
#ifndef TUI_MARK_H
#define TUI_MARK_H

struct tui;

/* Marks where the cursor is, or unmarks it; says which. */
void mark_here(struct tui *t);

#endif
