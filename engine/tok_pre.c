/* engine/tok_pre.c - see tok_pre.h. */
#include "engine/tok_pre.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* --- the table ------------------------------------------------------------ */

/* White space as Unicode's White_Space property has it; PCRE2's own \s also
 * takes U+180E, which the models' tokenizers do not. */
#define WS "\\t-\\r\\x{85}\\p{Z}"
#define SPACES "[" WS "]+(?![^" WS "])|[" WS "]+"

/* Source: openai/gpt-2 encoder.py, and the pre_tokenizer of each model's
 * tokenizer.json. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WS \
             "\\p{L}\\p{N}]+|" SPACES
/* [sS] rather than (?i:s), which would also match U+017F */
#define GPT4(digits) "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]" \
             "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^" WS \
             "\\p{L}\\p{N}]+[\\r\\n]*|[" WS "]*[\\r\\n]+|" SPACES
#define DIGIT "\\p{N}"

enum { REGEXES = 4 };
static const struct pre {
    const char *name;
    const char *regex[REGEXES];
    int whole, bos;
} table[] = {
    { "smollm",           { DIGIT, GPT2 }, 0, 0 },
    { "starcoder",        { DIGIT, GPT2 }, 0, 0 },
    { "refact",           { DIGIT, GPT2 }, 0, 0 },
    { "command-r",        { DIGIT, GPT2 }, 0, 0 },
    { "codeshell",        { DIGIT, GPT2 }, 0, 0 },
    { "exaone",           { DIGIT, GPT2 }, 0, 0 },
    { "gpt-2",            { GPT2 }, 0, 0 },
    { "olmo",             { GPT2 }, 0, 0 },
    { "mpt",              { GPT2 }, 0, 0 },
    { "default",          { "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+",
                            "[0-9][0-9][0-9]" }, 0, 0 },
    { "llama-bpe",        { GPT4("\\p{N}{1,3}") }, 1, 1 },
    { "llama3",           { GPT4("\\p{N}{1,3}") }, 1, 1 },
    { "llama-v3",         { GPT4("\\p{N}{1,3}") }, 1, 1 },
    { "qwen2",            { GPT4("\\p{N}") }, 0, 0 },
    { "deepseek-r1-qwen", { GPT4("\\p{N}") }, 0, 0 },
    { "stablelm2",        { GPT4("\\p{N}") }, 0, 0 },
};

enum { PRES = sizeof table / sizeof table[0] };

struct tok_pre {
    const struct pre      *pre;
    pcre2_general_context *ctx;
    pcre2_code            *re[REGEXES];
    int                    n;           /* of re */
};

/* --- opening -------------------------------------------------------------- */

static void *pcre_alloc(size_t n, void *ud)
{
    (void)ud;
    return mem_alloc(n);
}

static void pcre_free(void *p, void *ud)
{
    (void)ud;
    mem_free(p);
}

static enum sor_err unknown(const char *path, struct gguf_str name,
                            struct sor_msg *msg)
{
    char known[256] = "";
    size_t used = 0;

    for (int i = 0; i < PRES; i++) {
        int n = snprintf(known + used, sizeof known - used, "%s%s",
                         i ? ", " : "", table[i].name);

        if (n > 0 && (size_t)n < sizeof known - used)
            used += (size_t)n;
    }
    return sor_fail(msg, SOR_UNSUP, "%s: pre-tokenizer \"%.*s\" is not "
                    "supported; known: %s", path,
                    (int)(name.n < 80 ? name.n : 80), name.p, known);
}

static enum sor_err compile(struct tok_pre *p, const char *regex,
                            struct sor_msg *msg)
{
    int code;
    PCRE2_SIZE where;
    pcre2_compile_context *cc = pcre2_compile_context_create(p->ctx);
    pcre2_code *re = NULL;

    if (cc)
        re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                           PCRE2_UTF | PCRE2_UCP, &code, &where, cc);
    pcre2_compile_context_free(cc);
    if (!re)        /* the regexes are ours and compile: memory it was */
        return sor_fail(msg, SOR_NOMEM, "out of memory for the tokenizer's "
                        "regexes");
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);  /* or be interpreted */
    p->re[p->n++] = re;
    return SOR_OK;
}

enum sor_err tok_pre_open(const char *path, struct gguf_str name,
                          struct tok_pre **out, struct sor_msg *msg)
{
    struct tok_pre *p = mem_calloc(1, sizeof *p);
    enum sor_err err = SOR_OK;

    if (!p || !(p->ctx = pcre2_general_context_create(pcre_alloc, pcre_free,
                                                      NULL))) {
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    for (int i = 0; i < PRES && !p->pre; i++)
        if (gguf_str_is(name, table[i].name))
            p->pre = &table[i];
    if (!p->pre) {
        err = unknown(path, name, msg);
        goto fail;
    }
    for (int i = 0; i < REGEXES && p->pre->regex[i]; i++)
        if ((err = compile(p, p->pre->regex[i], msg)))
            goto fail;
    *out = p;
    return SOR_OK;
fail:
    tok_pre_close(p);
    return err;
}

void tok_pre_close(struct tok_pre *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n; i++)
        pcre2_code_free(p->re[i]);
    pcre2_general_context_free(p->ctx);
    mem_free(p);
}

const char *tok_pre_name_of(const struct tok_pre *p) { return p->pre->name; }
int tok_pre_whole(const struct tok_pre *p) { return p->pre->whole; }
int tok_pre_bos(const struct tok_pre *p) { return p->pre->bos; }

/* --- splitting ------------------------------------------------------------ */

struct split {
    const struct tok_pre *pre;
    pcre2_match_data     *md;
    tok_pre_fn           *fn;
    void                 *ud;
};

/* Finds regex i in text[from..n), which is valid UTF-8. */
static enum sor_err find(const struct split *s, int i, const char *text,
                         size_t n, size_t from)
{
    uint32_t opts = PCRE2_NO_UTF_CHECK;
    int rc = pcre2_match(s->pre->re[i], (PCRE2_SPTR)text, n, from, opts, s->md,
                         NULL);

    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(s->pre->re[i], (PCRE2_SPTR)text, n, from,
                         opts | PCRE2_NO_JIT, s->md, NULL);
    if (rc > 0)
        return SOR_OK;
    if (rc == PCRE2_ERROR_NOMATCH)
        return SOR_NOTFOUND;
    return rc == PCRE2_ERROR_NOMEMORY ? SOR_NOMEM : SOR_LIMIT;
}

/* Cuts valid text by the regexes from i on.  As deep as the list is long. */
static enum sor_err cut(const struct split *s, int i, const char *text,
                        size_t n)
{
    size_t done = 0;
    enum sor_err err = SOR_OK;

    if (n == 0)
        return SOR_OK;
    if (i == s->pre->n)
        return s->fn(s->ud, text, n);
    while (done < n && !err) {
        size_t from = n, to = n;        /* a gap to the end */

        err = find(s, i, text, n, done);
        if (!err) {
            from = pcre2_get_ovector_pointer(s->md)[0];
            to = pcre2_get_ovector_pointer(s->md)[1];
        } else if (err == SOR_NOTFOUND) {
            err = SOR_OK;
        }
        if (!err)
            err = cut(s, i + 1, text + done, from - done);
        if (!err)
            err = cut(s, i + 1, text + from, to - from);
        done = to;
    }
    return err;
}

/* The length of what text starts with: a stretch of valid UTF-8 or of bytes
 * that are not. */
static size_t stretch(const char *text, size_t n, int *valid)
{
    size_t len = 0;

    while (len < n) {
        uint32_t cp;
        size_t step = utf8_next(text + len, n - len, &cp);
        int good = cp != 0xFFFD ||
                   (step == 3 && memcmp(text + len, "\xEF\xBF\xBD", 3) == 0);

        if (len == 0)
            *valid = good;
        else if (good != *valid)
            break;
        len += step;
    }
    return len;
}

enum sor_err tok_pre_split(const struct tok_pre *p, const char *text, size_t n,
                           tok_pre_fn *fn, void *ud)
{
    struct split s = { p, pcre2_match_data_create(1, p->ctx), fn, ud };
    enum sor_err err = s.md ? SOR_OK : SOR_NOMEM;

    while (n > 0 && !err) {
        int valid = 1;
        size_t len = stretch(text, n, &valid);

        err = valid ? cut(&s, 0, text, len) : fn(ud, text, len);
        text += len;
        n -= len;
    }
    pcre2_match_data_free(s.md);
    return err;
}
