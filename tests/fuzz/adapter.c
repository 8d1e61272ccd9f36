/* An adapter for a small model. */
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/lora.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkmodel.h"

static struct engine *engine(void)
{
    static struct engine *e;
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 32 };
    struct mkmodel_opts model = { .n_layer = 2 };
    char path[64];

    if (e)
        return e;
    FUZZ_CHECK(mkmodel_path(path) == 0 && !mkmodel(path, &model, NULL));
    FUZZ_CHECK(!engine_open(path, &opts, &e, NULL));
    unlink(path);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lora *l = NULL;
    struct sor_msg msg = { "" };
    char name[32];
    int fd = fuzz_file(p, n, name);

    if (lora_open(engine(), name, 1.0f, &l, &msg))
        FUZZ_CHECK(msg.text[0] && strstr(msg.text, name));
    lora_close(l);
    close(fd);
    return 0;
}
