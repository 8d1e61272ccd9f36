#include "tui/keyfile.h"

#include <stdio.h>
#include <string.h>

#include "tui/keys.h"

enum { LINE_BYTES = 200 };

static enum sor_err one_line(struct keyfile *k, char *line, const char *where,
                             struct sor_msg *msg)
{
    static const char blank[] = " \t\r\n";
    const char *name[2];
    int key[2];

    if (line[0] == '#' && strchr(blank, line[1] ? line[1] : ' '))
        return SOR_OK;
    for (int i = 0; i < 2; i++) {
        line += strspn(line, blank);
        name[i] = line;
        line += strcspn(line, blank);
        if (*line)
            *line++ = '\0';
        if (i == 0 && !*name[0])
            return SOR_OK;
        key[i] = keys_parse(name[i], strlen(name[i]));
        if (key[i] < 0)
            return sor_fail(msg, SOR_FORMAT, "%s: there is no key \"%s\"; a "
                            "line is \"KEY KEY\", as in \"C-n j\"", where,
                            name[i]);
    }
    if (k->n == KEYFILE_MAX)
        return sor_fail(msg, SOR_LIMIT, "%s: more than %d keys", where,
                        KEYFILE_MAX);
    k->from[k->n] = key[0];
    k->to[k->n++] = key[1];
    return SOR_OK;
}

enum sor_err keyfile_read(struct keyfile *k, const char *file,
                          struct sor_msg *msg)
{
    FILE *f = file ? fopen(file, "r") : NULL;
    char line[LINE_BYTES], where[300];
    enum sor_err err = SOR_OK;

    for (int n = 1; f && !err && fgets(line, sizeof line, f); n++) {
        snprintf(where, sizeof where, "%.280s:%d", file, n);
        err = one_line(k, line, where, msg);
    }
    if (f)
        fclose(f);
    return err;
}

int keyfile_key(const struct keyfile *k, int key)
{
    for (int i = 0; i < k->n; i++)
        if (k->from[i] == key)
            return k->to[i];
    return key;
}
