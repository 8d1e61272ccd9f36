/* Traces of other programs, a value a line, into a database; JSONL, chat and
 * OTLP alike. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "trace/import.h"

static void bad(void *ud, const char *sentence)
{
    (void)ud;
    FUZZ_CHECK(sentence && sentence[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct import_opts o = { .bad = bad };
    struct import *im = NULL;
    const char *text = (const char *)p, *end = text + n;
    struct sor_msg msg = { "" };

    FUZZ_CHECK(!import_open(fuzz_writer(), &o, &im, NULL));
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));

        stop = stop ? stop : end;
        FUZZ_CHECK(!import_value(im, text, (size_t)(stop - text), "f:1",
                                 &msg));
        text = stop + 1;
    }
    FUZZ_CHECK(!import_end(im, "f", &msg));
    import_close(im);
    return 0;
}
