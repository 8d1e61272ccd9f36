#include "tests/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/mkmodel.h"

static char small[64];

static void remove_small(void)
{
    unlink(small);
}

const char *models_small(void)
{
    /* Room for recordings that last until they are killed. */
    struct mkmodel_opts o = { .type = MKMODEL_MIXED, .n_ctx = 1 << 17 };
    struct sor_msg msg;

    if (small[0])
        return small;
    if (mkmodel_path(small) != 0 || mkmodel(small, &o, &msg) != SOR_OK) {
        fprintf(stderr, "the small model cannot be made in %s\n", small);
        small[0] = '\0';
        return NULL;
    }
    atexit(remove_small);
    return small;
}

const char *models_real(void)
{
    return getenv("SORITES_TEST_MODEL");
}
