/* cli/input.h - operands of the form FILE|-: whole texts and lines.  FIFOs and
 * directories are refused with a sentence instead of a hang; a line or text
 * over its limit is SOR_LIMIT. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

/* Appends the whole of the file (stdin for "-"), at most max bytes. */
enum sor_err input_slurp(const char *path, size_t max, struct str *out,
                         struct sor_msg *msg);

struct input {
    FILE       *file;
    const char *path;           /* as given, "stdin" for "-"; borrowed */
    long        line;           /* number of the current line, from 1 */
    struct str  text;           /* the current line without its newline */
    char        where[128];     /* "path:line", for messages; safe to print */
};

enum { INPUT_LINE_MAX = 64 << 20 };             /* bytes */

enum sor_err input_open(struct input *in, const char *path,
                        struct sor_msg *msg);
/* 1: a line is in in->text and in->where names it; 0: the end; -1: failed,
 * *err and msg say how.  Blank lines are passed over. */
int input_next(struct input *in, enum sor_err *err, struct sor_msg *msg);
/* The same for JSON: a value that the line leaves open goes on over the next
 * lines until its brackets close, or until a line begins with { or [, which is
 * another value's.  in->where names the first line. */
int input_record(struct input *in, enum sor_err *err, struct sor_msg *msg);
void input_close(struct input *in);             /* a zeroed one is fine */

#endif
