/* probe/npy.h - a matrix as a NumPy file.
 * Source: numpy.lib.format, version 1.0: magic, version, header length, a
 * Python dict as text padded so that the data begin at a multiple of 64. */
#ifndef PROBE_NPY_H
#define PROBE_NPY_H

#include <stdio.h>

/* Writes v[rows][columns] as little-endian float32 in C order.  0, or -1 with
 * errno set. */
int npy_write(FILE *to, const float *v, int rows, int columns);

/* 1 where a file's name asks for the format; NULL does not. */
int npy_is_name(const char *name);

#endif
