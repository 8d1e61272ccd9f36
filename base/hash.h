/* base/hash.h - SHA-256 (OpenSSL) for identity and tamper evidence, XXH3
 * (xxHash) for cheap digests of logits and tensors. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 65 };    /* hex with its NUL */

struct sha256;                                  /* a running hash */
struct sha256 *sha256_open(void);               /* NULL: out of memory */
void sha256_update(struct sha256 *h, const void *p, size_t n);
void sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES]); /* restarts h */
void sha256_close(struct sha256 *h);            /* accepts NULL */

/* One-shot. */
void sha256_bytes(const void *p, size_t n, uint8_t out[SHA256_BYTES]);
void hash_hex(const uint8_t *p, size_t n, char *out);   /* out[2n + 1] */

uint64_t hash_xxh3(const void *p, size_t n, uint64_t seed);

#endif
