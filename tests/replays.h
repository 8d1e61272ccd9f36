/* tests/replays.h - runs of the real model that are to replay bit for bit: what
 * they are asked, and the comparison.  Databases lie in prog_dir (prog.h). */
#ifndef TESTS_REPLAYS_H
#define TESTS_REPLAYS_H

enum { REPLAYS = 10 };                  /* of each kind, one a prompt */

extern const char *const replays_prompt[REPLAYS];

/* What was found the same so far. */
extern int replays_run, replays_token;

/* Skips the test where the real model is not there. */
void replays_need_the_model(void);

/* Fails the test unless the run that was recorded last computes the same on
 * another number of threads; what and i say which it was. */
void replays_verify(const char *db, const char *what, int i);

/* The first number of the query's first row; -1: no row. */
int replays_ask(const char *db, const char *query);

#endif
