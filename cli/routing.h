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

/* *out: the policy for the loaded model with `choice`, the caller's to
 * route_close().  file: to be read instead of the places above; may be NULL.
 * Without a file that calibration made, sparse, hybrid and full come with
 * default budgets and a warning, and auto is SOR_NOTFOUND.  SOR_DIFFERS: it was
 * made for another model; SOR_FORMAT names what is wrong with it. */
enum sor_err routing_open(struct cli *cli, struct engine *e,
                          const uint8_t sha256[32], const char *file,
                          enum route_choice choice, struct route **out);

/* Appends "route":{..} to the settings of a run, an object that is open. */
void routing_put(const struct route *r, struct str *settings);

#endif
