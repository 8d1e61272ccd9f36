#include "review/document.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "review/document_impl.h"

/* A document and what it is pointed into with: the number of code points
 * before every INDEX_BYTES-th byte. */
struct indexed {
    struct document doc;    /* first: the caller's pointer is ours */
    size_t *cp_before;      /* [n_byte / INDEX_BYTES + 1] */
};
enum { INDEX_BYTES = 512 };

/* --- what kind of file ---------------------------------------------------- */

static int begins(const uint8_t *p, size_t n, const char *magic, size_t len)
{
    return n >= len && memcmp(p, magic, len) == 0;
}

/* Files that have text in them but are not ours to read. */
static enum sor_err refuse_known(const char *name, const uint8_t *p, size_t n,
                                 struct sor_msg *msg)
{
    static const struct { const char *magic; size_t len; const char *what; }
    known[] = {
        { "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8,
          "an old Word file (.doc); save it as .docx or PDF" },
        { "{\\rtf", 5, "rich text (.rtf); save it as .docx or PDF" },
        { "\x1F\x8B", 2, "compressed with gzip; unpack it first" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins(p, n, known[i].magic, known[i].len))
            return sor_fail(msg, SOR_UNSUP, "%s: is %s", name, known[i].what);
    return SOR_OK;
}

/* A heading line ("# Terms" and an empty line after it), which no other kind
 * of text has. */
static int is_markdown(const char *s)
{
    while (s && *s) {
        size_t level = strspn(s, "#");
        const char *end = strchr(s, '\n');

        if (level >= 1 && level <= 6 && s[level] == ' ' &&
            (!end || end[1 + strspn(end + 1, " \t\r")] == '\n'))
            return 1;
        s = end ? end + 1 : NULL;
    }
    return 0;
}

static enum sor_err read_text(struct document *d, const uint8_t *p, size_t n,
                              struct str *text, struct sor_msg *msg)
{
    d->encoding = "UTF-8";
    if (begins(p, n, "%PDF-", 5)) {
        d->format = DOCUMENT_PDF;
        return document_pdf(d->name, p, n, text, msg);
    }
    if (begins(p, n, "PK\3\4", 4)) {
        d->format = DOCUMENT_DOCX;
        return document_docx(d, p, n, text, msg);
    }
    enum sor_err err = refuse_known(d->name, p, n, msg);
    if (!err)
        err = document_decode(d->name, p, n, text, &d->encoding, msg);
    if (!err && text->len && is_markdown(text->p))
        d->format = DOCUMENT_MARKDOWN;
    return err;
}

/* --- pages and places ----------------------------------------------------- */

/* A form feed ends a page; what follows the last one, if anything, is a page
 * too. */
static int find_pages(struct document *d)
{
    size_t n = 1;

    for (size_t i = 0; i + 1 < d->n_byte; i++)
        n += d->text[i] == '\f';
    if (n == 1 && d->format != DOCUMENT_PDF)
        return 0;
    d->page = mem_calloc(n, sizeof *d->page);
    if (!d->page)
        return -1;
    d->n_page = 1;
    for (size_t i = 0; i + 1 < d->n_byte; i++)
        if (d->text[i] == '\f')
            d->page[d->n_page++] = i + 1;
    return 0;
}

static int starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int index_characters(struct indexed *x)
{
    struct document *d = &x->doc;

    x->cp_before = mem_calloc(d->n_byte / INDEX_BYTES + 1,
                              sizeof *x->cp_before);
    if (!x->cp_before)
        return -1;
    for (size_t i = 0; i < d->n_byte; i++) {
        if (i % INDEX_BYTES == 0)
            x->cp_before[i / INDEX_BYTES] = d->n_char;
        d->n_char += (size_t)starts_character(d->text[i]);
    }
    if (d->n_byte % INDEX_BYTES == 0)
        x->cp_before[d->n_byte / INDEX_BYTES] = d->n_char;
    return 0;
}

size_t document_cp(const struct document *d, size_t at)
{
    const struct indexed *x = (const struct indexed *)d;
    size_t i = at / INDEX_BYTES * INDEX_BYTES;
    size_t cp = x->cp_before[at / INDEX_BYTES];

    for (; i < at; i++)
        cp += (size_t)starts_character(d->text[i]);
    return cp;
}

size_t document_byte(const struct document *d, size_t cp)
{
    const struct indexed *x = (const struct indexed *)d;
    size_t low = 0, high = d->n_byte / INDEX_BYTES;

    while (low < high) {        /* the last block that starts at or before */
        size_t mid = (low + high + 1) / 2;

        if (x->cp_before[mid] <= cp)
            low = mid;
        else
            high = mid - 1;
    }
    size_t at = low * INDEX_BYTES, left = cp - x->cp_before[low];
    for (; at < d->n_byte; at++) {
        if (!starts_character(d->text[at]))
            continue;
        if (left == 0)
            break;
        left--;
    }
    return at;
}

int document_page(const struct document *d, size_t at)
{
    int low = 0, high = d->n_page;

    while (low < high) {        /* pages that start at or before `at` */
        int mid = low + (high - low) / 2;

        if (d->page[mid] <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* --- opening -------------------------------------------------------------- */

enum sor_err document_from(const char *name, const void *bytes, size_t n,
                           struct document **out, struct sor_msg *msg)
{
    struct str text;
    struct indexed *x = mem_calloc(1, sizeof *x);
    enum sor_err err;

    if (!x)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    str_init(&text);
    x->doc.name = mem_strdup(name);
    if (!x->doc.name)
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    else if (n > DOCUMENT_MAX_BYTES)
        err = sor_fail(msg, SOR_LIMIT, "%s: %zu bytes; a document may have "
                       "%d MiB", name, n, DOCUMENT_MAX_BYTES >> 20);
    else
        err = read_text(&x->doc, bytes, n, &text, msg);
    if (err)
        goto fail;
    x->doc.text = mem_strndup(text.p, text.len);
    x->doc.n_byte = text.len;
    if (!str_ok(&text) || !x->doc.text || find_pages(&x->doc) ||
        index_characters(x)) {
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory for %zu bytes of "
                       "text", name, text.len);
        goto fail;
    }
    sha256_bytes(bytes, n, x->doc.sha256);
    str_release(&text);
    *out = &x->doc;
    return SOR_OK;
fail:
    str_release(&text);
    document_close(&x->doc);
    return err;
}

void document_close(struct document *d)
{
    struct indexed *x = (struct indexed *)d;

    if (!d)
        return;
    mem_free(x->cp_before);
    mem_free(d->page);
    mem_free(d->text);
    mem_free(d->name);
    mem_free(x);
}

/* One byte more than the limit, at most: enough to know that it is over. */
static enum sor_err slurp(const char *path, int fd, struct str *s,
                          struct sor_msg *msg)
{
    char buf[1 << 15];
    ssize_t got;

    while (s->len <= DOCUMENT_MAX_BYTES && str_ok(s)) {
        got = read(fd, buf, sizeof buf);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sor_fail(msg, SOR_IO, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        str_put(s, buf, (size_t)got);
    }
    if (!str_ok(s))
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    return SOR_OK;
}

enum sor_err document_open(const char *path, struct document **out,
                           struct sor_msg *msg)
{
    const int is_stdin = strcmp(path, "-") == 0;
    struct str bytes;
    struct stat st;
    enum sor_err err;
    int fd = 0;

    if (!is_stdin) {    /* a FIFO without a writer must not hang us */
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0) {
            err = sor_fail(msg, SOR_IO, "%s: %s", path, strerror(errno));
            goto done;
        }
        if (!S_ISREG(st.st_mode)) {
            err = sor_fail(msg, SOR_IO, "%s: is no regular file; give \"-\" "
                           "for standard input", path);
            goto done;
        }
    }
    str_init(&bytes);
    err = slurp(path, fd, &bytes, msg);
    if (!err)
        err = document_from(path, bytes.p, bytes.len, out, msg);
    str_release(&bytes);
done:
    if (!is_stdin && fd >= 0)
        close(fd);
    return err;
}
