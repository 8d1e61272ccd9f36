#include "viz/docx.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <string.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define WORD "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006/"
#define TYPE "application/vnd.openxmlformats-officedocument.wordprocessingml."

static const char types[] = HEAD
    "<Types xmlns=\"" PACKAGE "content-types\">"
    "<Default Extension=\"rels\" ContentType=\"application/vnd."
    "openxmlformats-package.relationships+xml\"/>"
    "<Override PartName=\"/word/document.xml\" ContentType=\"" TYPE
    "document.main+xml\"/>"
    "<Override PartName=\"/word/styles.xml\" ContentType=\"" TYPE
    "styles+xml\"/>"
    "<Override PartName=\"/word/comments.xml\" ContentType=\"" TYPE
    "comments+xml\"/></Types>\n";

static const char package_links[] = HEAD
    "<Relationships xmlns=\"" PACKAGE "relationships\">"
    "<Relationship Id=\"r1\" Type=\"" OFFICE "relationships/officeDocument\" "
    "Target=\"word/document.xml\"/></Relationships>\n";

static const char document_links[] = HEAD
    "<Relationships xmlns=\"" PACKAGE "relationships\">"
    "<Relationship Id=\"r1\" Type=\"" OFFICE "relationships/styles\" "
    "Target=\"styles.xml\"/>"
    "<Relationship Id=\"r2\" Type=\"" OFFICE "relationships/comments\" "
    "Target=\"comments.xml\"/></Relationships>\n";

static const char styles[] = HEAD
    "<w:styles xmlns:w=\"" WORD "\"><w:docDefaults><w:rPrDefault><w:rPr>"
    "<w:rFonts w:ascii=\"Georgia\" w:hAnsi=\"Georgia\" w:cs=\"Georgia\"/>"
    "<w:sz w:val=\"22\"/><w:lang w:val=\"en-GB\"/></w:rPr></w:rPrDefault>"
    "<w:pPrDefault><w:pPr><w:spacing w:after=\"160\" w:line=\"276\" "
    "w:lineRule=\"auto\"/></w:pPr></w:pPrDefault></w:docDefaults>"
    "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\">"
    "<w:name w:val=\"Normal\"/></w:style></w:styles>\n";

/* libarchive's callback, whose 0 is success for open and close. */
static la_ssize_t put(struct archive *a, void *ud, const void *bytes,
                      size_t n)
{
    (void)a;
    str_put(ud, bytes, n);
    return str_ok(ud) ? (la_ssize_t)n : -1;
}

static int add(struct archive *a, const char *name, const char *p, size_t n)
{
    struct archive_entry *e = archive_entry_new();
    int ok;

    if (!e)
        return 0;
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, (la_int64_t)n);
    ok = archive_write_header(a, e) == ARCHIVE_OK &&
         archive_write_data(a, p, n) == (la_ssize_t)n;
    archive_entry_free(e);
    return ok;
}

static int add_text(struct archive *a, const char *name, const char *text)
{
    return add(a, name, text, strlen(text));
}

static int add_parts(struct archive *a, const struct str *document,
                     const struct str *comments)
{
    return add_text(a, "[Content_Types].xml", types) &&
           add_text(a, "_rels/.rels", package_links) &&
           add(a, "word/document.xml", document->p, document->len) &&
           add_text(a, "word/_rels/document.xml.rels", document_links) &&
           add_text(a, "word/styles.xml", styles) &&
           add(a, "word/comments.xml", comments->p, comments->len);
}

enum sor_err docx_pack(const struct str *body, const struct str *comments,
                       struct str *out, struct sor_msg *msg)
{
    struct archive *a = archive_write_new();
    struct str d, c;
    int ok = a != NULL;

    str_init(&d);
    str_init(&c);
    str_printf(&d, HEAD "<w:document xmlns:w=\"" WORD "\"><w:body>%s"
               "</w:body></w:document>\n", body->p);
    str_printf(&c, HEAD "<w:comments xmlns:w=\"" WORD "\">%s</w:comments>\n",
               comments->p);
    ok = ok && str_ok(body) && str_ok(comments) && str_ok(&d) && str_ok(&c) &&
         archive_write_set_format_zip(a) == ARCHIVE_OK &&
         archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
         archive_write_open(a, out, NULL, put, NULL) == ARCHIVE_OK &&
         add_parts(a, &d, &c) && archive_write_close(a) == ARCHIVE_OK;
    archive_write_free(a);
    str_release(&c);
    str_release(&d);
    return ok ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory for a Word "
                                  "file");
}
