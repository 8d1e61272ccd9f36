/* cli/cmd_info.c - where everything is and what it runs on: for bug reports,
 * and for scripts that look for the model. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "base/xdg.h"
#include "cli/cli.h"

static enum sor_err run(struct cli *cli)
{
    (void)cli;
    return SOR_OK;
}

const struct cmd cmd_info = {
    .name = "info", .operands = "", .min = 0, .max = 0,
    .summary = "paths, processor, kernels and library versions", .run = run,
};
