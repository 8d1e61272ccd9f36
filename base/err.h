/* base/err.h - how every module reports failure.
 *
 * A function that can fail returns enum sor_err and, when the caller passed
 * one, fills a struct sor_msg with one sentence: what failed, on what, and
 * what to do.  Results travel by trailing out-pointers, which a failing
 * function leaves alone.
 *
 * Threads  struct sor_msg belongs to its caller; nothing here is shared. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* X(name, text): the enum and its texts come from this one table. */
#define SOR_ERR_TABLE(X)                                     \
    X(SOR_OK,          "ok")                                 \
    X(SOR_USAGE,       "wrong usage")                        \
    X(SOR_IO,          "input/output error")                 \
    X(SOR_FORMAT,      "malformed input")                    \
    X(SOR_UNSUP,       "not supported")                      \
    X(SOR_LIMIT,       "over a limit")                       \
    X(SOR_NOMEM,       "out of memory")                      \
    X(SOR_BUSY,        "in use by another process")          \
    X(SOR_NOTFOUND,    "not found")                          \
    X(SOR_DIFFERS,     "ran, and the answer is negative")    \
    X(SOR_INTERRUPTED, "interrupted")                        \
    X(SOR_FULL,        "no room left, or the disk fails")

#define SOR_ERR_ENUM(name, text) name,
enum sor_err { SOR_ERR_TABLE(SOR_ERR_ENUM) SOR_ERRS };
#undef SOR_ERR_ENUM

enum { SOR_MSG_BYTES = 512 };

/* One sentence about a failure, NUL-terminated, safe to print on a terminal
 * (sor_fail() passes the finished text through text_safe()). */
struct sor_msg {
    char text[SOR_MSG_BYTES];
};

/* Formats into msg (which may be NULL) and returns err, so that a failing
 * function ends in `return sor_fail(msg, SOR_IO, "%s: %s", ...)`.  Text over
 * SOR_MSG_BYTES - 1 bytes is cut at a character. */
enum sor_err sor_fail(struct sor_msg *msg, enum sor_err err,
                      const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The definition is in another file; this lets the analyzer see that the
 * result is err, so that it does not follow failures as if they were none. */
#define sor_fail(msg, err, ...) (sor_fail(msg, err, __VA_ARGS__), (err))
#endif

/* The table's text for err; "unknown error" outside the enum. */
const char *sor_err_text(enum sor_err err);

#endif
