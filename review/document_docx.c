/* review/document_docx.c - the text of a DOCX.
 *
 * A DOCX is a ZIP of XML parts.  Three are read: the text, its numbering and
 * its styles; headers, footers, notes and comments are parts of their own and
 * stay out, and so does what is drawn or was deleted under tracked changes. */
#include "review/document_docx.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/mem.h"

/* A ZIP from a stranger: no part may unpack to more than a document may have,
 * and a list of names that does not end is refused. */
enum { ENTRIES_MAX = 10000 };

/* --- the ZIP -------------------------------------------------------------- */

struct parts { struct str document, numbering, styles; };

static struct str *part_named(struct parts *p, const char *path)
{
    if (!path)
        return NULL;
    if (strcmp(path, "word/numbering.xml") == 0)
        return &p->numbering;
    if (strcmp(path, "word/styles.xml") == 0)
        return &p->styles;
    /* Word for the web writes word/document2.xml */
    return strncmp(path, "word/document", 13) == 0 &&
           strchr(path + 13, '/') == NULL && strlen(path) >= 17 &&
           strcmp(path + strlen(path) - 4, ".xml") == 0 ? &p->document : NULL;
}

static enum sor_err unpack(const char *name, const char *path,
                           struct archive *a, struct str *out,
                           struct sor_msg *msg)
{
    char buf[1 << 15];
    la_ssize_t got;

    while ((got = archive_read_data(a, buf, sizeof buf)) > 0) {
        str_put(out, buf, (size_t)got);
        if (!str_ok(out))
            return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
        if (out->len > DOCUMENT_MAX_BYTES)
            return sor_fail(msg, SOR_LIMIT, "%s: %s unpacks to more than %d "
                            "MiB", name, path, DOCUMENT_MAX_BYTES >> 20);
    }
    if (got < 0)
        return sor_fail(msg, SOR_FORMAT, "%s: %s: %s", name, path,
                        archive_error_string(a) ? archive_error_string(a)
                                                : "damaged");
    return SOR_OK;
}

static enum sor_err read_parts(const char *name, struct archive *a,
                               struct parts *p, struct sor_msg *msg)
{
    struct archive_entry *entry;
    enum sor_err err = SOR_OK;
    int n = 0, status;

    while (!err && (status = archive_read_next_header(a, &entry)) ==
                   ARCHIVE_OK) {
        const char *path = archive_entry_pathname(entry);
        struct str *part = part_named(p, path);

        if (++n > ENTRIES_MAX)
            return sor_fail(msg, SOR_LIMIT, "%s: over %d files in it", name,
                            ENTRIES_MAX);
        if (part && part->len == 0)
            err = unpack(name, path, a, part, msg);
    }
    if (!err && p->document.len == 0)
        return n && status == ARCHIVE_EOF
            ? sor_fail(msg, SOR_FORMAT, "%s: a ZIP archive without "
                       "word/document.xml, so no DOCX", name)
            : sor_fail(msg, SOR_FORMAT, "%s: a damaged ZIP archive: %s", name,
                       archive_error_string(a) ? archive_error_string(a)
                                               : "nothing in it");
    return err;
}

/* --- the text ------------------------------------------------------------- */

struct walk {
    struct numbering *numbering;
    struct str *out;
    struct str paragraph;       /* this one's text so far */
    char *style;
    int num_id, level;          /* -1: not given */
    int skip;                   /* elements deep in what is left out; 0 */
    int in_paragraph_properties, in_row_properties, in_text;
    int in_table;               /* tables deep */
    int mark_deleted;           /* the paragraph runs on into the next */
    int row_deleted;
    int changed;                /* somebody tracked changes of the words */
    size_t row;                 /* where in out the row begins */
    int no_memory;
};

/* Drawn, deleted, the old state of a change, a copy for older programs. */
static int is_left_out(const char *name)
{
    static const char *const names[] = {
        "del", "moveFrom", "drawing", "pict", "object", "txbxContent",
        "Fallback", "pPrChange", "rPrChange", "tblPrChange", "trPrChange",
        "tcPrChange", "sectPrChange", "numberingChange", "instrText",
        "delText", "delInstrText",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* Words put in, taken out or moved by a change that is still tracked. */
static int is_change(const char *name)
{
    return strcmp(name, "ins") == 0 || strcmp(name, "del") == 0 ||
           strcmp(name, "moveFrom") == 0 || strcmp(name, "moveTo") == 0;
}

static void begin_paragraph(struct walk *w)
{
    if (!w->mark_deleted)
        str_clear(&w->paragraph);
    w->mark_deleted = 0;
    mem_free(w->style);
    w->style = NULL;
    w->num_id = w->level = -1;
}

static void properties(struct walk *w, const char *name, const char **attr)
{
    if (strcmp(name, "pStyle") == 0 && !w->style) {
        const char *style = xml_attr(attr, "val");

        w->style = style ? mem_strdup(style) : NULL;
        w->no_memory |= style && !w->style;
    } else if (strcmp(name, "ilvl") == 0) {
        w->level = xml_attr_int(attr, "val", -1);
    } else if (strcmp(name, "numId") == 0) {
        w->num_id = xml_attr_int(attr, "val", -1);
    }
}

/* Signs that are elements. */
static void sign(struct walk *w, const char *name)
{
    static const struct { const char *name, *sign; } signs[] = {
        { "tab", "\t" }, { "br", "\n" }, { "cr", "\n" },
        { "noBreakHyphen", "-" },
    };

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strcmp(name, signs[i].name) == 0)
            str_puts(&w->paragraph, signs[i].sign);
}

static void on_start(void *ud, const char *name, const char **attr)
{
    struct walk *w = ud;

    w->changed |= is_change(name);
    if (w->skip) {
        w->skip++;
    } else if (is_left_out(name)) {
        w->skip = 1;
        if (strcmp(name, "del") == 0) {     /* of a mark, of a row */
            w->mark_deleted |= w->in_paragraph_properties;
            w->row_deleted |= w->in_row_properties;
        }
    } else if (strcmp(name, "p") == 0) {
        begin_paragraph(w);
    } else if (strcmp(name, "pPr") == 0) {
        w->in_paragraph_properties = 1;
    } else if (strcmp(name, "trPr") == 0) {
        w->in_row_properties = 1;
    } else if (strcmp(name, "tbl") == 0) {
        w->in_table++;
    } else if (strcmp(name, "tr") == 0 && w->in_table == 1) {
        w->row = w->out->len;
        w->row_deleted = 0;
    } else if (w->in_paragraph_properties) {
        properties(w, name, attr);
    } else if (strcmp(name, "t") == 0) {
        w->in_text = 1;
    } else {
        sign(w, name);
    }
}

static void end_paragraph(struct walk *w)
{
    if (w->mark_deleted)
        return;
    numbering_next(w->numbering, w->style, w->num_id, w->level, w->out);
    str_put(w->out, w->paragraph.p, w->paragraph.len);
    str_puts(w->out, w->in_table ? "\n" : "\n\n");
}

static void cut(struct str *s, size_t len)
{
    if (s->len > len) {
        s->len = len;
        s->p[len] = '\0';
    }
}

static void on_end(void *ud, const char *name)
{
    struct walk *w = ud;

    if (w->skip) {
        w->skip--;
    } else if (strcmp(name, "p") == 0) {
        end_paragraph(w);
    } else if (strcmp(name, "pPr") == 0) {
        w->in_paragraph_properties = 0;
    } else if (strcmp(name, "trPr") == 0) {
        w->in_row_properties = 0;
    } else if (strcmp(name, "t") == 0) {
        w->in_text = 0;
    } else if (strcmp(name, "tc") == 0) {   /* cells side by side in a line */
        if (w->out->len && w->out->p[w->out->len - 1] == '\n')
            w->out->p[w->out->len - 1] = '\t';
    } else if (strcmp(name, "tr") == 0) {
        if (w->row_deleted)
            cut(w->out, w->row);
        else if (w->out->len && w->out->p[w->out->len - 1] == '\t')
            w->out->p[w->out->len - 1] = '\n';
    } else if (strcmp(name, "tbl") == 0) {
        w->in_table--;
        str_puts(w->out, w->in_table ? "" : "\n");
    }
}

static void on_text(void *ud, const char *s, size_t n)
{
    struct walk *w = ud;

    if (w->in_text && !w->skip)
        str_put(&w->paragraph, s, n);
}

static enum sor_err write_text(struct document *d, struct parts *p,
                               struct str *out, struct sor_msg *msg)
{
    const char *name = d->name;
    struct walk w = { .out = out, .num_id = -1, .level = -1 };
    const struct xml_handler h = { &w, on_start, on_end, on_text };
    enum sor_err err = numbering_open(name, &p->numbering, &p->styles,
                                      &w.numbering, msg);

    if (err)
        return err;
    str_init(&w.paragraph);
    err = xml_read(name, "word/document.xml", &p->document, &h, msg);
    if (w.mark_deleted) {       /* nothing follows to run on into */
        w.mark_deleted = 0;
        end_paragraph(&w);
    }
    if (!err && (w.no_memory || !str_ok(&w.paragraph) || !str_ok(out)))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    if (w.changed)
        d->encoding = DOCUMENT_ACCEPTED;
    str_release(&w.paragraph);
    mem_free(w.style);
    numbering_close(w.numbering);
    return err;
}

enum sor_err document_docx(struct document *d, const void *bytes, size_t n,
                           struct str *out, struct sor_msg *msg)
{
    const char *name = d->name;
    struct archive *a = archive_read_new();
    struct parts p;
    enum sor_err err;

    if (!a)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    str_init(&p.document);
    str_init(&p.numbering);
    str_init(&p.styles);
    if (archive_read_support_format_zip(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, bytes, n) != ARCHIVE_OK)
        err = sor_fail(msg, SOR_FORMAT, "%s: %s", name,
                       archive_error_string(a));
    else
        err = read_parts(name, a, &p, msg);
    if (!err)
        err = write_text(d, &p, out, msg);
    archive_read_free(a);
    str_release(&p.document);
    str_release(&p.numbering);
    str_release(&p.styles);
    return err;
}
