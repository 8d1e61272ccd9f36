/* base/xdg.h - where things live: the XDG base directories.
 * Source: XDG Base Directory Specification 0.8.  An unset or empty variable
 * means the default; a relative path is ignored. */
#ifndef BASE_XDG_H
#define BASE_XDG_H

#include "base/err.h"
#include "base/str.h"

enum xdg_kind { XDG_CONFIG, XDG_DATA, XDG_STATE, XDG_CACHE };

/* Appends "<dir>/sorites/<leaf>" to out.  Creates nothing. */
enum sor_err xdg_path(enum xdg_kind kind, const char *leaf, struct str *out,
                      struct sor_msg *msg);

/* mkdir -p of the directory that holds `path`, mode 0700. */
enum sor_err xdg_make_parent(const char *path, struct sor_msg *msg);

#endif
