/* cli/table.h - rows in aligned columns, for `runs` and `sql`.
 *
 * Cells are kept until table_print(), which measures them: on a terminal the
 * widest columns are cut until a row fits, elsewhere nothing is, and a number
 * never: a row with one too long is wider.  Outside text is made safe as it
 * comes in. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#include "base/str.h"
#include "cli/cli.h"

enum { TABLE_COLUMNS = 256 };           /* a wider result is cut to this */

enum { TABLE_RIGHT = 1, TABLE_DIM = 2 };    /* of a cell */

struct table_cell { size_t at, n; int width, flags; };

struct table {
    int n_column, n_head;               /* cells 0..n_head-1: the names */
    struct str text;
    struct table_cell *cell;
    size_t n_cell, cap_cell;
    int width[TABLE_COLUMNS];           /* after table_print() */
    int digits[TABLE_COLUMNS];          /* width of the longest number */
    int most[TABLE_COLUMNS];            /* never wider; 0: as needed */
    int firm[TABLE_COLUMNS];            /* cut last where there is no room */
    int columns;                        /* the room; 0: as `to` has */
    int printed;                        /* rows of this table before */
    int failed;                         /* out of memory: see table_print() */
};

/* Names are copied. */
void table_init(struct table *t, int n_column, const char *const *name);
void table_release(struct table *t);            /* a zeroed one is fine */
/* Columns of the terminal that `to` writes on; 0: it is none. */
int table_room(FILE *to);
/* The next cell, left to right, row by row. */
void table_put(struct table *t, const char *s, size_t n, int flags);
/* Prints the names (the first time) and the rows, and forgets the rows.  Later
 * calls go on with the widths of the first, or wider ones where no room is set
 * or a number needs it.  SOR_NOMEM. */
enum sor_err table_print(struct table *t, const struct cli *cli, FILE *to,
                         struct sor_msg *msg);

#endif
