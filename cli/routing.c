#include "cli/routing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/input.h"
#include "engine/engine.h"
#include "review/pack.h"

enum { FILE_MAX_BYTES = 1 << 20, HASH_DIGITS = 16 };

struct search {
    char model[SHA256_HEX];
    struct str path;
};

static int look_in(void *ud, const char *folder)
{
    struct search *s = ud;

    str_clear(&s->path);
    str_printf(&s->path, "%s/routing/%.*s.json", folder, HASH_DIGITS,
               s->model);
    return str_ok(&s->path) && access(s->path.p, F_OK) == 0;
}

/* 1: s->path is there. */
static int find(struct search *s, const char *model_path)
{
    str_printf(&s->path, "%s.route.json", model_path);
    return (str_ok(&s->path) && access(s->path.p, F_OK) == 0) ||
           pack_places(look_in, s);
}

/* The "route" of a file whose "model" is the one that is loaded. */
static enum sor_err read_file(const struct search *s, struct engine *e,
                              const struct str *text, struct route **out,
                              struct sor_msg *msg)
{
    const cJSON *model, *route;
    const char *key = NULL;
    char *json = NULL;
    cJSON *root;
    int twice;
    enum sor_err err = json_parse(text->p, text->len, s->path.p, &root, msg);

    if (err)
        return err;
    model = cJSON_GetObjectItemCaseSensitive(root, "model");
    route = cJSON_GetObjectItemCaseSensitive(root, "route");
    if ((twice = json_twice(root, &key)) < 0)
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", s->path.p);
    else if (twice)
        err = sor_fail(msg, SOR_FORMAT, "%s: the key \"%.40s\" stands twice "
                       "in one object", s->path.p, key);
    else if (!cJSON_IsString(model) || !cJSON_IsObject(route))
        err = sor_fail(msg, SOR_FORMAT, "%s: \"model\" or \"route\" is "
                       "missing: no file that calibrate wrote", s->path.p);
    else if (strcmp(model->valuestring, s->model) != 0)
        err = sor_fail(msg, SOR_UNSUP, "%s: made for the model %.16s; this "
                       "one is %.16s", s->path.p, model->valuestring,
                       s->model);
    else if (!(json = cJSON_PrintUnformatted(route)))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", s->path.p);
    else
        err = route_parse(json, s->path.p, engine_hparams(e), out, msg);
    cJSON_free(json);
    cJSON_Delete(root);
    return err;
}

static enum sor_err no_file(struct cli *cli, struct engine *e,
                            enum route_choice choice, struct route **out)
{
    if (choice == ROUTE_AUTO)
        return sor_fail(&cli->msg, SOR_NOTFOUND, "no calibration of this "
                        "model: make one with sorites calibrate TEXT -o "
                        "%s.route.json", cli_model(cli));
    if (choice != ROUTE_FULL)
        log_warn("this model is not calibrated: routing has budgets that "
                 "nobody measured (sorites calibrate)");
    return route_open(engine_hparams(e), out, &cli->msg);
}

/* --- the command line ---------------------------------------------------- */

/* What the pack asks for, where the command line does not. */
static enum sor_err ask_pack(struct cli *cli, struct routing_opts *o)
{
    struct pack *p = NULL;
    enum sor_err err = pack_open(o->domain, &p, &cli->msg);
    const struct pack_route *r = err ? NULL : &p->route;

    if (!err && !r->mode && !o->choice)
        err = sor_fail(&cli->msg, SOR_USAGE, "--domain %s: this pack asks for "
                       "no routing; say which with --route", o->domain);
    if (!err && r->mode) {
        if (!o->choice)
            o->choice = route_parse_choice(r->mode);
        if (o->choice == ROUTE_AUTO && o->low < 0)
            o->low = r->low;
        if (o->choice == ROUTE_AUTO && o->high < 0)
            o->high = r->high;
        if (o->choice != ROUTE_FULL && !o->budget)
            o->budget = r->budget;
    }
    pack_close(p);
    return err;
}

enum sor_err routing_settle(struct cli *cli, struct routing_opts *o)
{
    if ((o->low >= 0 || o->high >= 0) && o->choice != ROUTE_AUTO)
        return sor_fail(&cli->msg, SOR_USAGE, "--route-low and --route-high "
                        "are the thresholds of --route auto: give that too");
    if (o->budget && (o->choice == ROUTE_OFF || o->choice == ROUTE_FULL))
        return sor_fail(&cli->msg, SOR_USAGE, "--route-budget limits what "
                        "--route auto, sparse and hybrid read: give one of "
                        "them too");
    if (o->file && !o->choice)
        return sor_fail(&cli->msg, SOR_USAGE, "--route-file is the policy of "
                        "a routed run: give --route too");
    return o->domain ? ask_pack(cli, o) : SOR_OK;
}

enum sor_err routing_open(struct cli *cli, struct engine *e,
                          const uint8_t sha256[32],
                          const struct routing_opts *o, struct route **out)
{
    struct search s;
    struct str text;
    struct route *r = NULL;
    enum sor_err err;

    hash_hex(sha256, SHA256_BYTES, s.model);
    str_init(&s.path);
    str_init(&text);
    if (o->file)
        str_puts(&s.path, o->file);
    if (o->file || find(&s, cli_model(cli))) {
        err = input_slurp(s.path.p, FILE_MAX_BYTES, &text, &cli->msg);
        if (!err)
            err = read_file(&s, e, &text, &r, &cli->msg);
    } else {
        err = no_file(cli, e, (enum route_choice)o->choice, &r);
    }
    if (!err) {
        r->choice = (enum route_choice)o->choice;
        if (o->low >= 0)
            r->low = (float)o->low;
        if (o->high >= 0)
            r->high = (float)o->high;
        if (o->budget)
            route_budget(r, o->budget);
        err = route_make(r, &cli->msg);
    }
    if (err)
        route_close(r);
    else
        *out = r;
    str_release(&text);
    str_release(&s.path);
    return err;
}

void routing_put(const struct route *r, struct str *settings)
{
    str_puts(settings, settings->len > 1 ? ",\"route\":" : "\"route\":");
    route_print(r, settings);
}
