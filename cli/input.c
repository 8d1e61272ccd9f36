#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static int is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* O_NONBLOCK so that a FIFO nobody writes to is refused, not waited for. */
static enum sor_err open_file(const char *path, FILE **out,
                              struct sor_msg *msg)
{
    struct stat st;
    FILE *file = NULL;
    const char *wrong = NULL;
    int fd;

    if (is_stdin(path)) {
        *out = stdin;
        return SOR_OK;
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        wrong = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        wrong = "is a directory";
    else if (!S_ISREG(st.st_mode))
        wrong = "is no regular file; to read a pipe, name - and redirect";
    else if (!(file = fdopen(fd, "r")))
        wrong = strerror(errno);
    if (wrong) {
        if (fd >= 0)
            close(fd);
        return sor_fail(msg, SOR_IO, "%s: %s", path, wrong);
    }
    *out = file;
    return SOR_OK;
}

enum sor_err input_slurp(const char *path, size_t max, struct str *out,
                         struct sor_msg *msg)
{
    char chunk[1 << 15];
    size_t n, total = 0;
    FILE *file;
    enum sor_err err = open_file(path, &file, msg);

    if (err)
        return err;
    while (!err && (n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        total += n;
        str_put(out, chunk, n);
        if (total > max)
            err = sor_fail(msg, SOR_LIMIT, "%s: over the limit of %zu bytes",
                           path, max);
        else if (!str_ok(out))
            err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    }
    if (!err && ferror(file))
        err = sor_fail(msg, SOR_IO, "%s: cannot be read: %s", path,
                       strerror(errno));
    if (file != stdin)
        fclose(file);
    return err;
}

enum sor_err input_open(struct input *in, const char *path,
                        struct sor_msg *msg)
{
    FILE *file;
    enum sor_err err = open_file(path, &file, msg);

    *in = (struct input){ .path = is_stdin(path) ? "stdin" : path };
    if (err)
        return err;
    in->file = file;
    str_init(&in->text);
    return SOR_OK;
}

/* The rest of the line that is being read, or the next line. */
static void skip_line(struct input *in)
{
    int c;

    while ((c = getc_unlocked(in->file)) != EOF && c != '\n')
        ;
}

/* Appends the next line to in->text, in pieces, so that the limit holds
 * whatever the file: what is over it is passed over.  0 at the end of the
 * file. */
static int read_line(struct input *in)
{
    char piece[4096];
    size_t n = 0;
    int c;

    while ((c = getc_unlocked(in->file)) != EOF && c != '\n') {
        piece[n++] = (char)c;
        if (n == sizeof piece) {
            str_put(&in->text, piece, n);
            n = 0;
        }
        if (in->text.len > INPUT_LINE_MAX || !str_ok(&in->text)) {
            skip_line(in);
            break;
        }
    }
    str_put(&in->text, piece, n);
    return c != EOF || in->text.len > 0;
}

static int is_blank(const struct str *s)
{
    return strspn(s->p, " \t\r") == s->len;
}

/* Appends a line and counts it; results as of input_next(). */
static int append_line(struct input *in, enum sor_err *err,
                       struct sor_msg *msg)
{
    if (!read_line(in)) {
        if (!ferror(in->file))
            return 0;
        *err = sor_fail(msg, SOR_IO, "%s: cannot be read: %s", in->path,
                        strerror(errno));
        return -1;
    }
    in->line++;
    if (!str_ok(&in->text)) {
        *err = sor_fail(msg, SOR_NOMEM, "%s:%ld: out of memory", in->path,
                        in->line);
        return -1;
    }
    if (in->text.len > INPUT_LINE_MAX) {
        *err = sor_fail(msg, SOR_LIMIT, "%s:%ld: line over the limit of %d "
                        "bytes", in->path, in->line, INPUT_LINE_MAX);
        return -1;
    }
    return 1;
}

int input_next(struct input *in, enum sor_err *err, struct sor_msg *msg)
{
    do {
        int more;

        str_clear(&in->text);
        if ((more = append_line(in, err, msg)) != 1)
            return more;
    } while (is_blank(&in->text));

    char name[sizeof in->where - 24];
    text_safe_fit(name, sizeof name, in->path, strlen(in->path), 0);
    snprintf(in->where, sizeof in->where, "%s:%ld", name, in->line);
    return 1;
}

/* Where a scan of JSON stands. */
struct scan { int depth, in_string, escaped; };

static void scan_json(struct scan *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s->escaped)
            s->escaped = 0;
        else if (p[i] == '"')
            s->in_string = !s->in_string;
        else if (s->in_string)
            s->escaped = p[i] == '\\';
        else
            s->depth += (p[i] == '{' || p[i] == '[') -
                        (p[i] == '}' || p[i] == ']');
    }
}

static int peek(FILE *file)
{
    int c = getc(file);

    return c == EOF ? EOF : ungetc(c, file);
}

static int begins_value(int c)
{
    return c == EOF || c == '{' || c == '[';
}

int input_record(struct input *in, enum sor_err *err, struct sor_msg *msg)
{
    struct scan s = { 0, 0, 0 };
    int more = input_next(in, err, msg);
    size_t seen = 0;

    while (more == 1) {
        scan_json(&s, in->text.p + seen, in->text.len - seen);
        seen = in->text.len;
        if (s.depth <= 0 || begins_value(peek(in->file)))
            break;
        str_putc(&in->text, '\n');
        more = append_line(in, err, msg);
    }
    /* What is too long is refused once, with all lines that belong to it. */
    for (; more < 0 && *err == SOR_LIMIT && !begins_value(peek(in->file));
         in->line++)
        skip_line(in);
    return more;
}

void input_close(struct input *in)
{
    if (in->file && in->file != stdin)
        fclose(in->file);
    if (in->file)
        str_release(&in->text);
    *in = (struct input){ 0 };
}
