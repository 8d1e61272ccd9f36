/* viz/render.h - DOT text, or SVG, to a picture, in a child process with
 * limits.
 *
 * Layout can take time and memory out of proportion to its input, and its
 * library may crash on it; so a forked child does it, the parent reads the
 * picture from a pipe, and neither can take the program down.
 *
 * Threads  call it from a single-threaded program: the child runs the library
 *          after fork() without exec.
 * Source   Graphviz 2.42, libgvc. */
#ifndef VIZ_RENDER_H
#define VIZ_RENDER_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct render_limits {
    int    seconds;         /* 0: 20 */
    size_t memory_bytes;    /* beyond what is mapped now; 0: 1 GiB */
    size_t output_bytes;    /* 0: 256 MiB */
};

/* Graphviz's own version, as loaded, into out[cap]. */
void render_version(char *out, size_t cap);

/* Formats a picture may have: "svg", "pdf", "png".  NULL where the name is
 * none of them; a name with its dot (".svg") is fine. */
const char *render_format(const char *name);

/* Appends the picture to out, which stays as it was on failure.  SOR_LIMIT:
 * time, memory or output over the limit; SOR_FORMAT: not DOT, or the child
 * crashed; SOR_UNSUP: this Graphviz cannot draw the format. */
enum sor_err render(const char *dot, const char *format,
                    const struct render_limits *limits, struct str *out,
                    struct sor_msg *msg);

/* The same for a picture that is SVG already (viz/plot.h).  SOR_UNSUP also
 * where this Graphviz has no reader of SVG. */
enum sor_err render_svg(const char *svg, const char *format,
                        const struct render_limits *limits, struct str *out,
                        struct sor_msg *msg);

#endif
