/* engine/blas.h - products with float matrices through OpenBLAS, for prompts.
 *
 * Its sums have another order than ours, so a run that uses it says so, and
 * only who asks for it (engine_blas()) gets it.  Still its bits depend on
 * nothing but the weights, the row and its position, the library and the
 * processor: a call multiplies a tile of BLAS_ROWS positions that begins at a
 * multiple of BLAS_ROWS, with zeros where rows are not in this pass, by a panel
 * of BLAS_COLUMNS outputs, on one thread.  So a row's product is always made by
 * a call of the same shape with the row in the same place, however the prompt
 * was cut, whoever shares the pass, and on however many threads.
 *
 * The library is opened when it is first asked for: programs that do not use it
 * neither need it nor start its threads.  A self-check compares a small product
 * with the sums in double precision and asks for rows that do not touch each
 * other; a library that fails is refused (old ones are wrong on new
 * processors).
 *
 * Threads  panels are tasks of our pool, so -t holds; OpenBLAS starts none.
 * Errors   SOR_UNSUP: no such library, or one that computes wrongly. */
#ifndef ENGINE_BLAS_H
#define ENGINE_BLAS_H

#include <stddef.h>

#include "base/err.h"

enum { BLAS_ROWS = 64, BLAS_COLUMNS = 192 };

struct forward;
struct product;
struct blas;

/* Checks the library and makes room for matrices of n_in columns at most. */
enum sor_err blas_open(int n_thread, size_t n_in, struct blas **out,
                       struct sor_msg *msg);
void blas_close(struct blas *b);                /* accepts NULL */

/* "OpenBLAS 0.3.21 Cooperlake": its version, and the kernels that it took for
 * this processor ($OPENBLAS_CORETYPE chooses others).  Valid once blas_open()
 * has succeeded. */
const char *blas_name(void);

/* What product_run() does, without adapters; all matrices are of floats. */
void blas_run(struct blas *b, struct forward *f, const struct product *p);

/* The self-check with a product of the caller's, for tests: c[64][192] =
 * a[64][k] b[k][192], all packed, row-major. */
typedef void blas_gemm(int k, const float *a, const float *b, float *c);
enum sor_err blas_check(blas_gemm *gemm, struct sor_msg *msg);

#endif
