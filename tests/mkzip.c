/* tests/mkzip.c - see mkzip.h. */
#include "tests/mkzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

static la_ssize_t put(struct archive *a, void *out, const void *p, size_t n)
{
    (void)a;
    str_put(out, p, n);
    return str_ok(out) ? (la_ssize_t)n : -1;
}

static int add(struct archive *a, const struct mkzip_part *part)
{
    struct archive_entry *e = archive_entry_new();
    size_t n = strlen(part->text);
    int ok;

    archive_entry_set_pathname(e, part->name);
    archive_entry_set_size(e, (la_int64_t)n);
    archive_entry_set_filetype(e, 0100000);
    archive_entry_set_perm(e, 0644);
    ok = archive_write_header(a, e) == ARCHIVE_OK &&
         archive_write_data(a, part->text, n) == (la_ssize_t)n;
    archive_entry_free(e);
    return ok;
}

int mkzip(const struct mkzip_part *part, int n, struct str *out)
{
    struct archive *a = archive_write_new();
    int ok = a && archive_write_set_format_zip(a) == ARCHIVE_OK &&
             archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
             archive_write_open(a, out, NULL, put, NULL) == ARCHIVE_OK;

    for (int i = 0; i < n && ok; i++)
        ok = add(a, &part[i]);
    if (a && archive_write_close(a) != ARCHIVE_OK)
        ok = 0;
    archive_write_free(a);
    return ok ? 0 : -1;
}

const struct mkzip_part mkzip_docx[MKZIP_DOCX] = {
    { "word/styles.xml", "<w:styles " MKZIP_W ">"
      "<w:style w:styleId=\"A\"><w:pPr>"
      "<w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>"
      "</w:styles>" },
    { "word/numbering.xml", "<w:numbering " MKZIP_W "><w:abstractNum "
      "w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/>"
      "<w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.\"/></w:lvl>"
      "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/>"
      "</w:num></w:numbering>" },
    { "word/document.xml", "<w:document " MKZIP_W ">"
      "<w:body><w:p><w:pPr><w:pStyle "
      "w:val=\"A\"/></w:pPr><w:r><w:t>The parties agree.</w:t></w:r></w:p>"
      "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr>"
      "</w:tbl></w:body></w:document>" },
};
