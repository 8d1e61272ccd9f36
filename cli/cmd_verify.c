/* cli/cmd_verify.c - is the database what was recorded? */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "cli/cli.h"
#include "db/chain.h"

static struct { int chain; const char *head; } opt;

static const struct opt_spec opts[] = {
    { 0, "chain", NULL, OPT_FLAG, &opt.chain,
      "check every row against the hash chain", 0, 0 },
    { 0, "head", "HEX", OPT_STR, &opt.head,
      "a head that `seal` printed earlier must be in it", 0, 0 },
    OPT_END
};

static int nibble(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c)
                       : NULL;

    return at ? (int)(at - digits) : -1;
}

/* 64 hex digits to 32 bytes. */
static enum sor_err parse_head(const char *hex, uint8_t out[32],
                               struct sor_msg *msg)
{
    for (int i = 0; i < 32; i++) {
        int high = nibble(hex[2 * i]);
        int low = high < 0 ? -1 : nibble(hex[2 * i + 1]);

        if (low < 0)
            return sor_fail(msg, SOR_USAGE, "--head: not the 64 hex digits "
                            "that seal prints");
        out[i] = (uint8_t)(high << 4 | low);
    }
    if (hex[64])
        return sor_fail(msg, SOR_USAGE, "--head: more than the 64 hex digits "
                        "that seal prints");
    return SOR_OK;
}

/* Is the sealed head one of the chain's?  sealed: the batch; 0: it is not. */
static enum sor_err find_head(struct cli *cli, struct db *d,
                              struct chain_report *r, int64_t *sealed)
{
    static const uint8_t none[32];      /* the head of an empty chain */
    uint8_t head[32];
    enum sor_err err;

    *sealed = 0;
    if (!opt.head)
        return SOR_OK;
    if ((err = parse_head(opt.head, head, &cli->msg)) ||
        (err = chain_find(d, head, sealed, &cli->msg)))
        return err;
    if (!*sealed && r->ok &&
        (r->n_batch || memcmp(head, none, sizeof none) != 0)) {
        r->ok = 0;
        snprintf(r->where, sizeof r->where, "the sealed head is not in this "
                 "chain: rows were cut off or the chain was computed anew");
    }
    return SOR_OK;
}

static void print_text(FILE *to, const struct chain_report *r, int64_t sealed)
{
    char hex[SHA256_HEX];

    if (!r->ok) {
        fprintf(to, "differs: %s\n", r->where);
        return;
    }
    hash_hex(r->head, sizeof r->head, hex);
    fprintf(to, "intact: %lld batches, %lld rows", (long long)r->n_batch,
            (long long)r->n_row);
    if (r->n_removed)
        fprintf(to, ", %lld more removed by rm or forget",
                (long long)r->n_removed);
    fprintf(to, "\nhead %s\n", hex);
    if (sealed)
        fprintf(to, "sealed at batch %lld\n", (long long)sealed);
    else if (!opt.head)
        fputs("not checked against a sealed head (--head)\n", to);
}

static void print_json(FILE *to, const struct chain_report *r, int64_t sealed)
{
    char hex[SHA256_HEX];
    struct str line;
    struct json j;

    hash_hex(r->head, sizeof r->head, hex);
    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_key(&j, "intact"), json_bool(&j, r->ok);
    json_key(&j, "batches"), json_int(&j, r->n_batch);
    json_key(&j, "rows"), json_int(&j, r->n_row);
    json_key(&j, "removed"), json_int(&j, r->n_removed);
    json_key(&j, "head"), json_str(&j, hex);
    json_key(&j, "sealed_at");
    if (sealed)
        json_int(&j, sealed);
    else
        json_null(&j);
    json_key(&j, "where"), json_str(&j, r->ok ? NULL : r->where);
    json_end_obj(&j);
    fprintf(to, "%s\n", line.p);
    str_release(&line);
}

static enum sor_err check(struct cli *cli, struct db *d)
{
    struct chain_report r;
    int64_t sealed;
    FILE *to;
    enum sor_err err;

    if ((err = chain_verify(d, &r, &cli->msg)) ||
        (err = find_head(cli, d, &r, &sealed)))
        return err;
    if (!(to = cli_out(cli)))
        return SOR_IO;
    if (cli->json)
        print_json(to, &r, sealed);
    else
        print_text(to, &r, sealed);
    return r.ok ? SOR_OK : SOR_DIFFERS;
}

static enum sor_err run(struct cli *cli)
{
    struct db *d;
    enum sor_err err;

    if (!opt.chain && !opt.head)
        return sor_fail(&cli->msg, SOR_USAGE, "say what to verify: --chain");
    err = db_open(cli->argc ? cli->argv[0] : cli_db(cli), &d, &cli->msg);
    if (err)
        return err;
    err = check(cli, d);
    db_close(d);
    return err;
}

const struct cmd cmd_verify = {
    .name = "verify", .operands = "[DB]", .min = 0, .max = 1,
    .summary = "check that a database is what was recorded",
    .text = "Exit 1 where it differs; the first difference is named.  "
            "Without --head\nthis finds damage and careless edits: whoever "
            "can write the file can also\ncompute its chain anew.\n",
    .opts = opts, .run = run
};
