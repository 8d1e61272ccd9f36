/* tests/fuzz/seed.c - first inputs for the targets that read our own formats.
 *
 *     seed NAME FOLDER */
#include <stdio.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"

static int save(const char *dir, const char *leaf, const struct str *bytes)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, leaf);
    return mkgguf_save(path, bytes, NULL) == SOR_OK;
}

static int models(const char *dir)
{
    struct mkmodel_opts o[] = {
        { .type = GGUF_Q4_0, .n_layer = 1, .n_head = 2, .n_head_kv = 1,
          .n_ff = 32 },
        { .type = GGUF_F16, .n_layer = 1, .n_head = 2, .n_head_kv = 1,
          .n_ff = 32, .rope_freqs = 1, .untied = 1 },
    };
    int ok = 1;

    for (int i = 0; i < 2 && ok; i++) {
        struct str bytes;

        str_init(&bytes);
        mkmodel_bytes(&o[i], &bytes);
        ok = save(dir, i ? "f16" : "q4_0", &bytes);
        str_release(&bytes);
    }
    return ok;
}

/* For layer 1's ffn_up of the model that the target has. */
static int adapter(const char *dir)
{
    static const float zero[2 * 128];
    const struct mkgguf_tensor a = { "blk.1.ffn_up.weight.lora_a", GGUF_F32, 2,
                                     { 64, 2 } };
    const struct mkgguf_tensor b = { "blk.1.ffn_up.weight.lora_b", GGUF_F32, 2,
                                     { 2, 128 } };
    struct mkgguf g;
    struct str bytes;
    int ok;

    mkgguf_init(&g);
    str_init(&bytes);
    mkgguf_str(&g, "general.architecture", "llama");
    mkgguf_str(&g, "general.type", "adapter");
    mkgguf_str(&g, "adapter.type", "lora");
    mkgguf_f32(&g, "adapter.lora.alpha", 4.0f);
    mkgguf_tensor(&g, &a, zero, 64 * 2 * sizeof *zero);
    mkgguf_tensor(&g, &b, zero, 2 * 128 * sizeof *zero);
    mkgguf_file(&g, &bytes);
    ok = save(dir, "lora", &bytes);
    str_release(&bytes);
    mkgguf_release(&g);
    return ok;
}

static int texts(const char *dir)
{
    struct str s;
    int ok;

    str_init(&s);
    str_puts(&s, "<|im_start|>user\nThe party's 3.14 \xc3\xa9\xe2\x82\xac "
                 "shall not.\n\n\n  x\xff<|im_end|>");
    ok = save(dir, "one", &s);
    str_release(&s);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "gguf") == 0)
        return !models(argv[2]);
    if (strcmp(argv[1], "adapter") == 0)
        return !adapter(argv[2]);
    return !texts(argv[2]);
}
