/* tui/history.h - the places where one was, to go back and forward among them
 * as in a web browser.
 *
 * A place is the stack of views, each with its address and row.  Going on to
 * another view is a step from one place to another, and so is a jump further
 * than the screen shows, by a search or to the end; walking is none. */
#ifndef TUI_HISTORY_H
#define TUI_HISTORY_H

struct history;
struct tui;

/* Notes where one is now; called before each key. */
void history_note(struct tui *t);
/* Opens the place before (by -1) or after (1) the last one noted. */
void history_go(struct tui *t, int by);
void history_close(struct history *h);          /* accepts NULL */

#endif
