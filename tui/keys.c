#include "tui/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
    int key;
    const char *name;           /* shown; the first of a key is its name */
} names[] = {
    { TK_TAB, "Tab" },          { TK_ENTER, "Enter" },
    { TK_ESC, "Esc" },          { ' ', "Space" },
    { TK_UP, "Up" },            { TK_DOWN, "Down" },
    { TK_LEFT, "Left" },        { TK_RIGHT, "Right" },
    { TK_PGUP, "PgUp" },        { TK_PGDN, "PgDn" },
    { TK_HOME, "Home" },        { TK_END, "End" },
    { TK_BACKSPACE, "Backspace" }, { TK_F1, "F1" },
    { TK_WHEEL_UP, "WheelUp" }, { TK_WHEEL_DOWN, "WheelDown" },
};

static const struct key_def move_defs[] = {
    { 'j', CMD_DOWN, "next row", NULL },
    { TK_DOWN, CMD_DOWN, NULL, NULL },
    { 'k', CMD_UP, "row before", NULL },
    { TK_UP, CMD_UP, NULL, NULL },
    { ' ', CMD_PAGE_DOWN, "page down", NULL },
    { TK_PGDN, CMD_PAGE_DOWN, NULL, NULL },
    { TK_PGUP, CMD_PAGE_UP, "page up", NULL },
    { 4, CMD_HALF_DOWN, "half a page down", NULL },
    { 21, CMD_HALF_UP, "half a page up", NULL },
    { 'g', CMD_FIRST, "first row", NULL },
    { TK_HOME, CMD_FIRST, NULL, NULL },
    { 'G', CMD_LAST, "last row", NULL },
    { TK_END, CMD_LAST, NULL, NULL },
    { 0, CMD_NONE, NULL, NULL }
};
const struct keymap keys_move = { "Moving", move_defs };

static const struct key_def common_defs[] = {
    { TK_ENTER, CMD_OPEN, "open the row under the cursor", "open" },
    { 'l', CMD_OPEN, NULL, NULL },
    { TK_RIGHT, CMD_OPEN, NULL, NULL },
    { 'h', CMD_BACK, "back to the view before", "back" },
    { TK_LEFT, CMD_BACK, NULL, NULL },
    { '<', CMD_BACK, NULL, NULL },
    { 'q', CMD_BACK, "close this view; the last one quits", NULL },
    { TK_TAB, CMD_PANE, "to the other pane", "pane" },
    { 'O', CMD_MAXIMISE, "this pane alone, and back", NULL },
    { '/', CMD_SEARCH, "search, over every row", "search" },
    { 'n', CMD_NEXT_MATCH, "next match", NULL },
    { 'N', CMD_PREV_MATCH, "match before", NULL },
    { 'f', CMD_FILTER, "only the rows that fit:  mode:full p<0.2 \"words\"",
      "filter" },
    { 'b', CMD_MARK, "mark this place, and unmark it", NULL },
    { '\'', CMD_MARKS, "the places marked", NULL },
    { '(', CMD_EARLIER, "back to the place where you were before", NULL },
    { 15, CMD_EARLIER, NULL, NULL },
    { ')', CMD_LATER, "and forward again", NULL },
    { 'i', CMD_SORT, "sort by the next field", NULL },
    { 'I', CMD_REVERSE, "sort the other way round", NULL },
    { 'Y', CMD_COPY, "copy the row; in the other pane, its text", NULL },
    { ':', CMD_PROMPT, "type a command (:help lists them)", NULL },
    { 'F', CMD_FOLLOW, "follow what is being recorded, and stop", NULL },
    { 'Z', CMD_PAUSE, "pause following, and go on", NULL },
    { 'r', CMD_RELOAD, "read again", NULL },
    { 12, CMD_REDRAW, "draw the screen again", NULL },
    { 'm', CMD_MOUSE, "free the mouse for copying, and take it back", NULL },
    { '?', CMD_HELP, "these keys", "help" },
    { TK_F1, CMD_HELP, NULL, NULL },
    { TK_ESC, CMD_CANCEL, "leave a prompt, drop marks of a search", NULL },
    { 'J', CMD_JOBS, "what was started here: its progress and results", NULL },
    { 3, CMD_INTERRUPT, "cancel what runs; where nothing runs, quit", NULL },
    { 'Q', CMD_QUIT, "quit", "quit" },
    { 0, CMD_NONE, NULL, NULL }
};
const struct keymap keys_common = { "Everywhere", common_defs };

enum tui_cmd keys_find(const struct keymap *m, int key)
{
    if (m)
        for (const struct key_def *d = m->def; d->cmd; d++)
            if (d->key == key)
                return d->cmd;
    return CMD_NONE;
}

void keys_name(int key, char *out, size_t cap)
{
    char ch[5] = { 0 };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key) {
            snprintf(out, cap, "%s", names[i].name);
            return;
        }
    if (key > 0 && key < 32) {
        snprintf(out, cap, "C-%c", key + 'a' - 1);
        return;
    }
    utf8_put((uint32_t)key, ch);
    text_safe_fit(out, cap, ch, strlen(ch), 0);
}

int keys_parse(const char *name, size_t n)
{
    uint32_t cp;

    if (n == 0)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == n && memcmp(names[i].name, name, n) == 0)
            return names[i].key;
    if (n == 3 && name[0] == 'C' && name[1] == '-' && name[2] >= 'a' &&
        name[2] <= 'z')
        return name[2] - 'a' + 1;
    if (utf8_next(name, n, &cp) == n && !text_hidden(cp))
        return (int)cp;
    return -1;
}
