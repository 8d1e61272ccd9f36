/* OTLP/JSON: any bytes in the place of a list of spans, into a database. */
#include <string.h>

#include "base/str.h"
#include "tests/fuzz/fuzz.h"
#include "trace/import.h"

static void bad(void *ud, const char *sentence)
{
    (void)ud;
    FUZZ_CHECK(sentence && strncmp(sentence, "f:1", 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct import_opts o = { .bad = bad };
    struct import *im = NULL;
    struct sor_msg msg = { "" };
    struct str s;

    str_init(&s);
    str_puts(&s, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
    str_put(&s, (const char *)p, n);
    str_puts(&s, "]}]}]}");
    FUZZ_CHECK(!import_open(fuzz_writer(), &o, &im, NULL));
    FUZZ_CHECK(!import_value(im, s.p, s.len, "f:1", &msg));
    FUZZ_CHECK(!import_end(im, "f:1", &msg));
    import_close(im);
    str_release(&s);
    return 0;
}
