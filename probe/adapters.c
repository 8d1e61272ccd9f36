#define _XOPEN_SOURCE 700       /* realpath() */

/* probe/adapters.c - see adapters.h. */
#include "probe/adapters.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/lora.h"

enum { READ_BYTES = 1 << 16 };

struct opened {
    struct lora *set[LORA_MAX];
    int n;
};

static void close_all(struct opened *o)
{
    while (o->n > 0)
        lora_close(o->set[--o->n]);
}

static enum sor_err hash_file(const char *path, char hex[SHA256_HEX],
                              struct sor_msg *msg)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 *h = sha256_open();
    FILE *f = fopen(path, "rbe");
    char *buf = mem_alloc(READ_BYTES);
    enum sor_err err = SOR_OK;
    size_t n;

    if (!f)
        err = sor_fail(msg, SOR_IO, "%s: %s", path, strerror(errno));
    else if (!h || !buf)
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    while (!err && buf && (n = fread(buf, 1, READ_BYTES, f)) > 0)
        sha256_update(h, buf, n);
    if (!err && ferror(f))
        err = sor_fail(msg, SOR_IO, "%s: read error", path);
    if (!err) {
        sha256_final(h, digest);
        hash_hex(digest, sizeof digest, hex);
    }
    sha256_close(h);
    mem_free(buf);
    if (f)
        fclose(f);
    return err;
}

static enum sor_err open_one(struct engine *e, const char *path, double scale,
                             struct opened *o, struct sor_msg *msg)
{
    enum sor_err err;

    if (o->n == LORA_MAX)
        return sor_fail(msg, SOR_LIMIT, "%s: at most %d adapters work "
                        "together", path, LORA_MAX);
    err = lora_open(e, path, (float)scale, &o->set[o->n], msg);
    if (!err)
        o->n++;
    return err;
}

static enum sor_err hand_over(struct engine *e, struct opened *o,
                              enum sor_err err, struct sor_msg *msg)
{
    if (!err)
        err = engine_adapt(e, o->set, o->n, msg);
    if (err)
        close_all(o);
    return err;
}

/* Cuts "FILE[:SCALE]" in place.  A colon belongs to the name of a file that is
 * there. */
static enum sor_err cut_scale(char *item, double *scale, struct sor_msg *msg)
{
    char *colon = strrchr(item, ':'), *end;

    *scale = 1.0;
    if (!colon || colon == item || access(item, F_OK) == 0)
        return SOR_OK;
    *colon = '\0';
    *scale = strtod(colon + 1, &end);
    if (end == colon + 1 || *end != '\0' || !(fabs(*scale) <= (double)FLT_MAX))
        return sor_fail(msg, SOR_USAGE, "adapter %s: '%s' is no scale; after "
                        "the colon goes a number, 1 as trained", item,
                        colon + 1);
    return SOR_OK;
}

static void describe(struct json *j, const char *path, const char *hex,
                     double scale)
{
    char *real = realpath(path, NULL);

    json_obj(j);
    json_key(j, "path");
    json_str(j, real ? real : path);
    json_key(j, "sha256");
    json_str(j, hex);
    json_key(j, "scale");
    json_num(j, scale);
    json_end_obj(j);
    free(real);
}

enum sor_err adapters_describe(const char *path, double scale,
                               struct str *json, struct sor_msg *msg)
{
    char hex[SHA256_HEX];
    struct json j;
    enum sor_err err = hash_file(path, hex, msg);

    if (err)
        return err;
    json_init(&j, json);
    json_arr(&j);
    describe(&j, path, hex, scale);
    json_end_arr(&j);
    return SOR_OK;
}

enum sor_err adapters_open(struct engine *e, const char *spec,
                           struct str *json, struct sor_msg *msg)
{
    struct opened o = { .n = 0 };
    char *copy = mem_strdup(spec), *item = copy, *comma;
    enum sor_err err = SOR_OK;
    struct str unused;
    struct json j;

    if (!copy)
        return sor_fail(msg, SOR_NOMEM, "adapters: out of memory");
    str_init(&unused);
    json_init(&j, json ? json : &unused);
    json_arr(&j);
    for (; item && !err; item = comma) {
        char hex[SHA256_HEX];
        double scale = 1.0;

        comma = strchr(item, ',');
        if (comma)
            *comma++ = '\0';
        err = *item ? cut_scale(item, &scale, msg)
                    : sor_fail(msg, SOR_USAGE, "adapters \"%.200s\": there is "
                               "no name before or after one of the commas",
                               spec);
        if (!err)
            err = open_one(e, item, scale, &o, msg);
        if (!err)
            err = hash_file(item, hex, msg);
        if (!err)
            describe(&j, item, hex, scale);
    }
    json_end_arr(&j);
    if (!err && json && !str_ok(json))
        err = sor_fail(msg, SOR_NOMEM, "adapters: out of memory");
    str_release(&unused);
    mem_free(copy);
    return hand_over(e, &o, err, msg);
}

static enum sor_err restore_one(struct engine *e, const cJSON *item,
                                struct opened *o, struct sor_msg *msg)
{
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(item, "path");
    const cJSON *was = cJSON_GetObjectItemCaseSensitive(item, "sha256");
    const cJSON *scale = cJSON_GetObjectItemCaseSensitive(item, "scale");
    char hex[SHA256_HEX];
    enum sor_err err;

    if (!cJSON_IsString(path) || !cJSON_IsString(was) ||
        !cJSON_IsNumber(scale))
        return sor_fail(msg, SOR_FORMAT, "the run names an adapter without "
                        "path, sha256 or scale");
    err = hash_file(path->valuestring, hex, msg);
    if (!err && strcmp(hex, was->valuestring) != 0)
        err = sor_fail(msg, SOR_DIFFERS, "%s is not the adapter that was "
                       "recorded (sha256 %.16s... recorded, %.16s... now)",
                       path->valuestring, was->valuestring, hex);
    return err ? err
               : open_one(e, path->valuestring, scale->valuedouble, o, msg);
}

enum sor_err adapters_restore(struct engine *e, const char *params,
                              struct sor_msg *msg)
{
    struct opened o = { .n = 0 };
    const cJSON *list, *item;
    cJSON *root;
    enum sor_err err = json_parse(params, strlen(params), "the run's params",
                                  &root, msg);

    if (err)
        return err;
    list = cJSON_GetObjectItemCaseSensitive(root, "adapters");
    cJSON_ArrayForEach(item, list) {
        if (!err)
            err = restore_one(e, item, &o, msg);
    }
    cJSON_Delete(root);
    return hand_over(e, &o, err, msg);
}
