/* tui/act.h - the keys that act: each asks what it must, then starts a job
 * (tui/job.h).  Upper-case keys, never offered read-only. */
#ifndef TUI_ACT_H
#define TUI_ACT_H

#include "tui/view.h"

/* What c does to the token, step, path or run at `at`: lens, ablate, attend,
 * fork, edit, replay.  The most exact place that `at` names is meant.
 * 1: handled. */
int act_at(struct view *v, enum tui_cmd c, struct db_addr at);
/* Accept, reject or correct a finding.  1: handled. */
int act_decide(struct view *v, enum tui_cmd c, int finding);
/* Reads the document again without code points from..to and decides the claim
 * (its name) anew.  words: the clause, as people name it. */
void act_strike(struct view *v, int from, int to, const char *words,
                const char *claim);

#endif
