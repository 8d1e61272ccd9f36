/* tui/edit.c - files of the moment, and the user's editor on them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/job.h"
#include "tui/state.h"

enum { EDITED_MAX = 1 << 16 };

int tui_temp(struct tui *t, const char *leaf, char *out, size_t cap)
{
    const char *base = getenv("TMPDIR");

    if (!t->temp[0]) {
        int n = snprintf(t->temp, sizeof t->temp, "%s/sorites-XXXXXX",
                         base && *base ? base : "/tmp");

        if (n >= (int)sizeof t->temp || !mkdtemp(t->temp)) {
            tui_say(t, "No folder for files: %s.", strerror(errno));
            t->temp[0] = '\0';
            return 0;
        }
    }
    snprintf(out, cap, "%s/%d-%s", t->temp, ++t->n_temp, leaf);
    return 1;
}

/* Its files have gone with what they were for. */
void tui_temp_remove(struct tui *t)
{
    if (t->temp[0])
        rmdir(t->temp);
}

void tui_edit(struct tui *t, const struct tui_edit *e)
{
    t->edit = *e;
}

int tui_wants_edit(const struct tui *t)
{
    return t->edit.path[0] != '\0';
}

void tui_edit_now(struct tui *t)
{
    struct tui_edit e = t->edit;
    static char text[EDITED_MAX];
    size_t n = 0;
    int failed;
    FILE *f;

    t->edit.path[0] = '\0';
    t->repaint = 1;
    failed = job_edit(e.path);
    f = failed ? NULL : fopen(e.path, "r");
    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
    }
    unlink(e.path);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\0'))
        n--;
    text[n] = '\0';
    if (!f)
        tui_say(t, "The editor did not end well; nothing was changed. "
                "$EDITOR names another.");
    else if (strlen(text) == n)
        e.done(tui_top(t), e.about, text);
    else
        tui_say(t, "That file holds a NUL; nothing was changed.");
}
