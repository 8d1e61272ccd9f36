#include "base/xdg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum sor_err xdg_path(enum xdg_kind kind, const char *leaf, struct str *out,
                      struct sor_msg *msg)
{
    static const struct {
        const char *variable, *under_home;
    } place[] = {
        [XDG_CONFIG] = { "XDG_CONFIG_HOME", ".config" },
        [XDG_DATA]   = { "XDG_DATA_HOME", ".local/share" },
        [XDG_STATE]  = { "XDG_STATE_HOME", ".local/state" },
        [XDG_CACHE]  = { "XDG_CACHE_HOME", ".cache" },
    };
    const char *base = getenv(place[kind].variable);
    const char *home = getenv("HOME");

    if (base && base[0] == '/')
        str_printf(out, "%s/sorites/%s", base, leaf);
    else if (home && home[0] == '/')
        str_printf(out, "%s/%s/sorites/%s", home, place[kind].under_home, leaf);
    else
        return sor_fail(msg, SOR_IO, "neither %s nor HOME names an absolute "
                        "path; set one of them", place[kind].variable);
    return str_ok(out) ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory");
}

static int is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Makes one directory, unless it is there. */
static enum sor_err make_dir(const char *path, struct sor_msg *msg)
{
    int why = mkdir(path, 0700) == 0 ? 0 : errno;   /* stat() sets it anew */

    if (is_dir(path))
        return SOR_OK;
    if (why && why != EEXIST)
        return sor_fail(msg, SOR_IO, "%s: cannot make the directory: %s",
                        path, strerror(why));
    return sor_fail(msg, SOR_IO, "%s: not a directory", path);
}

enum sor_err xdg_make_parent(const char *path, struct sor_msg *msg)
{
    struct str dir;
    enum sor_err err = SOR_OK;

    str_init(&dir);
    /* Every prefix that ends before a slash, shortest first. */
    for (const char *slash = strchr(path + (*path == '/'), '/');
         slash && !err; slash = strchr(slash + 1, '/')) {
        str_clear(&dir);
        str_put(&dir, path, (size_t)(slash - path));
        if (!str_ok(&dir))
            err = sor_fail(msg, SOR_NOMEM, "out of memory");
        else
            err = make_dir(dir.p, msg);
    }
    str_release(&dir);
    return err;
}
