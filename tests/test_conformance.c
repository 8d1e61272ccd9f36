/* The engine against a float32 reference of the same model file, whose figures
 * were computed by another program: token ids, logits, residual norms.
 *
 * Limits  llama.cpp, with activations in 8 bits, shows a mean KL of 0.0029, a
 *         largest of 0.032 and 195 of 199 first choices against the same
 *         reference.  Ours are in 16 bits, which leaves the rounding of the
 *         KV cache: the limits below are some ten times what it does in f16,
 *         and three times in 8 bits.
 * KL      the reference keeps the ten likeliest tokens of a position.  The
 *         rest is one outcome of its own on both sides, so the sum is a lower
 *         bound of the whole KL that misses only differences inside a tail of
 *         a few per cent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/sampler.h"
#include "engine/tok.h"

enum { TOP = 10, MAX_TOKENS = 512, MAX_LAYERS = 64 };

static const struct limits {
    double mean_kl, max_kl, norm_share;
    int top1_misses;
} limits[KERN_KVTYPES] = {
    [KERN_KV_F16] = { 1e-4, 1e-3, 0.005, 1 },
    [KERN_KV_Q8]  = { 7e-4, 1.5e-2, 0.04, 3 },
};

static struct engine *engine;
static const struct limits *limit;
static char shared[512];

/* --- files --------------------------------------------------------------- */

static char *slurp(const char *leaf, size_t *n)
{
    char path[600];
    FILE *f;
    char *text = NULL;
    long size;

    snprintf(path, sizeof path, "%s/reference/%s", shared, leaf);
    f = fopen(path, "rb");
    if (!f)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0 &&
        (text = malloc((size_t)size + 1)) != NULL) {
        rewind(f);
        *n = fread(text, 1, (size_t)size, f);
        text[*n] = '\0';
    }
    fclose(f);
    return text;
}

static int open_engine(enum kern_kvtype kv_type)
{
    const char *model = getenv("SORITES_TEST_MODEL");
    const char *root = getenv("SORITES_SHARED");
    struct engine_opts opts = { .n_ctx = MAX_TOKENS, .kv_type = (int)kv_type };
    struct sor_msg msg;

    limit = &limits[kv_type];
    snprintf(shared, sizeof shared, "%s", root ? root : "../shared");
    if (model && engine_open(model, &opts, &engine, &msg) != SOR_OK) {
        fprintf(stderr, "%s\n", msg.text);
        return -1;
    }
    return 0;
}

static int open_f16(void **state)
{
    (void)state;
    return open_engine(KERN_KV_F16);
}

static int open_q8(void **state)
{
    (void)state;
    return open_engine(KERN_KV_Q8);
}

static int close_engine(void **state)
{
    (void)state;
    engine_close(engine);
    engine = NULL;
    return 0;
}

/* --- tokens -------------------------------------------------------------- */

/* A NUL cannot live in the strings of the JSON parser.  One line has one: it
 * goes through as a character of the private use area. */
static const char NUL_IN[] = "\\u0000", NUL_AS[] = "\\ue000";
static const char NUL_BYTES[] = "\xee\x80\x80";

static void hide_nul(char *line)
{
    for (char *p = line; (p = strstr(p, NUL_IN)) != NULL; )
        memcpy(p, NUL_AS, sizeof NUL_AS - 1);
}

static void show_nul(const char *s, struct str *out)
{
    const char *p;

    for (; (p = strstr(s, NUL_BYTES)) != NULL; s = p + 3) {
        str_put(out, s, (size_t)(p - s));
        str_putc(out, '\0');
    }
    str_puts(out, s);
}

static void token_ids_are_the_reference_s(void **state)
{
    size_t n = 0;
    char *text = NULL, *line, *save = NULL;
    int n_line = 0;

    (void)state;
    if (!engine || !(text = slurp("smollm2_tokens_dev.jsonl", &n))) {
        print_message("no model or no reference data\n");
        skip();
    }
    for (line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), n_line++) {
        struct tok_ids ids = { NULL, 0, 0 };
        struct str text_in, back;
        cJSON *root, *want, *at;
        size_t i = 0;

        str_init(&text_in);
        str_init(&back);
        hide_nul(line);
        assert_int_equal(json_parse(line, strlen(line), "tokens", &root,
                                    NULL), SOR_OK);
        show_nul(cJSON_GetObjectItem(root, "text")->valuestring, &text_in);
        want = cJSON_GetObjectItem(root, "tokens");
        assert_int_equal(tok_encode(engine_tok(engine), text_in.p,
                                    text_in.len, TOK_SPECIAL, &ids), SOR_OK);
        assert_int_equal(ids.n, cJSON_GetArraySize(want));
        cJSON_ArrayForEach(at, want)
            assert_int_equal(ids.id[i++], (int)at->valuedouble);
        assert_int_equal(tok_decode(engine_tok(engine), ids.id, ids.n, &back,
                                    NULL), SOR_OK);
        assert_int_equal(back.len, text_in.len);
        assert_memory_equal(back.p, text_in.p, back.len);
        str_release(&text_in);
        str_release(&back);
        tok_ids_release(&ids);
        cJSON_Delete(root);
    }
    assert_int_equal(n_line, 276);
    free(text);
}

/* --- logits and norms ---------------------------------------------------- */

struct passage {
    int n;
    int32_t id[MAX_TOKENS];
    float *logits;                          /* [n][n_vocab] */
    float norm[MAX_TOKENS][MAX_LAYERS];
};

static void keep_norm(void *ud, const struct hook_event *ev)
{
    struct passage *p = ud;

    p->norm[ev->pos][ev->layer] = ev->u.layer.norm_out;
}

static void run_passage(struct passage *p)
{
    struct hook_observer o = { 1u << HOOK_LAYER, p, keep_norm };
    struct session *s;
    struct engine_feed f = { .tok = p->id, .n_tok = p->n, .n_logits = p->n,
                             .logits = p->logits };

    assert_int_equal(session_open(engine, 1, p->n, &s, NULL), SOR_OK);
    f.session = s;
    assert_int_equal(engine_observe(engine, &o, NULL), SOR_OK);
    assert_int_equal(engine_step(engine, &f, 1, NULL), SOR_OK);
    engine_observe(engine, NULL, NULL);
    session_close(s);
}

struct score { int n_pos, n_top1; double kl_sum, kl_max, norm_worst; };

/* sum over outcomes of p ln(p / q), with everything outside the reference's
 * ten as one outcome more. */
static double kl(const cJSON *pos, const float *logits, uint32_t n_vocab)
{
    const cJSON *id = cJSON_GetObjectItem(pos, "top")->child;
    const cJSON *lp = cJSON_GetObjectItem(pos, "logprob")->child;
    struct sampler_stats st;
    double sum = 0, p_rest = 1, q_rest = 1;

    sampler_stats(logits, n_vocab, &st);
    for (; id && lp; id = id->next, lp = lp->next) {
        double log_q = (double)logits[(int)id->valuedouble] - st.lse;
        double p = exp(lp->valuedouble);

        sum += p * (lp->valuedouble - log_q);
        p_rest -= p;
        q_rest -= exp(log_q);
    }
    if (p_rest > 1e-6 && q_rest > 1e-6)
        sum += p_rest * log(p_rest / q_rest);
    return sum;
}

static void score_position(struct score *s, const cJSON *pos,
                           const struct passage *p)
{
    uint32_t n_vocab = engine_hparams(engine)->n_vocab;
    int at = (int)cJSON_GetObjectItem(pos, "pos")->valuedouble, l = 0;
    const float *logits = p->logits + (size_t)at * n_vocab;
    double d = kl(pos, logits, n_vocab);
    struct sampler_alt best;
    const cJSON *norm;

    s->n_pos++;
    s->kl_sum += d;
    s->kl_max = d > s->kl_max ? d : s->kl_max;
    sampler_top(logits, n_vocab, 0, 1, &best);
    s->n_top1 += best.id ==
        (int)cJSON_GetObjectItem(pos, "top")->child->valuedouble;
    cJSON_ArrayForEach(norm, cJSON_GetObjectItem(pos, "resid_norm")) {
        double off = fabs((double)p->norm[at][l++] / norm->valuedouble - 1);

        s->norm_worst = off > s->norm_worst ? off : s->norm_worst;
    }
}

static void logits_are_near_the_reference(void **state)
{
    struct passage *p;
    struct score s = { 0, 0, 0, 0, 0 };
    size_t n = 0;
    char *text = NULL;
    cJSON *root, *one, *at;

    (void)state;
    if (!engine || !(text = slurp("smollm2_logits_dev.json", &n))) {
        print_message("no model or no reference data\n");
        skip();
    }
    assert_true(engine_hparams(engine)->n_layer <= MAX_LAYERS);
    p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->logits = calloc((size_t)MAX_TOKENS * engine_hparams(engine)->n_vocab,
                       sizeof *p->logits);
    assert_non_null(p->logits);
    assert_int_equal(json_parse(text, n, "logits", &root, NULL), SOR_OK);
    cJSON_ArrayForEach(one, root) {
        p->n = 0;
        cJSON_ArrayForEach(at, cJSON_GetObjectItem(one, "tokens"))
            p->id[p->n++] = (int32_t)at->valuedouble;
        assert_true(p->n <= MAX_TOKENS);
        run_passage(p);
        cJSON_ArrayForEach(at, cJSON_GetObjectItem(one, "positions"))
            score_position(&s, at, p);
    }
    print_message("%d positions: mean KL %.2e, largest %.2e, top-1 %d, norms "
                  "within %.2f %%\n", s.n_pos, s.kl_sum / s.n_pos, s.kl_max,
                  s.n_top1, 100 * s.norm_worst);
    assert_true(s.n_pos >= 199);
    assert_true(s.kl_sum / s.n_pos <= limit->mean_kl);
    assert_true(s.kl_max <= limit->max_kl);
    assert_true(s.n_top1 >= s.n_pos - limit->top1_misses);
    assert_true(s.norm_worst <= limit->norm_share);
    cJSON_Delete(root);
    free(p->logits);
    free(p);
    free(text);
}

int main(void)
{
    const struct CMUnitTest f16[] = {
        cmocka_unit_test(token_ids_are_the_reference_s),
        cmocka_unit_test(logits_are_near_the_reference),
    };
    const struct CMUnitTest q8[] = {
        cmocka_unit_test(logits_are_near_the_reference),
    };

    return cmocka_run_group_tests_name("conformance", f16, open_f16,
                                       close_engine) +
           cmocka_run_group_tests_name("conformance, 8-bit KV", q8, open_q8,
                                       close_engine);
}
