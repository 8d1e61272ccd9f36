/* What a trace holds is nobody else's: every file that a command makes can be
 * read by its owner alone whatever the umask, no socket is ever opened, and
 * what was forgotten is in no file any more. */
#define _XOPEN_SOURCE 700       /* nftw() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <elf.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/models.h"
#include "tests/prog.h"

static const char *model;

static int setup(void **state)
{
    model = models_small();
    if (!model || prog_setup(state) != 0)
        return -1;
    setenv("SORITES_MODEL", model, 1);
    umask(0);
    return 0;
}

/* --- files --------------------------------------------------------------- */

static int n_file, n_open;      /* made; readable by others */
static const char *needle;      /* what no file may hold; NULL */
static int n_with;

/* Memory holds NUL bytes: strstr() will not do. */
static int holds(const unsigned char *p, size_t n, const char *what)
{
    size_t len = strlen(what);

    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(p + i, what, len) == 0)
            return 1;
    return 0;
}

static int look(const char *path, const struct stat *st, int type,
                struct FTW *at)
{
    const char *name = path + at->base;

    if (type != FTW_F || strcmp(name, "out") == 0 || strcmp(name, "err") == 0)
        return 0;               /* those two are the shell's */
    n_file++;
    if (st->st_mode & 077) {
        print_message("%s: mode %o\n", path, (unsigned)st->st_mode & 0777);
        n_open++;
    }
    if (needle) {
        size_t n;
        unsigned char *bytes = prog_slurp(path, &n);

        if (bytes && holds(bytes, n, needle)) {
            print_message("%s holds \"%s\"\n", path, needle);
            n_with++;
        }
        free(bytes);
    }
    return 0;
}

static void look_at_all(const char *without)
{
    n_file = n_open = n_with = 0;
    needle = without;
    assert_int_equal(nftw(prog_dir, look, 8, FTW_PHYS), 0);
}

static void files_are_their_owners_alone(void **state)
{
    static const char *const commands[] = {
        "run --max-tokens 6 -n 2 Privatissime",     /* the default place */
        "run --db own.db --max-tokens 6 Privatissime",
        "export --db own.db -a -o out.jsonl",
        "graph --db own.db last -o out.svg",
        "graph --db own.db last -o out.dot",
        "runs --db own.db -o out.runs",
        "sql --db own.db 'SELECT * FROM v_step' -o out.sql",
        "import --db other.db out.jsonl",
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (prog_run("%s", commands[i]) != 0)
            fail_msg("%s: %s", commands[i], prog_err);
    look_at_all(NULL);
    assert_in_range(n_file, 8, 40);
    assert_int_equal(n_open, 0);
}

static void what_is_forgotten_is_in_no_file(void **state)
{
    (void)state;
    assert_int_equal(prog_run("run --db f.db --max-tokens 6 -n 2 "
                              "'Xylographisch geheim'"), 0);
    assert_int_equal(prog_run("run --db f.db --max-tokens 6 weiter"), 0);
    look_at_all("Xylographisch");
    assert_true(n_with > 0);
    assert_int_equal(prog_run("sql --db f.db \"SELECT uid FROM run WHERE "
                              "id = 1\" "
                              "--json"), 0);
    char *uid = strstr(prog_out, ":\"") + 2;
    char name[33];

    snprintf(name, sizeof name, "%.32s", uid);
    assert_int_equal(prog_run("forget --db f.db %s --yes", name), 0);
    look_at_all("Xylographisch");
    assert_int_equal(n_with, 0);
    assert_int_equal(prog_run("verify --chain f.db"), 0);
}

/* --- network ------------------------------------------------------------- */

/* A section of a 64-bit ELF file by its type; NULL: none. */
static const Elf64_Shdr *section(const unsigned char *elf, Elf64_Word type)
{
    const Elf64_Ehdr *h = (const void *)elf;
    const Elf64_Shdr *s = (const void *)(elf + h->e_shoff);

    for (int i = 0; i < h->e_shnum; i++)
        if (s[i].sh_type == type)
            return &s[i];
    return NULL;
}

/* 1: the program takes a function of this name from a library. */
static int imports(const unsigned char *elf, const char *name)
{
    const Elf64_Ehdr *h = (const void *)elf;
    const Elf64_Shdr *all = (const void *)(elf + h->e_shoff);
    const Elf64_Shdr *dyn = section(elf, SHT_DYNSYM);

    assert_non_null(dyn);
    const Elf64_Sym *sym = (const void *)(elf + dyn->sh_offset);
    const char *text = (const char *)elf + all[dyn->sh_link].sh_offset;
    for (size_t i = 0; i < dyn->sh_size / sizeof *sym; i++)
        if (sym[i].st_shndx == SHN_UNDEF &&
            strcmp(text + sym[i].st_name, name) == 0)
            return 1;
    return 0;
}

/* The functions without which nothing can be sent or listened to.  A sanitizer
 * links them all. */
static void no_function_of_the_network_is_linked(void **state)
{
    static const char *const names[] = {
        "socket", "bind", "listen", "accept", "accept4", "connect",
        "getaddrinfo", "gethostbyname", "send", "sendto", "recvfrom",
        "sendmsg",
    };
    const char *prog = getenv("SORITES_PROG");
    size_t n = 0;
    unsigned char *elf = prog ? prog_slurp(prog, &n) : NULL;

    (void)state;
    if (!elf)
        skip();
    int instrumented = holds(elf, n, "__asan_init") ||
                       holds(elf, n, "__tsan_init");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!instrumented && imports(elf, names[i]))
            fail_msg("the program uses %s()", names[i]);
    assert_true(instrumented || imports(elf, "malloc"));
    free(elf);
    if (instrumented)
        skip();
}

/* Descriptors of pid that are sockets, or -1. */
static int sockets(pid_t pid)
{
    char dir[64], path[400], to[200];
    struct dirent *e;
    int n = 0;

    snprintf(dir, sizeof dir, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(dir);
    if (!d)
        return -1;
    while ((e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        ssize_t got = readlink(path, to, sizeof to - 1);

        to[got < 0 ? 0 : got] = '\0';
        n += strncmp(to, "socket:", 7) == 0;
    }
    closedir(d);
    return n;
}

static void a_run_has_no_socket(void **state)
{
    struct timespec nap = { 0, 100000000 };
    pid_t pid = prog_start("run --db n.db --ctx 50000 --max-tokens 40000 -n 2 "
                           "go </dev/null");
    int seen = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        nanosleep(&nap, NULL);
        int n = sockets(pid);

        assert_true(n <= 0);
        seen += n == 0;
    }
    kill(pid, SIGINT);
    prog_wait(pid);
    assert_true(seen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_their_owners_alone),
        cmocka_unit_test(what_is_forgotten_is_in_no_file),
        cmocka_unit_test(no_function_of_the_network_is_linked),
        cmocka_unit_test(a_run_has_no_socket),
    };

    return cmocka_run_group_tests_name("private", tests, setup,
                                       prog_teardown);
}
