/* cli/cmd_fork.c - another path from a step or token of a recorded one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/parts.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/fork.h"
#include "probe/prompt.h"

/* Where nothing else is changed, a greedy fork would repeat its parent. */
static const double ANOTHER_TEMPERATURE = 0.8;

static struct {
    const char *text, *token, *heads, *layers;
    double temperature;
    int max_tok;
} opt = { .temperature = -1, .max_tok = 512 };

static const struct opt_spec opts[] = {
    { 0, "text", "TEXT", OPT_STR, &opt.text, "go on from this text instead",
      0, 0 },
    { 0, "token", "TEXT|#ID", OPT_STR, &opt.token, "one other token", 0, 0 },
    { 0, "temperature", "T", OPT_NUM, &opt.temperature,
      "default: the run's; 0.8 where nothing else differs", 0, 10 },
    { 0, "head-mask", "L.H,..", OPT_STR, &opt.heads,
      "heads that give nothing from there on", 0, 0 },
    { 0, "layer-mask", "L,..", OPT_STR, &opt.layers,
      "layers that add nothing from there on", 0, 0 },
    { 0, "max-tokens", "N", OPT_INT, &opt.max_tok, "new tokens at most", 1,
      1 << 20 },
    OPT_END
};

struct job {
    struct cli *cli;
    struct experiment x;
    struct fork_opts o;
    struct tok_ids put;
    struct tok_stream stream;
    struct str piece;
    char uid[33];
    int shown;                  /* what the fork was given is shown */
};

static int put_token(struct job *j, int32_t id)
{
    const struct tok *t = engine_tok(j->x.e);
    struct str safe;

    if (prompt_is_silent(t, id))
        return 0;
    tok_stream_put(t, &j->stream, id, &j->piece);
    str_init(&safe);
    text_safe(&safe, j->piece.p, j->piece.len, TEXT_NL | TEXT_TAB);
    fputs(safe.p, j->x.to);
    fflush(j->x.to);
    str_release(&safe);
    str_clear(&j->piece);
    return ferror(j->x.to);
}

/* The tokens that the fork was given are the beginning of its text; they are
 * shown once it is under way, since until then it may be refused. */
static void show_given(struct job *j)
{
    for (int i = 0; i < j->o.n_put && !j->shown; i++)
        put_token(j, j->o.put[i]);
    j->shown = 1;
}

static int on_token(void *ud, int path, int32_t id, float logprob)
{
    struct job *j = ud;

    (void)path, (void)logprob;
    if (j->cli->json)
        return 0;
    show_given(j);
    return put_token(j, id);
}

/* --token: a token's text, or #ID. */
static enum sor_err one_token(struct job *j)
{
    const struct tok *t = engine_tok(j->x.e);
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err;

    if (opt.token[0] == '#') {
        char *end;
        long id = strtol(opt.token + 1, &end, 10);

        if (!opt.token[1] || *end || id < 0 || id >= (long)tok_n_vocab(t))
            return sor_fail(msg, SOR_USAGE, "--token %s: the vocabulary has "
                            "#0 to #%u", opt.token, tok_n_vocab(t) - 1);
        return tok_ids_push(&j->put, (int32_t)id);
    }
    err = tok_encode(t, opt.token, strlen(opt.token), TOK_SPECIAL, &j->put);
    if (!err && j->put.n != 1)
        return sor_fail(msg, SOR_USAGE, "--token '%s': that is %zu tokens "
                        "(use --text)", opt.token, j->put.n);
    return err;
}

static enum sor_err make_opts(struct job *j, const struct db_run *run)
{
    struct sor_msg *msg = &j->cli->msg;
    const struct model_hparams *hp = engine_hparams(j->x.e);
    int changed = opt.text || opt.token || opt.heads || opt.layers;
    double t = opt.temperature >= 0 ? opt.temperature
             : changed || run->temperature > 0 ? run->temperature
             : ANOTHER_TEMPERATURE;
    enum sor_err err = SOR_OK;

    j->o = (struct fork_opts){
        .db_path = cli_db(j->cli), .pos = j->x.at.pos,
        .max_tok = opt.max_tok,
        .sampler = { .temperature = (float)t, .top_k = (uint32_t)run->top_k,
                     .top_p = (float)run->top_p, .min_p = (float)run->min_p,
                     .seed = j->cli->seed ? j->cli->seed
                                          : (uint64_t)run->seed },
        .gen = { .ud = j, .on_token = on_token,
                 .cancelled = progress_stopped } };
    if (opt.token)
        err = one_token(j);
    else if (opt.text)
        err = tok_encode(engine_tok(j->x.e), opt.text, strlen(opt.text), 0,
                         &j->put);
    if (!err)
        err = parts_parse(opt.heads, opt.layers, hp, &j->o.mask, msg);
    j->o.put = j->put.id;
    j->o.n_put = (int)j->put.n;
    return err;
}

static enum sor_err show(struct job *j)
{
    struct show s = { .cli = j->cli, .to = j->x.to, .streamed = 1 };
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = db_open(cli_db(j->cli), &s.d, msg);

    if (!err)
        err = db_find_run(s.d, j->uid, &s.run_id, msg);
    if (!err)
        err = j->cli->json ? show_run_json(&s, msg) : show_run(&s, msg);
    fflush(j->x.to);
    if (!err && !j->cli->json)
        log_info("recorded as %.8s, a fork of %.8s:%d@%d (%lld digests of the "
                 "prefix agree)\n\n  sorites diff %.8s:%d %.8s:0", j->uid,
                 j->x.prefix.uid, j->x.prefix.path, j->o.pos,
                 (long long)j->x.prefix.n_compared, j->x.prefix.uid,
                 j->x.prefix.path, j->uid);
    db_close(s.d);
    return err;
}

static enum sor_err fork_it(struct job *j)
{
    struct sor_msg *msg = &j->cli->msg;
    struct db_run run;
    enum sor_err err = experiment_engine(&j->x);

    if (!err && db_get_run(j->x.d, j->x.at.run_id, &run) <= 0)
        err = sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    if (!err)
        err = make_opts(j, &run);
    db_rest(j->x.d);
    if (err)
        return err;
    err = fork_run(j->x.d, &j->x.prefix, j->x.e, &j->o, j->uid, msg);
    if (!err && !j->cli->json) {
        show_given(j);          /* nothing may have been drawn */
        fputc('\n', j->x.to);
    }
    if (!err && cli_stopped())
        err = sor_fail(msg, SOR_INTERRUPTED, "interrupted; recorded as %.8s",
                       j->uid);
    return err ? err : show(j);
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    enum sor_err err;

    if (opt.text && opt.token)
        return sor_fail(&cli->msg, SOR_USAGE, "--text and --token: one of "
                        "them");
    str_init(&j.piece);
    cli_catch_signals();
    signal(SIGPIPE, SIG_IGN);
    err = experiment_begin(&j.x, cli, cli->argv[0],
                                        EXPERIMENT_POS);
    if (!err)
        err = fork_it(&j);
    prefix_mask_release(&j.o.mask);
    tok_ids_release(&j.put);
    str_release(&j.piece);
    experiment_end(&j.x);
    return err;
}

const struct cmd cmd_fork = {
    .name = "fork", .operands = "RUN:PATH:STEP|RUN:PATH@POS", .min = 1,
    .max = 1,
    .summary = "another path from a step or token of a recorded one",
    .text = "What stands before the step or position is replayed and compared "
        "with its record; from there on the path goes another way: other "
        "words, another token, seed or temperature, heads or layers that give "
        "nothing.  It is recorded as a run of its own whose path is the old "
        "one's child.",
    .opts = opts, .run = run };
