/* review/pack_form.c - the files of a pack: what each may hold, by table.
 * docs/domain.schema.json says the same for editors; docs/domains.md says
 * what it means. */
#include <string.h>

#include "review/pack_impl.h"

/* One row of a table of fields; what follows the member are designators. */
#define F(key_, shape_, struct_, member_, ...) \
    { .key = key_, .shape = SHAPE_##shape_, \
      .at = offsetof(struct struct_, member_), __VA_ARGS__ }
/* The same of a list, whose length goes elsewhere. */
#define L(key_, shape_, struct_, member_, n_, ...) \
    F(key_, shape_, struct_, member_, \
      .at_n = offsetof(struct struct_, n_), __VA_ARGS__)
#define END { .key = NULL }

/* --- pack.json ------------------------------------------------------------- */

static const struct field adapter_field[] = {
    F("file", FILE, pack_whole, pack.adapter, .max = 100),
    F("name", TEXT, pack_whole, pack.adapter_name, .max = 200),
    F("sha256", SHA256, pack_whole, pack.adapter_sha256, .max = 64),
    END
};
static const struct pack_type adapter_type = { .field = adapter_field };

static const struct field model_field[] = {
    F("name", TEXT, pack_whole, pack.model_name, .max = 200),
    F("sha256", SHA256, pack_whole, pack.model_sha256, .max = 64),
    END
};
static const struct pack_type model_type = { .field = model_field };

static const struct field files_field[] = {
    L("patterns", FILES, pack_files, patterns.at, patterns.n,
      .max = PACK_FILES, .optional = 1),
    L("claims", FILES, pack_files, claims.at, claims.n,
      .max = PACK_FILES, .optional = 1),
    F("types", FILE, pack_files, types, .optional = 1),
    F("playbook", FILE, pack_files, playbook, .optional = 1),
    F("measured", FILE, pack_files, measured, .optional = 1),
    F("facts", FILE, pack_files, facts, .optional = 1),
    END
};
static const struct pack_type files_type = { .field = files_field };

/* A probability of struct calibration. */
#define P(member_) F(#member_, NUMBER, calibration, member_, .min = 0, .max = 1)

static const struct field log_odds_field[] = {
    F("evidence", NUMBER, log_odds, evidence, .min = 0, .max = 50),
    F("prior", NUMBER, log_odds, prior, .min = -50, .max = 50),
    F("bias", NUMBER, log_odds, bias, .min = -50, .max = 50),
    END
};
static const struct pack_type log_odds_type = { .field = log_odds_field };

static const struct field calibration_field[] = {
    F("temperature", NUMBER, calibration, temperature, .min = 0.01,
      .max = 100),
    F("bias_unrelated", NUMBER, calibration, bias_unrelated, .min = -50,
      .max = 50),
    P(give), P(opposite), P(give_strict), P(opposite_strict),
    P(unrelated), P(not_addressed),
    F("type_temperature", NUMBER, calibration, type_temperature,
      .min = 0.01, .max = 100),
    F("related", OBJECT, calibration, related, .of = &log_odds_type),
    F("supports", OBJECT, calibration, supports, .of = &log_odds_type),
    P(answer), P(answer_strict),
    F("path_correlation", NUMBER, calibration, path_correlation, .min = -1,
      .max = 1),
    L("confidence", CURVE, calibration, knot_x, n_knot, .max = 64),
    END
};
static const struct pack_type calibration_type = {
    .field = calibration_field };

static const char *const route_modes[] = { "auto", "sparse", "hybrid", "full",
                                           NULL };
static const struct field route_field[] = {
    F("mode", CHOICE, pack_route, mode, .words = route_modes),
    F("low", NUMBER, pack_route, low, .min = 0.001, .max = 1, .optional = 1),
    F("high", NUMBER, pack_route, high, .min = 0.001, .max = 1,
      .optional = 1),
    F("budget", COUNT, pack_route, budget, .min = 1, .max = 16384,
      .optional = 1),
    END
};

/* As the program refuses them on its command line. */
static enum sor_err check_route(struct pack_in *in, void *object)
{
    const struct pack_route *r = object;

    if ((r->low > 0 || r->high > 0) && strcmp(r->mode, "auto") != 0)
        return pack_wrong(in, r->low > 0 ? "low" : "high", "is a threshold of "
                          "mode \"auto\", and the mode is \"%s\"", r->mode);
    if (r->low > 0 && r->high > 0 && r->low > r->high)
        return pack_wrong(in, "low", "%g is over high, %g", r->low, r->high);
    if (r->budget > 0 && strcmp(r->mode, "full") == 0)
        return pack_wrong(in, "budget", "limits nothing in mode \"full\"");
    return SOR_OK;
}

static const struct pack_type route_type = { .field = route_field,
                                             .check = check_route };

static const struct field manifest_field[] = {
    F("format", COUNT, pack_whole, files.format, .min = 1, .max = 1),
    F("id", ID, pack_whole, pack.id, .max = 40),
    F("title", TEXT, pack_whole, pack.title, .max = 200),
    F("version", TEXT, pack_whole, pack.version, .max = 40),
    F("licence", TEXT, pack_whole, pack.licence, .max = 200),
    F("attribution", TEXT, pack_whole, pack.attribution, .max = 2000),
    F("note", TEXT, pack_whole, pack.note, .max = 1000),
    { .key = "adapter", .shape = SHAPE_OBJECT, .of = &adapter_type,
      .optional = 1 },
    { .key = "model", .shape = SHAPE_OBJECT, .of = &model_type,
      .optional = 1 },
    F("calibration", OBJECT, pack_whole, pack.calibration,
      .of = &calibration_type, .optional = 1),
    F("route", OBJECT, pack_whole, pack.route, .of = &route_type,
      .optional = 1),
    F("files", OBJECT, pack_whole, files, .of = &files_type),
    END
};
const struct pack_type pack_manifest = { .field = manifest_field };

/* --- patterns -------------------------------------------------------------- */

static enum sor_err check_pattern(struct pack_in *in, void *object)
{
    struct pattern *p = object;
    size_t known;

    p->flags = p->flags ? p->flags : "";
    known = strspn(p->flags, "imsx");
    if (p->flags[known])
        return pack_wrong(in, "flags", "\"%.4s\" is not of i, m, s, x",
                          p->flags + known);
    return SOR_OK;
}

static const struct field pattern_field[] = {
    F("id", ID, pattern, id, .max = 100),
    F("purpose", ID, pattern, purpose, .max = 100),
    F("regex", TEXT, pattern, regex, .max = PACK_REGEX_BYTES),
    F("flags", TEXT, pattern, flags, .max = 8, .optional = 1),
    F("note", TEXT, pattern, note, .max = 1000, .optional = 1),
    END
};
static const struct pack_type pattern_type = {
    sizeof(struct pattern), pattern_field, check_pattern };

static const struct field patterns_field[] = {
    L("patterns", LIST, patterns, at, n, .max = PACK_PATTERNS,
      .of = &pattern_type),
    END
};
const struct pack_type pack_patterns_file = { .field = patterns_field };

/* --- types ----------------------------------------------------------------- */

static const struct field type_field[] = {
    F("label", TEXT, clause_type, label, .max = 100),
    F("title", TEXT, clause_type, title, .max = 100),
    END
};
static const struct pack_type type_type = {
    sizeof(struct clause_type), type_field, NULL };

static const struct field types_field[] = {
    L("types", LIST, types, at, n, .max = PACK_TYPES, .of = &type_type),
    END
};
const struct pack_type pack_types_file = { .field = types_field };

/* --- claims ---------------------------------------------------------------- */

static const char *const relation_words[] = {
    "unrelated", "supports", "contradicts", NULL };
static const char *const role_words[] = {
    "statement", "paraphrase", "opposite", "swap", NULL };
static const char *const kind_words[] = {
    "statement", "law", "period", "date", "amount", "percent", "party", NULL };

/* A statement and its paraphrases are supported by what supports the claim, a
 * swap says something else unless the pack says that it is the contrary. */
static enum sor_err check_wording(struct pack_in *in, void *object)
{
    struct wording *w = object;
    int is_swap = strcmp(w->role, "swap") == 0;
    enum relation role_to = is_swap                        ? RELATION_UNRELATED
                            : strcmp(w->role, "opposite") == 0
                                ? RELATION_CONTRADICTS
                                : RELATION_SUPPORTS;

    if ((int)w->to < 0)
        w->to = role_to;
    if (w->to != role_to && !(is_swap && w->to == RELATION_CONTRADICTS))
        return pack_wrong(in, "to", "a clause that supports the claim cannot "
                          "stand to its %s as \"%s\"", w->role,
                          relation_words[w->to]);
    return SOR_OK;
}

static const struct field wording_field[] = {
    F("role", CHOICE, wording, role, .words = role_words),
    F("text", TEXT, wording, text, .max = 600),
    F("to", INDEX, wording, to, .words = relation_words, .optional = 1,
      .preset = -1),
    F("trained", FLAG, wording, trained, .optional = 1, .preset = 1),
    F("one_way", FLAG, wording, one_way, .optional = 1),
    F("named_roles", FLAG, wording, named_roles, .optional = 1),
    END
};
static const struct pack_type wording_type = {
    sizeof(struct wording), wording_field, check_wording };

/* Of a value the wordings are templates with one place for it. */
static enum sor_err check_claim(struct pack_in *in, void *object)
{
    struct claim *c = object;
    int is_value = strcmp(c->kind, "statement") != 0;

    if (c->n_wording == 0 || strcmp(c->wording[0].role, "statement") != 0)
        return pack_wrong(in, "wordings", "the first must be the statement");
    for (int i = 0; i < c->n_wording; i++) {
        const char *text = c->wording[i].text, *place = strstr(text, "{}");

        if (i > 0 && strcmp(c->wording[i].role, "statement") == 0)
            return pack_wrong(in, "wordings", "%d is a second statement", i);
        if (is_value ? !place || strstr(place + 2, "{}") : !!place)
            return pack_wrong(in, "wordings", "%d must have %s \"{}\"", i,
                              is_value ? "one" : "no");
        for (int k = 0; k < i; k++)
            if (strcmp(c->wording[k].text, text) == 0)
                return pack_wrong(in, "wordings", "%d repeats %d: \"%.60s\"",
                                  i, k, text);
    }
    return SOR_OK;
}

static const struct field prior_field[] = {
    F("related", NUMBER, claim_prior, related, .min = -50, .max = 50),
    F("supports", NUMBER, claim_prior, supports, .min = -50, .max = 50),
    END
};
static const struct pack_type prior_type = { .field = prior_field };

static const struct field claim_field[] = {
    F("id", ID, claim, id, .max = 100),
    F("title", TEXT, claim, title, .max = 200),
    F("kind", CHOICE, claim, kind, .words = kind_words, .optional = 1),
    F("type", TEXT, claim, type, .max = 100, .optional = 1),
    F("prior", OBJECT, claim, prior, .of = &prior_type, .optional = 1),
    L("wordings", LIST, claim, wording, n_wording, .max = PACK_WORDINGS,
      .of = &wording_type),
    END
};
static const struct pack_type claim_type = {
    sizeof(struct claim), claim_field, check_claim };

static const struct field set_field[] = {
    F("id", ID, claim_set, id, .max = 40),
    F("title", TEXT, claim_set, title, .max = 200),
    F("document", ID, claim_set, document, .max = 100, .optional = 1),
    END
};
static const struct pack_type set_type = { .field = set_field };

static const struct field claims_field[] = {
    F("set", OBJECT, claims, set, .of = &set_type),
    L("claims", LIST, claims, at, n, .max = PACK_CLAIMS, .of = &claim_type),
    END
};
const struct pack_type pack_claims_file_type = { .field = claims_field };

/* --- playbook -------------------------------------------------------------- */

static const char *const stance_words[] = {
    "standard", "fallback", "unacceptable", NULL };

static const struct field stances_field[] = {
    F("supported", INDEX, position, on[0], .words = stance_words),
    F("contradicted", INDEX, position, on[1], .words = stance_words),
    F("not_addressed", INDEX, position, on[2], .words = stance_words),
    END
};
static const struct pack_type stances_type = { .field = stances_field };

static enum sor_err check_position(struct pack_in *in, void *object)
{
    struct position *p = object;

    (void)in;
    if (!p->party)
        p->party = "";
    return SOR_OK;
}

static const struct field position_field[] = {
    F("party", ID, position, party, .max = 40, .optional = 1),
    { .key = "on", .shape = SHAPE_OBJECT, .of = &stances_type },
    F("text", TEXT, position, text, .max = 1000),
    F("suggest", TEXT, position, suggest, .max = 2000, .optional = 1),
    END
};
static const struct pack_type position_type = {
    sizeof(struct position), position_field, check_position };

static const struct field play_field[] = {
    F("claim", ID, play, claim, .max = 100),
    L("positions", LIST, play, at, n, .max = PACK_POSITIONS,
      .of = &position_type),
    END
};
static const struct pack_type play_type = {
    sizeof(struct play), play_field, NULL };

static const struct field required_field[] = {
    F("id", ID, required, id, .max = 60),
    F("title", TEXT, required, title, .max = 200),
    F("document", ID, required, document, .max = 100, .optional = 1),
    F("found", ID, required, found, .max = 100),
    F("type", TEXT, required, type, .max = 100, .optional = 1),
    END
};
static const struct pack_type required_type = {
    sizeof(struct required), required_field, NULL };

static const struct field playbook_field[] = {
    L("playbook", LIST, playbook, at, n, .max = PACK_CLAIMS,
      .of = &play_type),
    L("required", LIST, playbook, required, n_required, .max = 200,
      .of = &required_type),
    END
};
const struct pack_type pack_playbook_file = { .field = playbook_field };

/* --- measured -------------------------------------------------------------- */

static const char *const error_words[] = { "any", "contradicted", NULL };

static enum sor_err check_figure(struct pack_in *in, void *object)
{
    const struct measured *m = &((const struct figure *)object)->m;

    if (m->wrong > m->n)
        return pack_wrong(in, "wrong", "%d of %d", m->wrong, m->n);
    if (m->low > m->high)
        return pack_wrong(in, "low", "%.9g is above high, %.9g", m->low,
                          m->high);
    return SOR_OK;
}

#define FIGURE \
    F("n", COUNT, figure, m.n, .min = 1, .max = 1e9), \
    F("wrong", COUNT, figure, m.wrong, .min = 0, .max = 1e9), \
    F("low", NUMBER, figure, m.low, .min = 0, .max = 1), \
    F("high", NUMBER, figure, m.high, .min = 0, .max = 1), \
    F("set", TEXT, figure, m.set, .max = 200)

static const struct field type_figure_field[] = {
    F("label", TEXT, figure, of, .max = 100), FIGURE, END
};
static const struct pack_type type_figure = {
    sizeof(struct figure), type_figure_field, check_figure };

static const struct field claim_figure_field[] = {
    F("claim", ID, figure, of, .max = 100),
    F("verdict", INDEX, figure, contradicted, .words = error_words),
    FIGURE, END
};
static const struct pack_type claim_figure = {
    sizeof(struct figure), claim_figure_field, check_figure };

static const struct field figures_field[] = {
    L("types", LIST, figures, type, n_type, .max = PACK_TYPES,
      .of = &type_figure),
    L("claims", LIST, figures, claim, n_claim, .max = 2 * PACK_CLAIMS,
      .of = &claim_figure),
    END
};
const struct pack_type pack_figures_file = { .field = figures_field };

/* --- facts ----------------------------------------------------------------- */

static const struct field fact_field[] = {
    F("group", ID, fact, group, .max = 60),
    F("id", TEXT, fact, id, .max = 60),
    F("title", TEXT, fact, title, .max = 300),
    F("of", TEXT, fact, of, .max = 60, .optional = 1),
    F("text", TEXT, fact, text, .max = 1000, .optional = 1),
    F("weight", NUMBER, fact, weight, .min = -100, .max = 100, .optional = 1),
    F("low", NUMBER, fact, low, .min = -1e12, .max = 1e12, .optional = 1),
    F("high", NUMBER, fact, high, .min = -1e12, .max = 1e12, .optional = 1),
    END
};

static enum sor_err check_fact(struct pack_in *in, void *object)
{
    const struct fact *f = object;

    return f->low <= f->high ? SOR_OK
           : pack_wrong(in, "low", "%.9g is above high, %.9g", f->low,
                        f->high);
}

static const struct pack_type fact_type = {
    sizeof(struct fact), fact_field, check_fact };

static const struct field facts_field[] = {
    L("facts", LIST, facts, at, n, .max = PACK_FACTS, .of = &fact_type),
    END
};
const struct pack_type pack_facts_file = { .field = facts_field };

/* --- --claims FILE --------------------------------------------------------- */

static const struct field custom_field[] = {
    F("id", TEXT, custom, id, .max = 100),
    F("text", TEXT, custom, text, .max = 600),
    END
};
static const struct pack_type custom_type = {
    sizeof(struct custom), custom_field, NULL };

static const struct field customs_field[] = {
    L("", LIST, customs, at, n, .max = PACK_CLAIMS, .of = &custom_type),
    END
};
const struct pack_type pack_customs_file = { .field = customs_field };
