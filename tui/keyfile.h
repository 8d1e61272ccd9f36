/* tui/keyfile.h - the user's own keys: a file of lines "KEY KEY", the first
 * then doing what the second does ("C-n j", "x q").  Names are those of the
 * help; # begins a comment. */
#ifndef TUI_KEYFILE_H
#define TUI_KEYFILE_H

#include "base/err.h"

enum { KEYFILE_MAX = 100 };

struct keyfile { int n, from[KEYFILE_MAX], to[KEYFILE_MAX]; };

/* A file that is missing (or NULL) is none.  SOR_FORMAT names the line. */
enum sor_err keyfile_read(struct keyfile *k, const char *file,
                          struct sor_msg *msg);
/* The key that this one stands for; itself where it is not in the file. */
int keyfile_key(const struct keyfile *k, int key);

#endif
