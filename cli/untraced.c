#include "cli/untraced.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/ahead.h"
#include "probe/prompt.h"

const char *untraced_stop(enum gen_stop stop)
{
    static const char *const name[] = {
        [GEN_RUNNING] = "cancelled", [GEN_EOG] = "eog",
        [GEN_LENGTH] = "length", [GEN_CONTEXT] = "context",
        [GEN_CANCELLED] = "cancelled" };

    return name[stop];
}

void untraced_show(FILE *to, const struct tok *t, const struct gen_path *path,
                   int n_path)
{
    struct str text, safe;

    str_init(&text);
    str_init(&safe);
    for (int i = 0; i < n_path; i++) {
        str_clear(&text);
        prompt_text(t, path[i].out, path[i].n_out, &text);
        str_clear(&safe);
        text_safe(&safe, text.p, text.len, TEXT_NL | TEXT_TAB);
        fprintf(to, "%s--- path %d\n%s\n", i ? "\n" : "", i, safe.p);
    }
    log_info("not recorded, so no votes");
    str_release(&text);
    str_release(&safe);
}

void untraced_json(FILE *to, const struct untraced *u)
{
    const struct gen_path *path = u->path;
    struct str out, text;
    struct json j;

    str_init(&out);
    str_init(&text);
    json_init(&j, &out);
    json_obj(&j);
    json_key(&j, "run");
    json_null(&j);
    ahead_json(&j, u->batch, u->draft);
    json_key(&j, "paths");
    json_arr(&j);
    for (int i = 0; i < u->n_path; i++) {
        str_clear(&text);
        prompt_text(u->tok, path[i].out, path[i].n_out, &text);
        json_obj(&j);
        json_key(&j, "path");
        json_int(&j, i);
        json_key(&j, "stop");
        json_str(&j, untraced_stop(path[i].stop));
        json_key(&j, "tokens");
        json_int(&j, path[i].n_out);
        json_key(&j, "text");
        json_strn(&j, text.p, text.len);
        json_end_obj(&j);
    }
    json_end_arr(&j);
    json_end_obj(&j);
    fprintf(to, "%s\n", out.p);
    str_release(&out);
    str_release(&text);
}
