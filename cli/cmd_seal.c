/* cli/cmd_seal.c - the head of the hash chain, for safe keeping elsewhere. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "cli/cli.h"
#include "db/chain.h"

static void print_json(FILE *to, const char *hex, int64_t n_batch,
                       const char *when)
{
    struct str line;
    struct json j;

    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_key(&j, "head"), json_str(&j, hex);
    json_key(&j, "batches"), json_int(&j, n_batch);
    json_key(&j, "date"), json_str(&j, when);
    json_end_obj(&j);
    fprintf(to, "%s\n", line.p);
    str_release(&line);
}

static enum sor_err run(struct cli *cli)
{
    uint8_t head[32];
    char hex[SHA256_HEX], when[21];
    int64_t n_batch;
    struct db *d;
    FILE *to;
    enum sor_err err = db_open(cli->argc ? cli->argv[0] : cli_db(cli), &d,
                               &cli->msg);

    if (err)
        return err;
    err = chain_head(d, head, &n_batch, &cli->msg);
    db_close(d);
    if (err || !(to = cli_out(cli)))
        return err ? err : SOR_IO;
    hash_hex(head, sizeof head, hex);
    clock_iso8601(clock_wall_us(), when);
    if (cli->json)
        print_json(to, hex, n_batch, when);
    else
        fprintf(to, "%s %lld batches %s\n", hex, (long long)n_batch, when);
    return SOR_OK;
}

const struct cmd cmd_seal = {
    .name = "seal", .operands = "[DB]", .min = 0, .max = 1,
    .summary = "print the head of the hash chain",
    .text = "Keep the line where nobody who can write the database can "
            "change it: the\nchain shows tampering only against a head kept "
            "elsewhere.  Later,\n    sorites verify --chain --head HEX\n",
    .run = run
};
