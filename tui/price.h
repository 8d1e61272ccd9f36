/* tui/price.h - what routing saved and what that cost, in words: of a token,
 * of a run.  What was not measured says so, and how it is. */
#ifndef TUI_PRICE_H
#define TUI_PRICE_H

#include "db/db.h"
#include "tui/doc.h"

struct tui;

/* The price of the token at at.path_id, at.pos. */
void price_say(struct tui *t, struct db_addr at, struct doc *d);
/* Shares of the modes, work saved and prices of a run; nothing where it was
 * not routed. */
void price_run(struct tui *t, const struct db_run *run, struct doc *d);

#endif
