/* bench/browse.c - how quick the browser is on a large database: the first
 * screen, then thousands of keys, as times of this thread (a busy machine does
 * not count), and the memory it took.
 *
 *     browse FILE.db [N]   makes FILE.db where it is missing, with N tokens
 *                          (ten million) in runs of 50 paths */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/mkdb.h"
#include "tui/app.h"

enum { ROWS = 60, COLS = 200, KEYS_MAX = 20000, TOKENS = 10000000,
       ROUNDS = 5, PATHS = 50, PATH_TOKENS = 2000 };

static double now_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Every view of a run, walked about in. */
static const char *const walks[] = {
    "jkjk\r", "pjkjk", "tjjjj  \004\004kkkGkkkk  gjjj", "sjj]]]]]]]]]]<",
    "ajjjllllhhkk<", "\rjjjjiiiiI<", "vjjjjllllcccc  G  g<",
    "/euro\rnnnNNN", "<<", "yjjll<", "uj<", "<", "?jjj  <"
};

static double took[KEYS_MAX];
static int n_key;

static void press(struct tui *t, struct grid *g, int key)
{
    double begun = now_ms(CLOCK_THREAD_CPUTIME_ID);

    tui_key(t, (struct tui_event){ key, 0, 0 });
    if (tui_done(t))
        return;
    tui_draw(t, g);
    if (n_key < KEYS_MAX)
        took[n_key++] = now_ms(CLOCK_THREAD_CPUTIME_ID) - begun;
}

static long peak_kib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

int main(int argc, char **argv)
{
    int tokens = argc > 2 ? atoi(argv[2]) : TOKENS;
    struct mkdb_opts o = { .n_run = tokens / PATHS / PATH_TOKENS + 1,
                           .n_path = PATHS, .n_token = PATH_TOKENS,
                           .every = 20 };
    struct tui_opts opts = { .db_name = argc > 1 ? argv[1] : NULL };
    struct sor_msg msg = { "" };
    struct tui *t = NULL;
    struct db *d = NULL;
    struct grid g;
    double begun;

    if (argc < 2)
        return fprintf(stderr, "usage: browse FILE.db [TOKENS]\n"), 2;
    if (access(argv[1], F_OK) && mkdb(argv[1], &o, &msg))
        return fprintf(stderr, "%s\n", msg.text), 3;
    begun = now_ms(CLOCK_THREAD_CPUTIME_ID);
    if (grid_init(&g, ROWS, COLS) || db_open(argv[1], &d, &msg) ||
        tui_open(d, &opts, &t, &msg))
        return fprintf(stderr, "%s\n", msg.text), 3;
    tui_draw(t, &g);
    printf("first screen  %.2f ms\n", now_ms(CLOCK_THREAD_CPUTIME_ID) - begun);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
            for (const char *s = walks[i]; *s && !tui_done(t); s++)
                press(t, &g, *s);
    qsort(took, (size_t)n_key, sizeof *took, by_size);
    if (n_key)
        printf("keys          %d: median %.2f, 99 %% %.2f, worst %.2f ms\n",
               n_key, took[n_key / 2], took[n_key * 99 / 100],
               took[n_key - 1]);
    printf("memory        %.1f MiB at most\n", (double)peak_kib() / 1024);
    tui_close(t);
    db_close(d);
    grid_release(&g);
    return 0;
}
