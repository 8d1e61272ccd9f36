/* cli/sqlout.h - the rows of a query as a table, JSON Lines, CSV or
 * Markdown. */
#ifndef CLI_SQLOUT_H
#define CLI_SQLOUT_H

#include <stdio.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "db/sql.h"

enum sqlout_mode { SQLOUT_TABLE, SQLOUT_JSON, SQLOUT_CSV, SQLOUT_MARKDOWN,
                   SQLOUT_MODES };

/* "table", "json" ... */
extern const char *const sqlout_modes[SQLOUT_MODES];

struct sqlout {
    struct cli *cli;            /* msg receives what fails */
    FILE *to;
    enum sqlout_mode mode;
    int on_terminal;
    FILE *pager;                /* in the place of `to` while it is there */
    int left;                   /* its reader went before the last row */
    struct table table;
    struct str line, key;       /* key: the names, each with its NUL */
    int n_key;
};

void sqlout_init(struct sqlout *o, struct cli *cli, FILE *to,
                 enum sqlout_mode mode);
void sqlout_release(struct sqlout *o);
/* A sink that prints to o, which must outlive it. */
struct sql_sink sqlout_sink(struct sqlout *o);
/* Where the next rows go: to, or where that is a terminal a pager before it,
 * which sqlout_end() closes. */
FILE *sqlout_page(struct sqlout *o);
/* Text on its own, behind what was printed: a schema, say. */
enum sor_err sqlout_text(struct sqlout *o, const char *s, size_t n,
                         const char *end);
/* Prints what is held back to be aligned; after each query, failed or not. */
enum sor_err sqlout_end(struct sqlout *o);

#endif
