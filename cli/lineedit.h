/* cli/lineedit.h - one line from a person at a terminal: editing, history and
 * completion.  lineedit.c alone includes libedit's header.
 *
 * Signals  whoever catches SIGINT gets it with the terminal in order; then
 *          lineedit_read() ends with LINEEDIT_SIGNAL.
 * Threads  one at a time in the process. */
#ifndef CLI_LINEEDIT_H
#define CLI_LINEEDIT_H

#include "base/err.h"
#include "base/str.h"

struct lineedit;

/* Receives the words that could stand where `word` does. */
struct lineedit_words;
void lineedit_offer(struct lineedit_words *to, const char *word);

struct lineedit_opts {
    const char *history;        /* file, made 0600; NULL: keep none */
    /* Offers what begins with word[0..n); line[0..at) stands before it. */
    void (*complete)(void *ud, const char *line, size_t at, const char *word,
                     struct lineedit_words *to);
    void *ud;
};

enum lineedit_end { LINEEDIT_LINE, LINEEDIT_EOF, LINEEDIT_SIGNAL };

/* Talks on stdin and stderr, both terminals.  A history that cannot be read
 * is an empty one. */
enum sor_err lineedit_open(const struct lineedit_opts *o,
                           struct lineedit **out, struct sor_msg *msg);
/* Saves the history; accepts NULL. */
void lineedit_close(struct lineedit *l);

/* Reads a line, its '\n' included, into *line (borrowed until the next). */
enum lineedit_end lineedit_read(struct lineedit *l, const char *prompt,
                                const char **line);
/* Puts a line into the history. */
void lineedit_remember(struct lineedit *l, const char *line);

#endif
