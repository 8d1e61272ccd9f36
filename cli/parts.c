#include "cli/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int count(const char *list)
{
    int n = list && *list;

    for (; list && *list; list++)
        n += *list == ',';
    return n;
}

/* Reads "A" or "A<mark>B" at *s, up to a comma or the end: 0, or -1. */
static int take(const char **s, char mark, int *a, int *b)
{
    char *end;
    long v = strtol(*s, &end, 10);

    if (end == *s || v < 0 || v > INT32_MAX)
        return -1;
    *a = (int)v;
    if (mark) {
        const char *second = end + 1;

        if (*end != mark)
            return -1;
        v = strtol(second, &end, 10);
        if (end == second || v < 0 || v > INT32_MAX)
            return -1;
        *b = (int)v;
    }
    if (*end && (*end != ',' || !end[1]))
        return -1;
    *s = *end ? end + 1 : end;
    return 0;
}

enum sor_err parts_parse(const char *heads, const char *layers,
                         const struct model_hparams *hp,
                         struct prefix_mask *out, struct sor_msg *msg)
{
    int n = count(heads) + count(layers);
    struct prefix_mask m = { mem_calloc((size_t)n, sizeof *m.iv), 0 };

    if (!m.iv)
        return sor_fail(msg, SOR_NOMEM, "out of memory for %d parts", n);
    for (const char *s = heads; s && *s; m.n++) {
        struct intervene *iv = &m.iv[m.n];

        *iv = (struct intervene){ .kind = INTERVENE_HEAD, .to = INT32_MAX };
        if (take(&s, '.', &iv->layer, &iv->head) != 0 ||
            iv->layer >= (int)hp->n_layer || iv->head >= (int)hp->n_head) {
            prefix_mask_release(&m);
            return sor_fail(msg, SOR_USAGE, "heads '%s': written LAYER.HEAD,"
                            "..., up to %u.%u", heads, hp->n_layer - 1,
                            hp->n_head - 1);
        }
    }
    for (const char *s = layers; s && *s; m.n++) {
        struct intervene *iv = &m.iv[m.n];

        *iv = (struct intervene){ .kind = INTERVENE_LAYER, .head = -1,
                                  .to = INT32_MAX };
        if (take(&s, 0, &iv->layer, NULL) != 0 ||
            iv->layer >= (int)hp->n_layer) {
            prefix_mask_release(&m);
            return sor_fail(msg, SOR_USAGE, "layers '%s': written LAYER,..., "
                            "up to %u", layers, hp->n_layer - 1);
        }
    }
    *out = m;
    return SOR_OK;
}

enum sor_err parts_spans(const char *text, int end, struct part_span **out,
                         int *n, struct sor_msg *msg)
{
    struct part_span *span = mem_calloc((size_t)count(text) + 1,
                                        sizeof *span);
    int k = 0;

    if (!span)
        return sor_fail(msg, SOR_NOMEM, "out of memory for spans");
    for (const char *s = text; *s; k++)
        if (take(&s, ':', &span[k].from, &span[k].to) != 0 ||
            span[k].from >= span[k].to || span[k].to > end) {
            mem_free(span);
            return sor_fail(msg, SOR_USAGE, "spans '%s': written FROM:TO,..., "
                            "half-open, up to %d", text, end);
        }
    *out = span;
    *n = k;
    return SOR_OK;
}
