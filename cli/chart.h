/* cli/chart.h - what bench/peer.py measured, as a picture. */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include "base/err.h"
#include "base/str.h"

/* Appends an SVG of the file's ratios to llama.cpp: a group of bars for each
 * benchmark, a colour for each set of kernels, quartiles as error bars.
 * SOR_FORMAT: not such a file. */
enum sor_err chart_bench(const char *path, struct str *svg,
                         struct sor_msg *msg);

#endif
