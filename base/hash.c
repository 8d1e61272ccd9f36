#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "base/mem.h"

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_open(void)
{
    struct sha256 *h = mem_calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        sha256_close(h);
        return NULL;
    }
    return h;
}

void sha256_update(struct sha256 *h, const void *p, size_t n)
{
    EVP_DigestUpdate(h->ctx, p, n);
}

void sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
    EVP_DigestFinal_ex(h->ctx, out, NULL);
    EVP_DigestInit_ex(h->ctx, NULL, NULL);
}

void sha256_close(struct sha256 *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

void sha256_bytes(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    SHA256(p, n, out);
}

void hash_hex(const uint8_t *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        *out++ = "0123456789abcdef"[p[i] >> 4];
        *out++ = "0123456789abcdef"[p[i] & 15];
    }
    *out = '\0';
}

uint64_t hash_xxh3(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}
