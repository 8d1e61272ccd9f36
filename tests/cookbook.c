#include "tests/cookbook.h"

#include <stdio.h>
#include <string.h>

#include "tests/mkdb.h"

int cookbook_read(const char *page, struct cookbook *to)
{
    FILE *f = fopen(page, "r");
    char line[400];
    int n = 0, in_sql = 0;

    if (!f)
        return -1;
    while (n >= 0 && fgets(line, sizeof line, f)) {
        struct cookbook *c = &to[n ? n - 1 : 0];

        if (strncmp(line, "### ", 4) == 0) {
            if (n == COOKBOOK_MAX) {
                n = -1;
                break;
            }
            c = &to[n++];
            snprintf(c->title, sizeof c->title, "%.*s",
                     (int)strcspn(line + 4, "\n"), line + 4);
            c->sql[0] = '\0';
        } else if (n && !c->sql[0] && strcmp(line, "```sql\n") == 0) {
            in_sql = 1;
        } else if (strcmp(line, "```\n") == 0) {
            in_sql = 0;
        } else if (in_sql && strlen(c->sql) + strlen(line) < sizeof c->sql) {
            strcat(c->sql, line);
        } else if (in_sql) {
            n = -1;
        }
    }
    fclose(f);
    return n;
}

enum sor_err cookbook_db(const char *path, int n_run, int n_token,
                         struct sor_msg *msg)
{
    struct mkdb_opts asked = { .n_run = 2, .n_token = n_token, .heads = 1 };
    struct mkdb_opts rest = { .n_run = n_run - 2, .first = 2,
                              .n_token = n_token, .every = 10,
                              .unfinished = 1 };
    enum sor_err err = mkdb(path, &asked, msg);

    return err ? err : mkdb(path, &rest, msg);
}
