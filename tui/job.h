/* tui/job.h - what the browser has done for it: the program itself as a child
 * process, one at a time, so that the one writer of the database is never asked
 * twice, and the screen never waits.
 *
 * A job is a command line after the program's name ("lens", "3fa2:0@40").  Its
 * last line of progress is in the status line while it runs; all that it said
 * is kept and shown by view_jobs.
 *
 * Ownership  words are copied.
 * Errors     what cannot be started is said on the screen. */
#ifndef TUI_JOB_H
#define TUI_JOB_H

#include <stdint.h>

#include "base/str.h"

enum { JOB_WORDS = 20, JOB_LINE = 160 };

struct tui;

enum job_state { JOB_WAITS, JOB_RUNS, JOB_DONE, JOB_NEGATIVE, JOB_FAILED,
                 JOB_CANCELLED };

struct job {
    char title[64];
    enum job_state state;
    char line[JOB_LINE];        /* what it said last */
    struct str said;            /* all of it, stdout and stderr, the first
                                 * JOB_SAID bytes */
    int64_t run_id;             /* it is about; 0: none */
    char made[40];              /* the run that it recorded; "" none */
};
enum { JOB_SAID = 1 << 16 };

struct job_spec {
    const char *title;
    const char *const *word;    /* ends in NULL; the database, the model and
                                 * --no-color are added */
    int64_t run_id;
    const char *remove[2];      /* files that go when it has ended; or NULL */
};

/* Queues it.  Says so where it cannot: no program, read-only. */
void job_start(struct tui *t, const struct job_spec *spec);
/* Reads what the running one says, ends it, starts the next.  1: the screen
 * changes. */
int job_tick(struct tui *t);
/* Whether one runs or waits. */
int job_busy(const struct tui *t);
/* Interrupts the running one and forgets those that wait. */
void job_cancel(struct tui *t);
/* For the status line; "" where nothing runs. */
void job_status(const struct tui *t, char out[JOB_LINE]);
/* The jobs of this session, oldest first. */
int job_count(const struct tui *t);
const struct job *job_at(const struct tui *t, int i);

void job_close(struct tui *t);          /* ends what runs, frees all */

/* Runs $VISUAL or $EDITOR, else vi, on the file and waits; 0: it ended well.
 * The terminal is the caller's to hand over. */
int job_edit(const char *path);

#endif
