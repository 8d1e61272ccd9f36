/* trace/vocab.h - the pieces of one foreign run, numbered in the order of
 * their bytes. */
#ifndef TRACE_VOCAB_H
#define TRACE_VOCAB_H

#include <stddef.h>
#include <stdint.h>

struct vocab_piece { const char *p; size_t n; };

struct vocab {
    struct vocab_piece *piece;  /* [n]; sorted once vocab_sort() was called */
    int n, cap;
};

/* p is borrowed while the vocabulary lives.  0, or -1: out of memory. */
int vocab_add(struct vocab *v, const char *p, size_t n);
/* Sorts and drops repeats: now a piece's index is its id. */
void vocab_sort(struct vocab *v);
int32_t vocab_id(const struct vocab *v, const char *p, size_t n);  /* -1: no */
void vocab_release(struct vocab *v);

#endif
