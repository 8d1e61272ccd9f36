/* tui/export.h - a view into a file: the screen as text or picture, the rows of
 * a list as CSV, the run as a graph or report (a job then). */
#ifndef TUI_EXPORT_H
#define TUI_EXPORT_H

struct tui;

/* The end of the name says what is written.  A file that is there stays: a slip
 * of the finger must not cost it.  What came of it is said. */
void export_to(struct tui *t, const char *path);

#endif
