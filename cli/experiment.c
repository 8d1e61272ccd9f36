#include "cli/experiment.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "db/related.h"
#include "engine/engine.h"
#include "engine/tok.h"
#include "probe/replay.h"

/* RUN:PATH:STEP means the position where the step begins. */
static enum sor_err find_step(struct experiment *x, struct sor_msg *msg)
{
    struct db_window w = { .from = x->at.step, .limit = 1 };
    struct db_cur *c;
    struct db_step step;
    int got;

    if (x->at.step < 0)
        return SOR_OK;
    c = db_steps(x->d, x->at.path_id, w);
    if ((got = db_step_next(c, &step)) == 1)
        x->at.pos = step.tok_from;
    return db_cur_close(c) || got != 1
               ? sor_fail(msg, SOR_FORMAT, "the step cannot be read") : SOR_OK;
}

/* Only what a model of this machine computed can be computed again. */
static enum sor_err refuse_foreign(struct experiment *x, struct sor_msg *msg)
{
    struct db_model m;
    struct db_run run;

    if (db_get_run(x->d, x->at.run_id, &run) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    if (run.model_id && db_get_model(x->d, run.model_id, &m) > 0 &&
        strcmp(m.arch, "foreign") != 0)
        return SOR_OK;
    return sor_fail(msg, SOR_UNSUP, "run %.8s was imported: no model here "
                    "computed it, so there is nothing to replay "
                    "(import --second-opinion has the local model read it)",
                    run.uid);
}

/* The position, and what of the address was guessed, to stderr. */
static enum sor_err find_pos(struct experiment *x, const char *address,
                             enum experiment_use use, struct sor_msg *msg)
{
    int guessed = use >= EXPERIMENT_POS && x->at.pos < 0;
    int depth;
    char safe[80];

    if (x->at.pos < 0)
        x->at.pos = x->prefix.n_id > 1 ? x->prefix.n_id - 2 : 0;
    if (x->at.pos >= x->prefix.n_id)
        return sor_fail(msg, SOR_NOTFOUND, "%s: the path has positions 0 to "
                        "%d", address, x->prefix.n_id - 1);
    text_safe_fit(safe, sizeof safe, address, strlen(address), 0);
    if (guessed)
        log_info("%s: taken as %.8s:%d@%d, its last token that another "
                 "follows", safe, x->prefix.uid, x->prefix.path, x->at.pos);
    else if (!strchr(address, ':'))
        log_info("%s: taken as %.8s:%d", safe, x->prefix.uid, x->prefix.path);
    depth = x->prefix.depth[x->at.pos];
    if (use == EXPERIMENT_LAYERS && depth > 0)
        return sor_fail(msg, SOR_UNSUP, "%.8s:%d@%d left the network after "
                        "layer %d (run --exit): the layers above did not run "
                        "and have nothing to show; v_exit_layer says which "
                        "tokens left", x->prefix.uid, x->prefix.path,
                        x->at.pos, depth - 1);
    return SOR_OK;
}

enum sor_err experiment_begin(struct experiment *x, struct cli *cli,
                              const char *address, enum experiment_use use)
{
    struct sor_msg *msg = &cli->msg;
    struct str with_path;
    enum sor_err err;

    *x = (struct experiment){ .cli = cli };
    if ((err = db_open(cli_db(cli), &x->d, msg)))
        return err;
    str_init(&with_path);
    str_printf(&with_path, "%s%s", address, strchr(address, ':') ? "" : ":0");
    err = db_find(x->d, with_path.p, &x->at, msg);
    str_release(&with_path);
    if (!err && use != EXPERIMENT_ROWS)
        err = refuse_foreign(x, msg);
    if (!err)
        err = find_step(x, msg);
    if (!err)
        err = prefix_load(x->d, x->at.run_id, x->at.path_id, &x->prefix, msg);
    if (!err)
        err = find_pos(x, address, use, msg);
    if (err)
        return err;
    return (x->to = cli_out(cli)) ? SOR_OK : SOR_IO;
}

void experiment_end(struct experiment *x)
{
    prefix_release(&x->prefix);
    engine_close(x->e);
    db_close(x->d);
    *x = (struct experiment){ .d = NULL };
}

enum sor_err experiment_engine(struct experiment *x)
{
    struct cli *cli = x->cli;
    struct db_model m;
    struct db_run run;
    struct str path;
    enum sor_err err;

    if (x->e)
        return SOR_OK;
    str_init(&path);
    if (db_get_run(x->d, x->at.run_id, &run) <= 0)
        return sor_fail(&cli->msg, SOR_FORMAT, "the run cannot be read");
    /* The model asked for, else the recorded file, else the default. */
    if (!cli->model && db_get_model(x->d, run.model_id, &m) > 0 &&
        access(m.path, R_OK) == 0)
        str_puts(&path, m.path);
    else
        str_puts(&path, cli_model(cli));
    err = replay_engine(x->d, &run, path.p, cli->threads, &x->e, &cli->msg);
    str_release(&path);
    db_rest(x->d);              /* a writer may come */
    return err;
}

int32_t experiment_next(const struct experiment *x, int pos)
{
    return pos + 1 < x->prefix.n_id ? x->prefix.id[pos + 1] : -1;
}

void experiment_store(struct experiment *x, struct result *r)
{
    struct sor_msg msg;

    db_rest(x->d);
    if (result_store(r, cli_db(x->cli), x->e ? engine_tok(x->e) : NULL,
                     x->e ? engine_info(x->e)->isa : NULL, &msg) != SOR_OK)
        log_warn("the result is not stored: %s", msg.text);
}

/* The bytes of a token, from the engine or from the file. */
static size_t piece(struct experiment *x, int32_t id, char *out, size_t cap)
{
    size_t n = 0;
    const char *s = x->e && id >= 0 ? tok_piece(engine_tok(x->e), id, &n)
                                    : NULL;
    struct db_piece p = { .n = -1 };

    if (!s && id >= 0 &&
        db_pieces(x->d, x->prefix.model_id, &id, 1, &p) == 0 && p.n >= 0) {
        s = p.text;
        n = (size_t)p.n;
    }
    if (!s)
        return 0;
    n = n < cap ? n : cap;
    memcpy(out, s, n);
    return n;
}

const char *experiment_word(struct experiment *x, int32_t id, int width,
                            char out[EXPERIMENT_WORD])
{
    char raw[DB_PIECE_BYTES], safe[EXPERIMENT_WORD - 2];
    size_t n = piece(x, id, raw, sizeof raw);

    if (id < 0 || n == 0) {
        snprintf(out, EXPERIMENT_WORD, id < 0 ? "(none)" : "#%d", (int)id);
        return out;
    }
    /* Bytes bound columns from above. */
    size_t room = width < 3 ? 1 : (size_t)width - 1;
    text_safe_fit(safe, room < sizeof safe ? room : sizeof safe, raw, n, 0);
    snprintf(out, EXPERIMENT_WORD, "\"%s\"", safe);
    return out;
}

void experiment_json_head(const struct experiment *x, struct json *j,
                          const struct result *r)
{
    json_obj(j);
    json_key(j, "run");
    json_str(j, x->prefix.uid);
    json_key(j, "path");
    json_int(j, x->prefix.path);
    json_key(j, "pos");
    json_int(j, r->head.pos);
    json_key(j, "cached");
    json_bool(j, r->cached);
}

void experiment_json_token(struct experiment *x, struct json *j, int32_t id)
{
    char raw[DB_PIECE_BYTES];
    size_t n = piece(x, id, raw, sizeof raw);

    json_key(j, "token");
    json_int(j, id);
    json_key(j, "text");
    json_strn(j, raw, n);
}

void experiment_bar(const struct experiment *x, double share, int width)
{
    static const char *const eighth[] = { "", "▏", "▎", "▍", "▌", "▋", "▊",
                                          "▉" };
    int n = (int)(share * width * 8 + 0.5), full = n / 8;

    if (!cli_unicode(x->cli)) {
        for (int i = 0; i < full; i++)
            fputc('#', x->to);
        return;
    }
    for (int i = 0; i < full; i++)
        fputs("█", x->to);
    fputs(eighth[n % 8], x->to);
}

void experiment_say_source(const struct experiment *x, const struct result *r)
{
    fflush(x->to);
    if (r->cached)
        log_info("read from the database; nothing was computed");
    else if (x->prefix.exact)
        log_info("exact replay: %lld recorded digests agree; the experiment "
                 "itself took %.0f ms",
                 (long long)x->prefix.n_compared,
                 (double)r->head.wall_ns / 1e6);
    else
        log_info("recorded on %s, replayed on %s: tolerance, not proof",
                 x->prefix.isa, x->e ? engine_info(x->e)->isa : "?");
}
