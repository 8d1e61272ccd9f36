/* cli/sqlshell.h - the shell of `sorites sql`: statements and dot commands.
 *
 * At a terminal it edits lines, keeps a history in the XDG state folder and
 * completes names; from a file or a pipe it reads a script, of which the
 * first failed statement is the last. */
#ifndef CLI_SQLSHELL_H
#define CLI_SQLSHELL_H

#include "cli/cli.h"
#include "cli/sqlout.h"

struct sqlshell {
    struct cli *cli;
    struct sql *sql;
    struct sqlout out;
    const char *path;           /* of the database */
    int write;
    double seconds;             /* what a query may take, to tell it */
};

/* Runs text and prints its rows. */
enum sor_err sqlshell_query(struct sqlshell *sh, const char *text);
/* Reads statements from stdin to its end or .quit. */
enum sor_err sqlshell_run(struct sqlshell *sh);

#endif
