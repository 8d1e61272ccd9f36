#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { COLUMN = 26, WIDTH = 79 };

/* Words, wrapped at WIDTH; every line but the first starts at column `left`.
 * One newline ends it, whether the text brings its own or not. */
static void wrap(FILE *to, const char *text, int left)
{
    int col = left;

    while (*text) {
        int n = (int)strcspn(text, " \n");

        if (col > left && col + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", left, "");
            col = left;
        } else if (col > left) {
            col += fprintf(to, " ");
        }
        col += fprintf(to, "%.*s", n, text);
        text += n;
        for (; *text == ' ' || *text == '\n'; text++)
            if (*text == '\n' && text[1]) {
                fprintf(to, "\n%*s", left, "");
                col = left;
            }
    }
    fputc('\n', to);
}

/* What a flag takes, broken behind a | where it is too long for a line;
 * returns the column that it ends in. */
static int value(FILE *to, const char *words, int left)
{
    int col = left;

    while (*words) {
        int n = (int)strcspn(words, "|");

        n += words[n] == '|';
        if (col > left && col + n > WIDTH) {
            fprintf(to, "\n%*s", left, "");
            col = left;
        }
        col += fprintf(to, "%.*s", n, words);
        words += n;
    }
    return col;
}

static void options(FILE *to, const struct opt_spec *o)
{
    for (; o && o->name; o++) {
        char letter[4] = { '-', o->letter, ',', 0 };
        int n = fprintf(to, "  %3s --%s%s", o->letter ? letter : "", o->name,
                        o->value ? " " : "");

        n = value(to, o->value ? o->value : "", n);
        if (n > COLUMN - 2)
            fprintf(to, "\n%*s", COLUMN, "");
        else
            fprintf(to, "%*s", COLUMN - n, "");
        wrap(to, o->help, COLUMN);
    }
}

static void overview(FILE *to, const struct opt_spec *common)
{
    fprintf(to, "usage: sorites COMMAND [options] [operands]\n\n"
            "Runs a language model, records how it came to its answer, and "
            "lets you look.\n\nCommands:\n");
    for (const struct cmd *const *c = cli_commands; *c; c++)
        fprintf(to, "  %-12s%s\n", (*c)->name, (*c)->summary);
    fprintf(to, "\nOptions of every command:\n");
    options(to, common);
    fprintf(to, "\nRUN is the beginning of a run's uid, or `last`; RUN:PATH, "
            "RUN:PATH:STEP and\nRUN:PATH@POS name what is in it, counted from "
            "0.\n");
}

void cli_help(FILE *to, const struct cmd *cmd, const struct opt_spec *common)
{
    if (!cmd) {
        overview(to, common);
        return;
    }
    const char *summary = cmd->summary;
    int is_question = summary[strlen(summary) - 1] == '?';

    fprintf(to, "usage: sorites %s [options]%s%s\n\n%c%s%s\n", cmd->name,
            cmd->operands[0] ? " " : "", cmd->operands,
            summary[0] >= 'a' && summary[0] <= 'z' ? summary[0] - 'a' + 'A'
                                                   : summary[0],
            summary + 1, is_question ? "" : ".");
    if (cmd->text) {
        fputc('\n', to);
        wrap(to, cmd->text, 0);
    }
    if (cmd->opts && cmd->opts->name) {
        fprintf(to, "\nOptions:\n");
        options(to, cmd->opts);
    }
    fprintf(to, "\nOptions of every command:\n");
    options(to, common);
}
