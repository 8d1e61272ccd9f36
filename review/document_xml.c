#include "review/document_docx.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 512 };

struct reader {
    const struct xml_handler *h;
    XML_Parser parser;
    int depth, too_deep, has_doctype;
};

/* Expat writes "namespace name" in one string. */
static const char *local(const char *name)
{
    const char *blank = strrchr(name, ' ');

    return blank ? blank + 1 : name;
}

static void XMLCALL on_start(void *ud, const char *name, const char **attr)
{
    struct reader *r = ud;

    if (++r->depth > DEEPEST) {
        r->too_deep = 1;
        XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    r->h->start(r->h->ud, local(name), attr);
}

static void XMLCALL on_end(void *ud, const char *name)
{
    struct reader *r = ud;

    r->depth--;
    r->h->end(r->h->ud, local(name));
}

static void XMLCALL on_text(void *ud, const char *s, int n)
{
    struct reader *r = ud;

    if (r->h->text)
        r->h->text(r->h->ud, s, (size_t)n);
}

static void XMLCALL on_doctype(void *ud, const char *name, const char *system,
                               const char *public, int has_subset)
{
    struct reader *r = ud;

    (void)name, (void)system, (void)public, (void)has_subset;
    r->has_doctype = 1;
    XML_StopParser(r->parser, XML_FALSE);
}

enum sor_err xml_read(const char *name, const char *part,
                      const struct str *bytes, const struct xml_handler *h,
                      struct sor_msg *msg)
{
    struct reader r = { .h = h, .parser = XML_ParserCreateNS(NULL, ' ') };
    enum sor_err err = SOR_OK;

    if (!r.parser)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    if (XML_Parse(r.parser, bytes->p, (int)bytes->len, 1) == XML_STATUS_ERROR)
        err = r.too_deep
            ? sor_fail(msg, SOR_LIMIT, "%s: %s nests more than %d deep", name,
                       part, DEEPEST)
            : r.has_doctype
            ? sor_fail(msg, SOR_FORMAT, "%s: %s has a document type "
                       "declaration, which a DOCX may not", name, part)
            : sor_fail(msg, SOR_FORMAT, "%s: %s, byte %ld: %s", name, part,
                       (long)XML_GetCurrentByteIndex(r.parser),
                       XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    return err;
}

const char *xml_attr(const char **attr, const char *name)
{
    for (; *attr; attr += 2)
        if (strcmp(local(attr[0]), name) == 0)
            return attr[1];
    return NULL;
}

int xml_attr_int(const char **attr, const char *name, int absent)
{
    const char *s = xml_attr(attr, name);
    char *end;
    long value;

    if (!s)
        return absent;
    value = strtol(s, &end, 10);
    return end > s && *end == '\0' && value >= 0 && value <= 99999
        ? (int)value : absent;
}

int xml_attr_on(const char **attr)
{
    const char *s = xml_attr(attr, "val");

    return !s || strcmp(s, "1") == 0 || strcmp(s, "true") == 0 ||
           strcmp(s, "on") == 0;
}
