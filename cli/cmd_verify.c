/* cli/cmd_verify.c - is the database what was recorded, and is a review good
 * enough for a policy? */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/policy.h"
#include "db/chain.h"

static struct { int chain; const char *head, *policy; } opt;

static const struct opt_spec opts[] = {
    { 0, "chain", NULL, OPT_FLAG, &opt.chain,
      "check every row against the hash chain", 0, 0 },
    { 0, "head", "HEX", OPT_STR, &opt.head,
      "a head that `seal` printed earlier must be in it", 0, 0 },
    { 0, "policy", "FILE", OPT_STR, &opt.policy,
      "a review must keep the rules in this JSON file", 0, 0 },
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
        struct str safe;

        str_init(&safe);
        text_safe(&safe, r->where, strlen(r->where), 0);
        fprintf(to, "differs: %s\n", safe.p);
        str_release(&safe);
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

/* --- a review against a policy ------------------------------------------- */

static void policy_text(FILE *to, const struct report *r,
                        const struct str *failed, int n_rule, int n_failed)
{
    struct str safe;
    char uid[33];

    str_init(&safe);
    text_safe(&safe, failed->p, failed->len, TEXT_NL);
    text_safe_fit(uid, sizeof uid, r->uid, strnlen(r->uid, 8), 0);
    fputs(safe.p, to);
    if (n_failed)
        fprintf(to, "failed: review %s breaks the policy in %d place%s\n",
                uid, n_failed, n_failed == 1 ? "" : "s");
    else
        fprintf(to, "passed: review %s keeps %s %d rule%s\n", uid,
                n_rule == 1 ? "the" : "all", n_rule, n_rule == 1 ? "" : "s");
    str_release(&safe);
}

static void policy_json(FILE *to, const struct report *r,
                        const struct str *failed, int n_rule, int n_failed)
{
    struct str line;
    struct json j;

    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_key(&j, "run"), json_str(&j, r->uid);
    json_key(&j, "passed"), json_bool(&j, n_failed == 0);
    json_key(&j, "rules"), json_int(&j, n_rule);
    json_key(&j, "failed");
    json_arr(&j);
    for (const char *at = failed->p, *end; (end = strchr(at, '\n'));
         at = end + 1)
        json_strn(&j, at, (size_t)(end - at));
    json_end_arr(&j);
    json_end_obj(&j);
    fprintf(to, "%s\n", line.p);
    str_release(&line);
}

static enum sor_err check_policy(struct cli *cli)
{
    struct report *r = NULL;
    struct db *d = NULL;
    struct str failed;
    int n_rule = 0, n_failed = 0;
    int64_t id;
    FILE *to = cli_out(cli);
    enum sor_err err = to ? db_open(cli_db(cli), &d, &cli->msg) : SOR_IO;

    str_init(&failed);
    if (!err)
        err = db_find_run(d, cli->argc ? cli->argv[0] : "last", &id,
                          &cli->msg);
    if (!err)
        err = report_load(d, id, &r, &cli->msg);
    if (!err)
        err = policy_check(opt.policy, r, &failed, &n_rule, &n_failed,
                           &cli->msg);
    if (!err && !str_ok(&failed))
        err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    if (!err)
        (cli->json ? policy_json : policy_text)(to, r, &failed, n_rule,
                                                n_failed);
    str_release(&failed);
    report_close(r);
    db_close(d);
    return err ? err : n_failed ? SOR_DIFFERS : SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct db *d;
    enum sor_err err;

    if (opt.policy && (opt.chain || opt.head))
        return sor_fail(&cli->msg, SOR_USAGE, "--policy checks a review and "
                        "--chain a database: one at a time");
    if (opt.policy)
        return check_policy(cli);
    if (!opt.chain && !opt.head)
        return sor_fail(&cli->msg, SOR_USAGE, "say what to verify: --chain, "
                        "or --policy FILE for a review");
    err = db_open(cli->argc ? cli->argv[0] : cli_db(cli), &d, &cli->msg);
    if (err)
        return err;
    err = check(cli, d);
    db_close(d);
    return err;
}

const struct cmd cmd_verify = {
    .name = "verify", .operands = "[DB|RUN]", .min = 0, .max = 1,
    .summary = "check a database against its chain, a review against a policy",
    .text = "--policy FILE holds review RUN against the rules in a JSON "
            "object and names\neach that fails; exit 1 where one does.  "
            "Rules: minimum_stability,\nminimum_confidence, "
            "maximum_error_rate, maximum_severity, measured,\n"
            "contrast_passed, checks_passed, coverage, located, complete, "
            "decided,\nforbidden_verdicts.\n\n"
            "--chain checks DB: exit 1 where it differs, and the first "
            "difference is named.\nWithout --head this finds damage and "
            "careless edits: whoever can write the file\ncan also compute "
            "its chain anew.\n",
    .opts = opts, .run = run
};
