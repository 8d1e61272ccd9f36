/* tests/prog.h - the program as a script meets it: started in a folder of its
 * own, with nothing of the user's in reach. */
#ifndef TESTS_PROG_H
#define TESTS_PROG_H

#include <sys/types.h>

/* Where the program runs, what it said last. */
extern char prog_dir[64];
extern char prog_out[1 << 18], prog_err[1 << 16];

/* Group fixtures: make and remove prog_dir; XDG folders point into it and
 * $SORITES_DB, $SORITES_MODEL and $SORITES_ISA are unset. */
int prog_setup(void **state);
int prog_teardown(void **state);

/* Runs `$SORITES_PROG args` in prog_dir through the shell and returns its exit
 * code (128 + signal where one killed it).  Skips the test where
 * $SORITES_PROG names no program. */
int prog_run(const char *args, ...) __attribute__((format(printf, 1, 2)));

/* Starts it with stderr in prog_dir/err and stdout in prog_dir/out, and does
 * not wait. */
pid_t prog_start(const char *args, ...) __attribute__((format(printf, 1, 2)));
/* Waits for it; exit code as above; fills prog_out and prog_err. */
int prog_wait(pid_t pid);

/* One line, i.e. one sentence, on stderr and nothing on stdout. */
void prog_expect_sentence(const char *with);

/* The bytes of a file (malloc) and a NUL, or NULL; and back. */
unsigned char *prog_slurp(const char *path, size_t *n);
void prog_spill(const char *path, const void *bytes, size_t n);

#endif
