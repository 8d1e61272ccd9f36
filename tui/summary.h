/* tui/summary.h - what a run is and came to, as text with links: the overview
 * of view_run, and the pane beside the list of runs. */
#ifndef TUI_SUMMARY_H
#define TUI_SUMMARY_H

#include "tui/doc.h"

struct tui;

/* Question, answer, votes, what is known of accuracy, where paths part, cost
 * and settings.  1 written; 0: there is no such run. */
int summary(struct tui *t, int64_t run_id, struct doc *out);

#endif
