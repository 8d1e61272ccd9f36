/* db/schema_doc.h - docs/schema.md, written from a database: its tables and
 * views with their columns, and the comments that stand in the SQL. */
#ifndef DB_SCHEMA_DOC_H
#define DB_SCHEMA_DOC_H

#include "base/str.h"
#include "db/db.h"

/* Appends the page, Markdown, to out. */
enum sor_err schema_doc(struct db *d, struct str *out, struct sor_msg *msg);

#endif
