#include "probe/npy.h"

#include <stdint.h>
#include <string.h>

enum { MAGIC = 10, HEADER = 128 };      /* twice the alignment */

static void put_le(uint8_t *to, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

int npy_is_name(const char *name)
{
    size_t n = name ? strlen(name) : 0;

    return n > 4 && strcmp(name + n - 4, ".npy") == 0;
}

int npy_write(FILE *to, const float *v, int rows, int columns)
{
    uint8_t head[HEADER];
    size_t n = (size_t)rows * (size_t)columns;
    int len;

    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    put_le(head + 8, HEADER - MAGIC, 2);
    len = snprintf((char *)head + MAGIC, HEADER - MAGIC,
                   "{'descr': '<f4', 'fortran_order': False, "
                   "'shape': (%d, %d), }", rows, columns);
    head[MAGIC + len] = ' ';            /* snprintf()'s NUL */
    head[HEADER - 1] = '\n';
    if (fwrite(head, 1, sizeof head, to) != sizeof head)
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint8_t b[4];
        uint32_t bits;

        memcpy(&bits, &v[i], sizeof bits);
        put_le(b, bits, 4);
        if (fwrite(b, 1, sizeof b, to) != sizeof b)
            return -1;
    }
    return 0;
}
