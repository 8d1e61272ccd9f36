/* cli/draw.h - graphs as pictures, and what is made of them written out. */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "viz/graph.h"

/* A built graph as SVG to stand in a page; err, msg: what building it said.  A
 * page is worth having without its picture, so what keeps it away is only
 * said, and svg stays empty. */
void draw_for_page(enum sor_err err, const struct graph *g, struct str *svg,
                   struct sor_msg *msg);

/* The whole of s to `to`. */
enum sor_err draw_write(struct cli *cli, FILE *to, const struct str *s);

#endif
