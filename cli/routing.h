/* cli/routing.h - a model's routing policy: the file that `calibrate` wrote.
 *
 * It is looked for beside the model (MODEL.route.json), then as
 * routing/HASH.json in the folders of packs (HASH: the first 16 hex digits of
 * the model's SHA-256). */
#ifndef CLI_ROUTING_H
#define CLI_ROUTING_H

#include <stdint.h>

#include "base/str.h"
#include "cli/cli.h"
#include "engine/route.h"

struct engine;

/* The words of every --route. */
#define ROUTING_WORDS "off|auto|sparse|hybrid|full"

/* What a command line says of it; ROUTING_OPTS: nothing. */
struct routing_opts {
    int choice;             /* enum route_choice */
    const char *file;       /* in place of the places above; NULL: none */
    const char *domain;     /* a pack that may say the rest; NULL: none */
    double low, high;       /* thresholds of auto; below 0: as calibrated */
    int budget;             /* blocks (route_budget()); 0: as calibrated */
};
#define ROUTING_OPTS { .low = -1, .high = -1 }

/* The options that say how routing goes, of a command with o: --route says
 * whether, in its own words. */
#define ROUTING_FLAGS(o) \
    { 0, "route-file", "FILE", OPT_STR, &(o).file, \
      "what calibrate wrote, where it is not beside the model", 0, 0 }, \
    { 0, "route-low", "P", OPT_NUM, &(o).low, \
      "auto: blocks that score less are sparse (calibrated)", 0, 1 }, \
    { 0, "route-high", "P", OPT_NUM, &(o).high, \
      "auto: blocks that score less are hybrid (calibrated)", 0, 1 }, \
    { 0, "route-budget", "N", OPT_INT, &(o).budget, \
      "16-key blocks picked per KV group; dense ones 4 N (calibrated)", 1, \
      16384 }, \
    { 0, "domain", "PACK", OPT_STR, &(o).domain, \
      "route as this domain pack asks", 0, 0 }

/* Takes from the pack what the command line leaves open, and refuses what has
 * no effect: SOR_USAGE, one sentence.  Before routing_open(). */
enum sor_err routing_settle(struct cli *cli, struct routing_opts *o);

/* *out: the policy for the loaded model as asked for, the caller's to
 * route_close().  Without a file that calibration made, sparse, hybrid and full
 * come with default budgets and a warning, and auto is SOR_NOTFOUND.
 * SOR_DIFFERS: it was made for another model; SOR_FORMAT names what is wrong
 * with it; SOR_USAGE: a threshold or budget that does not go with it. */
enum sor_err routing_open(struct cli *cli, struct engine *e,
                          const uint8_t sha256[32],
                          const struct routing_opts *o, struct route **out);

/* Appends "route":{..} to the settings of a run, an object that is open. */
void routing_put(const struct route *r, struct str *settings);

#endif
