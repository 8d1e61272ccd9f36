/* A DOCX.  The first byte says what the others are: the archive, or one part
 * of an archive that is otherwise sound (checksums keep a fuzzer out). */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "review/document.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkzip.h"

static void read_it(const void *bytes, size_t n)
{
    struct document *d = NULL;
    struct sor_msg msg = { "" };

    if (document_from("fuzz", bytes, n, &d, &msg)) {
        FUZZ_CHECK(strncmp(msg.text, "fuzz: ", 6) == 0);
        return;
    }
    FUZZ_CHECK(utf8_valid(d->text, d->n_byte));
    FUZZ_CHECK(!memchr(d->text, '\0', d->n_byte));
    document_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct mkzip_part part[MKZIP_DOCX];
    struct str zip;
    char *text;

    if (n == 0)
        return 0;
    if (p[0] % (MKZIP_DOCX + 1) == 0) {
        if (n > 4 && memcmp(p + 1, "%PDF", 4) != 0)     /* starts a child */
            read_it(p + 1, n - 1);
        return 0;
    }
    memcpy(part, mkzip_docx, sizeof part);
    text = mem_strndup((const char *)p + 1, n - 1);
    FUZZ_CHECK(text != NULL);
    part[p[0] % (MKZIP_DOCX + 1) - 1].text = text;
    str_init(&zip);
    FUZZ_CHECK(!mkzip(part, MKZIP_DOCX, &zip));
    read_it(zip.p, zip.len);
    str_release(&zip);
    mem_free(text);
    return 0;
}
