/* review/pack_pattern.c - the patterns of a pack, through PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "review/pack_impl.h"

/* Before every regex: what one search may cost.  A document comes from a
 * stranger, and a pattern that backtracks badly over it must give up within
 * about a tenth of a second.  As part of the pattern the limits hold for the
 * JIT's code and the interpreter alike (PCRE2, pcre2pattern, "Setting match
 * resource limits"). */
static const char limits[] = "(*LIMIT_MATCH=2000000)(*LIMIT_DEPTH=10000)"
                             "(*LIMIT_HEAP=20000)";

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

/* UCP: \w and \s know letters and spaces beyond ASCII, as in names and PDF
 * text.  MATCH_INVALID_UTF costs nothing on valid text and saves the check of
 * the whole document at every call. */
static uint32_t options(const char *flags)
{
    uint32_t o = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF |
                 PCRE2_NEVER_BACKSLASH_C;

    for (; *flags; flags++)
        o |= *flags == 'i'   ? PCRE2_CASELESS
             : *flags == 'm' ? PCRE2_MULTILINE
             : *flags == 's' ? PCRE2_DOTALL
                             : PCRE2_EXTENDED;
    return o;
}

enum sor_err pattern_compile(struct pack_in *in, struct pattern *p)
{
    pcre2_general_context *heap = pcre2_general_context_create(
        pcre_alloc, pcre_free, NULL);
    pcre2_compile_context *how = pcre2_compile_context_create(heap);
    struct str whole;
    PCRE2_UCHAR why[128];
    PCRE2_SIZE at = 0;
    int error = PCRE2_ERROR_NOMEMORY;
    uint32_t groups = 0;

    str_init(&whole);
    str_printf(&whole, "%s%s", limits, p->regex);
    if (how && str_ok(&whole))
        p->code = pcre2_compile((PCRE2_SPTR)whole.p, whole.len,
                                options(p->flags), &error, &at, how);
    str_release(&whole);
    pcre2_compile_context_free(how);
    pcre2_general_context_free(heap);   /* the code keeps the functions */
    if (p->code) {
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* or interpreted */
        pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
        return groups < PATTERN_GROUPS ? SOR_OK
               : pack_wrong(in, "regex", "%u groups; at most %d are allowed "
                            "(write (?: ) for the others)", groups,
                            PATTERN_GROUPS - 1);
    }
    if (error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED)
        return sor_fail(in->msg, SOR_NOMEM, "%s/%s: out of memory", in->dir,
                        in->file);
    pcre2_get_error_message(error, why, sizeof why);
    at = at > sizeof limits - 1 ? at - (sizeof limits - 1) : 0;
    return pack_wrong(in, "regex", "%s at byte %zu, before \"%.24s\"",
                      (char *)why, (size_t)at, p->regex + at);
}

void pattern_release(struct pattern *p)
{
    pcre2_code_free(p->code);           /* accepts NULL */
    p->code = NULL;
}

int pattern_next(const struct pattern *p, const char *text, size_t n,
                 size_t from, struct match *m)
{
    pcre2_match_data *found = pcre2_match_data_create_from_pattern(p->code,
                                                                   NULL);
    const PCRE2_SIZE *at;
    int rc;

    if (!found)
        return -1;
    rc = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, 0, found, NULL);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_JIT,
                         found, NULL);
    at = pcre2_get_ovector_pointer(found);
    for (int i = 0; rc > 0 && i < PATTERN_GROUPS; i++) {
        int set = i < rc && at[2 * i] != PCRE2_UNSET;

        m->from[i] = set ? at[2 * i] : 1;
        m->to[i] = set ? at[2 * i + 1] : 0;
    }
    pcre2_match_data_free(found);
    return rc > 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
