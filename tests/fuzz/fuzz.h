/* tests/fuzz/fuzz.h - what the fuzz targets share.
 *
 * A target is one file with LLVMFuzzerTestOneInput(); `make fuzz` builds each
 * against the library under ASan and UBSan and runs it (tests/fuzz.sh).  A
 * target checks more than survival where something is promised: what is
 * promised stands in it as FUZZ_CHECK(). */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct db_writer;

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Aborts, which the fuzzer reports with the input. */
#define FUZZ_CHECK(promise)                                                   \
    do {                                                                      \
        if (!(promise)) {                                                     \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__,          \
                    __LINE__, #promise);                                      \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* Bytes as a regular file in memory: its name in name, its descriptor is
 * returned and closed by the caller. */
int fuzz_file(const uint8_t *p, size_t n, char name[32]);

/* A folder of this process's own, made once; everything in it goes with the
 * process. */
const char *fuzz_dir(void);

/* A database in that folder, opened once, for all inputs. */
struct db_writer *fuzz_writer(void);

#endif
