/* Any bytes become tokens that spell the same bytes, whole or one by one. */
#include <string.h>
#include <unistd.h>

#include "engine/gguf.h"
#include "engine/tok.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkmodel.h"

static struct tok *tokenizer(void)
{
    static struct tok *t;
    static struct gguf *g;      /* t borrows from it */
    struct mkmodel_opts model = { .n_layer = 1 };
    char path[64];

    if (t)
        return t;
    FUZZ_CHECK(mkmodel_path(path) == 0 && !mkmodel(path, &model, NULL));
    FUZZ_CHECK(!gguf_open(path, &g, NULL) && !tok_open(g, &t, NULL));
    unlink(path);
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const char *text = (const char *)p;
    const struct tok *t = tokenizer();

    for (unsigned flags = 0; flags <= TOK_SPECIAL; flags += TOK_SPECIAL) {
        struct tok_ids ids = { 0 };
        struct tok_stream stream = { { 0 }, 0 };
        struct str whole, parts;

        FUZZ_CHECK(!tok_encode(t, text, n, flags, &ids));
        str_init(&whole);
        str_init(&parts);
        FUZZ_CHECK(!tok_decode(t, ids.id, ids.n, &whole, NULL));
        for (size_t i = 0; i < ids.n; i++)
            FUZZ_CHECK(!tok_stream_put(t, &stream, ids.id[i], &parts));
        tok_stream_flush(&stream, &parts);
        FUZZ_CHECK(whole.len == n && memcmp(whole.p, text, n) == 0);
        str_release(&whole);
        str_release(&parts);
        tok_ids_release(&ids);
    }
    return 0;
}
