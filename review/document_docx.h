/* review/document_docx.h - between the files that read a DOCX.
 *
 * Source of the names and of what they mean: ECMA-376, part 1, section 17
 * (WordprocessingML). */
#ifndef REVIEW_DOCUMENT_DOCX_H
#define REVIEW_DOCUMENT_DOCX_H

#include "base/str.h"
#include "review/document_impl.h"

/* --- XML (document_xml.c) ------------------------------------------------- */

/* Names come without their namespace.  attr: name, value, ..., NULL, with
 * namespaces; xml_attr() looks one up. */
struct xml_handler {
    void *ud;
    void (*start)(void *ud, const char *name, const char **attr);
    void (*end)(void *ud, const char *name);
    void (*text)(void *ud, const char *s, size_t n);    /* NULL: ignored */
};

/* Reads one part of a DOCX.  SOR_FORMAT: not well-formed, or with a document
 * type declaration, which no part has and entity bombs need; SOR_LIMIT: nested
 * over 512 deep. */
enum sor_err xml_read(const char *name, const char *part,
                      const struct str *bytes, const struct xml_handler *h,
                      struct sor_msg *msg);
/* The value of the attribute with this local name; NULL: absent. */
const char *xml_attr(const char **attr, const char *name);
/* The same as a number within [0, 99999]; `absent` where it is none. */
int xml_attr_int(const char **attr, const char *name, int absent);
/* An on/off property: absent value, "1", "true", "on" are on. */
int xml_attr_on(const char **attr);

/* --- numbers that Word makes (document_numbering.c) ----------------------- */

struct numbering;

/* Reads word/numbering.xml and word/styles.xml; either may be empty.  SOR_*
 * as xml_read(). */
enum sor_err numbering_open(const char *name, const struct str *numbering,
                            const struct str *styles, struct numbering **out,
                            struct sor_msg *msg);
void numbering_close(struct numbering *n);      /* accepts NULL */

/* Counts one paragraph with this style (NULL: none) and w:numPr (num_id -1,
 * level -1: not given) and appends the number that Word shows before it, with
 * a blank after it; nothing where it shows none. */
void numbering_next(struct numbering *n, const char *style, int num_id,
                    int level, struct str *out);

#endif
