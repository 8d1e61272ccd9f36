/* cli/experiment.h - what the commands that experiment on a recorded run
 * share: the address, the path's tokens, the engine of the run, results that
 * are stored once, and words for tokens.
 *
 *     experiment_begin(&x, cli, "RUN:PATH@POS", EXPERIMENT_POS)
 *     experiment_engine(&x)                       only where not stored yet
 *     experiment_store(&x, &rows)                 warns where it cannot
 *     experiment_end(&x)
 */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "base/json.h"
#include "cli/cli.h"
#include "probe/prefix.h"
#include "probe/result.h"

struct engine;

struct experiment {
    struct cli *cli;
    FILE *to;
    struct db *d;
    struct db_addr at;          /* as found; path and pos completed */
    struct prefix prefix;
    struct engine *e;           /* NULL until experiment_engine() */
};

/* What a command does with its address. */
enum experiment_use {
    EXPERIMENT_ROWS,            /* reads the path's rows, whoever made them */
    EXPERIMENT_PATH,            /* computes on the whole path again */
    EXPERIMENT_POS,             /* computes at one position of it */
    EXPERIMENT_LAYERS           /* looks into all layers at one position */
};

/* Opens the database and finds the address.  A missing PATH is 0; a missing
 * position is the last token that another follows; what was guessed is said.
 * SOR_UNSUP: it is to be computed again and was imported; its layers are to be
 * looked into and it left before the last. */
enum sor_err experiment_begin(struct experiment *x, struct cli *cli,
                              const char *address, enum experiment_use use);
void experiment_end(struct experiment *x);      /* a zeroed one is fine */

/* The engine as the run had it. */
enum sor_err experiment_engine(struct experiment *x);

/* The token after position pos as recorded; -1: none. */
int32_t experiment_next(const struct experiment *x, int pos);

/* Stores what is new of a result; where the file cannot be written it says so
 * and goes on, since what was computed can still be shown. */
void experiment_store(struct experiment *x, struct result *r);

/* The text of a token as one safe word in quotes, at most `width` columns
 * wide. */
enum { EXPERIMENT_WORD = 96 };
const char *experiment_word(struct experiment *x, int32_t id, int width,
                            char out[EXPERIMENT_WORD]);
/* Opens the object that an experiment's JSON is, with "run", "path", "pos" and
 * "cached" in it. */
void experiment_json_head(const struct experiment *x, struct json *j,
                          const struct result *r);
/* "token" and "text" into an open JSON object. */
void experiment_json_token(struct experiment *x, struct json *j, int32_t id);

/* A bar of `width` columns for share 0..1. */
void experiment_bar(const struct experiment *x, double share, int width);

/* The line that says what was read and how: computed or stored, and whether
 * the replay was exact.  To stderr. */
void experiment_say_source(const struct experiment *x, const struct result *r);

#endif
