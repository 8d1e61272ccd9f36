#include "cli/ahead.h"

#include <math.h>

#include "base/log.h"

double ahead_speedup(const struct gen_stats *st)
{
    const struct gen_time *plain = &st->plain, *drafted = &st->drafted;
    double n = (double)(plain->n_tok + drafted->n_tok);
    double ns = (double)(plain->ns + drafted->ns);

    if (plain->n_tok == 0 || drafted->n_tok == 0 || ns <= 0)
        return NAN;
    return (double)plain->ns / (double)plain->n_tok * n / ns;
}

/* Tokens written in a step, mean over all. */
static double per_pass(const struct gen_stats *st)
{
    double n = (double)(st->plain.n_tok + st->drafted.n_tok);

    return st->n_step ? n / (double)st->n_step : NAN;
}

void ahead_say(const struct gen_stats *st, enum draft_source source)
{
    double faster = ahead_speedup(st);

    if (source == DRAFT_OFF)
        return;
    if (st->n_draft == 0) {
        log_info("--draft %s: nothing was guessed",
                 draft_source_name(source));
        return;
    }
    if (isnan(faster))
        log_info("--draft %s: %lld tokens guessed ahead, %lld right, %.2f "
                 "tokens a pass; no pass without guesses to compare with",
                 draft_source_name(source), (long long)st->n_draft,
                 (long long)st->n_kept, per_pass(st));
    else
        log_info("--draft %s: %lld tokens guessed ahead, %lld right, %.2f "
                 "tokens a pass, %.2fx as fast as this run's passes without "
                 "guesses", draft_source_name(source), (long long)st->n_draft,
                 (long long)st->n_kept, per_pass(st), faster);
}

void ahead_json(struct json *j, const struct gen_stats *st,
                enum draft_source source)
{
    if (source == DRAFT_OFF)
        return;
    json_key(j, "draft");
    json_obj(j);
    json_key(j, "source");
    json_str(j, draft_source_name(source));
    json_key(j, "drafted");
    json_int(j, st->n_draft);
    json_key(j, "kept");
    json_int(j, st->n_kept);
    json_key(j, "tokens_per_pass");
    json_num(j, per_pass(st));
    json_key(j, "speedup");
    json_num(j, ahead_speedup(st));
    json_end_obj(j);
}
