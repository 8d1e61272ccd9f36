#include "tui/kept.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/xdg.h"

static const char *const names[KEPT_KINDS] = { "search", "command", "filter",
                                               "mark", "theme" };

struct kept *kept_open(const char *file)
{
    struct kept *k = mem_calloc(1, sizeof *k);
    FILE *f = k && file ? fopen(file, "r") : NULL;
    char line[KEPT_BYTES + 16];

    while (f && fgets(line, sizeof line, f)) {
        char *text = strchr(line, '\t');

        line[strcspn(line, "\n")] = '\0';
        if (!text)
            continue;
        *text++ = '\0';
        for (int i = 0; i < KEPT_KINDS; i++)
            if (strcmp(line, names[i]) == 0)
                kept_add(k, (enum kept_kind)i, text);
    }
    if (f)
        fclose(f);
    return k;
}

int kept_save(const struct kept *k, const char *file)
{
    char part[1024];
    struct sor_msg msg;
    FILE *f;
    int bad;

    if (snprintf(part, sizeof part, "%s.%ld", file, (long)getpid()) >=
            (int)sizeof part || xdg_make_parent(file, &msg))
        return -1;
    f = fopen(part, "w");
    if (!f)
        return -1;
    fchmod(fileno(f), 0600);
    for (int i = 0; i < KEPT_KINDS; i++)
        for (int j = 0; j < k->n[i]; j++)
            fprintf(f, "%s\t%s\n", names[i], k->line[i][j]);
    bad = ferror(f);
    bad |= fclose(f) != 0;
    if (bad || rename(part, file)) {
        unlink(part);
        return -1;
    }
    return 0;
}

int kept_drop(struct kept *k, enum kept_kind kind, const char *text)
{
    int n = k->n[kind];

    for (int i = 0; i < n; i++)
        if (strncmp(k->line[kind][i], text, KEPT_BYTES - 1) == 0) {
            memmove(k->line[kind][i], k->line[kind][i + 1],
                    (size_t)(n - 1 - i) * KEPT_BYTES);
            k->n[kind]--;
            return 1;
        }
    return 0;
}

void kept_add(struct kept *k, enum kept_kind kind, const char *text)
{
    char *to;

    if (!*text || strpbrk(text, "\n\r"))
        return;
    kept_drop(k, kind, text);
    if (k->n[kind] == KEPT_LINES)
        kept_drop(k, kind, k->line[kind][0]);
    to = k->line[kind][k->n[kind]++];
    snprintf(to, KEPT_BYTES, "%s", text);
}
