/* tests/xml.h - is this text well-formed XML?  Enough of it for SVG: tags
 * nest, attributes are quoted and unique in their tag, entities are the five
 * named ones or numbers, characters are those that XML allows.
 * Source: XML 1.0 (fifth edition). */
#ifndef TESTS_XML_H
#define TESTS_XML_H

#include <stddef.h>

struct xml { char fault[160]; };        /* what is wrong, and where */

/* 0, or -1 with x->fault. */
int xml_check(const char *s, size_t n, struct xml *x);

/* Occurrences of needle in the NUL-terminated text. */
int xml_count(const char *text, const char *needle);

#endif
