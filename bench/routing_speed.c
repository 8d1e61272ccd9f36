/* At each depth every policy decodes in turn, ROUNDS times, and its least time
 * counts: processor time of all threads, since others may use the machine. */
#include "bench/routing_speed.h"

#include <stdio.h>
#include <time.h>

enum { WRITE = 64, ROUNDS = 3, DEPTHS = 7, RUNNERS = ROUTING_POLICIES + 1 };

static const int depths[DEPTHS] = { 1024, 2048, 4096, 6000, 8064, 16256,
                                    32640 };

struct runner {
    const char *name;
    struct session *session;
    double read_s, write_s;     /* of the last stretch; the least */
    int n_read;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The policies' sessions, and one of no policy first. */
static int open_runners(struct routing_bench *b, struct runner *r)
{
    struct sor_msg msg;
    int n = 0;

    routing_must(engine_route(b->e, NULL, &msg), &msg);
    r[n] = (struct runner){ .name = "off" };
    routing_must(session_open(b->e, 1, 0, &r[n++].session, &msg), &msg);
    routing_must(engine_route(b->e, b->policy[0].route, &msg), &msg);
    for (int i = 1; i < b->n_policy; i++) {
        r[n] = (struct runner){ .name = b->policy[i].name };
        routing_must(session_open(b->e, (uint64_t)n + 1, 0, &r[n].session,
                                  &msg), &msg);
        routing_must(session_route(r[n++].session, b->policy[i].route, &msg),
                     &msg);
    }
    return n;
}

static void read_on(struct routing_bench *b, struct runner *r,
                    const int32_t *id, int to)
{
    int from = session_len(r->session);
    struct engine_feed f = { .session = r->session, .tok = id + from,
                             .n_tok = to - from };
    struct sor_msg msg;
    double start = now();

    routing_must(engine_step(b->e, &f, 1, &msg), &msg);
    r->read_s = now() - start;
    r->n_read = to - from;
    r->write_s = 1e30;
}

static void write_some(struct routing_bench *b, struct runner *r,
                       const int32_t *id)
{
    int at = session_len(r->session);
    struct session *s;
    struct sor_msg msg;
    double start, took;

    routing_must(session_fork(r->session, 100, at, &s, &msg), &msg);
    start = now();
    for (int i = 0; i < WRITE; i++) {
        struct engine_feed f = { .session = s, .tok = id + at + i, .n_tok = 1,
                                 .n_logits = 1, .logits = b->logits };

        routing_must(engine_step(b->e, &f, 1, &msg), &msg);
    }
    took = now() - start;
    if (took < r->write_s)
        r->write_s = took;
    session_close(s);
}

static void put(const struct runner *r, const struct runner *off, int depth,
                struct json *j)
{
    double read = r->n_read / r->read_s, write = WRITE / r->write_s;

    printf("%6d  %-34.34s %9.1f %9.1f %9.2f %8.2fx\n", depth, r->name, read,
           write, 1e3 / write, off->write_s / r->write_s);
    json_obj(j);
    json_put_int(j, "depth", depth);
    json_put_str(j, "policy", r->name);
    json_put_num(j, "read_tok_s", read);
    json_put_num(j, "write_tok_s", write);
    json_put_num(j, "speedup", off->write_s / r->write_s);
    json_end_obj(j);
}

void routing_speed(struct routing_bench *b, const int32_t *id, int n,
                   struct json *rows)
{
    struct runner r[RUNNERS];
    int n_runner = open_runners(b, r);

    printf("\nSpeed, %d thread(s), processor time\n depth  %-34s %9s %9s %9s "
           "%9s\n", engine_info(b->e)->n_thread, "policy", "read/s", "write/s",
           "ms/token", "over off");
    for (int d = 0; d < DEPTHS && depths[d] + WRITE <= n; d++) {
        for (int i = 0; i < n_runner; i++)
            read_on(b, &r[i], id, depths[d]);
        for (int k = 0; k < ROUNDS; k++)
            for (int i = 0; i < n_runner; i++)
                write_some(b, &r[i], id);
        for (int i = 0; i < n_runner; i++)
            put(&r[i], &r[0], depths[d], rows);
        fflush(stdout);
    }
    for (int i = 0; i < n_runner; i++)
        session_close(r[i].session);
}
