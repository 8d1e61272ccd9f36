#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

static const uint64_t SECOND_NS = 1000000000;

/* By whom started this program and reads its progress from a pipe. */
static int asked_for(void)
{
    const char *s = getenv("SORITES_PROGRESS");

    return s && *s;
}

void progress_begin(struct progress *p, const struct cli *cli,
                    const char *what, const char *unit, uint64_t total)
{
    uint64_t now = clock_mono_ns();

    *p = (struct progress){
        .what = what, .unit = unit, .total = total,
        .start_ns = now, .drawn_ns = now + 9 * SECOND_NS / 10,
        .on = !cli->quiet && (isatty(STDERR_FILENO) || asked_for()),
    };
}

static void draw_share(const struct progress *p, uint64_t done, double left_s)
{
    enum { CELLS = 24 };
    double share = done < p->total ? (double)done / (double)p->total : 1;
    int full = (int)(share * CELLS);

    fprintf(stderr, "  [");
    for (int i = 0; i < CELLS; i++)
        fputc(i < full ? '=' : ' ', stderr);
    fprintf(stderr, "] %3.0f%%  %d:%02d left", share * 100, (int)left_s / 60,
            (int)left_s % 60);
}

void progress_set(struct progress *p, uint64_t done)
{
    uint64_t now;

    if (!p->on)
        return;
    now = clock_mono_ns();
    if (now < p->drawn_ns + SECOND_NS / 10)
        return;
    p->drawn_ns = now;
    p->drawn = 1;

    double rate = (double)done / ((double)(now - p->start_ns) / 1e9);
    fprintf(stderr, "\r%s", p->what);
    if (p->total && done)
        draw_share(p, done, (double)(p->total - (done < p->total
                   ? done : p->total)) / rate);
    fprintf(stderr, "  %.1f %s/s\033[K", rate, p->unit);
    fflush(stderr);
}

void progress_advance(void *ud, int64_t done, int64_t total)
{
    struct progress *p = ud;

    p->total = (uint64_t)total;
    progress_set(p, (uint64_t)done);
}

int progress_stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        fprintf(stderr, "\r\033[K");
    p->drawn = p->on = 0;
}
