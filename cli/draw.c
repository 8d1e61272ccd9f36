#include "cli/draw.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "viz/dot.h"
#include "viz/render.h"
#include "viz/style.h"

void draw_for_page(enum sor_err err, const struct graph *g, struct str *svg,
                   struct sor_msg *msg)
{
    static const struct dot_opts look = { .theme = STYLE_LIGHT };
    static const struct render_limits limits = { 0 };
    struct str dot;

    str_init(&dot);
    if (!err)
        err = dot_write(g, &look, &dot, msg);
    if (!err)
        err = render(dot.p, "svg", &limits, svg, msg);
    if (err)
        log_warn("the report goes without its graph: %s", msg->text);
    str_release(&dot);
}

enum sor_err draw_write(struct cli *cli, FILE *to, const struct str *s)
{
    if (!str_ok(s))
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory for the report");
    if (fwrite(s->p, 1, s->len, to) != s->len || fflush(to) != 0)
        return sor_fail(&cli->msg, SOR_IO, "cannot write: %s",
                        strerror(errno));
    return SOR_OK;
}
