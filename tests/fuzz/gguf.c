/* A model file: whatever opens has a tokenizer and hyper-parameters that can
 * be used. */
#include <string.h>
#include <unistd.h>

#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct model_hparams hp;
    struct gguf *g = NULL;
    struct tok *t = NULL;
    struct sor_msg msg = { "" };
    char name[32];
    int fd = fuzz_file(p, n, name);

    if (gguf_open(name, &g, &msg)) {
        FUZZ_CHECK(msg.text[0] && strstr(msg.text, name));
        close(fd);
        return 0;
    }
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *x = gguf_tensor_at(g, i);
        volatile uint8_t first = x->data[0], last = x->data[x->bytes - 1];

        (void)first, (void)last;
    }
    if (!hparams_read(g, &hp, &msg) && !tok_open(g, &t, &msg)) {
        struct tok_ids ids = { 0 };

        FUZZ_CHECK(tok_bos(t) < (int32_t)hp.n_vocab);
        FUZZ_CHECK(tok_eos(t) < (int32_t)hp.n_vocab);
        tok_encode(t, "One, two.", 9, 0, &ids);
        for (size_t i = 0; i < ids.n; i++)
            FUZZ_CHECK(ids.id[i] >= 0 && ids.id[i] < (int32_t)hp.n_vocab);
        tok_ids_release(&ids);
    }
    tok_close(t);
    gguf_close(g);
    close(fd);
    return 0;
}
