/* engine/half.h - 16-bit floats in plain C: IEEE binary16 and bfloat16.
 *
 * The SIMD kernels use the CPU's conversions; these give the same bits for
 * every input that is not NaN (round to nearest even, subnormals kept).
 * Source: IEEE 754-2008, section 3.6. */
#ifndef ENGINE_HALF_H
#define ENGINE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_bits(uint32_t u)
{
    float f;

    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float half_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exp = h >> 10 & 31, man = h & 1023;

    if (exp == 0) {             /* man * 2^-24 is exact in binary32 */
        float f = (float)man * half_bits(0x33800000);

        return sign ? -f : f;
    }
    if (exp == 31)
        return half_bits(sign | 0x7f800000 | man << 13);
    return half_bits(sign | (exp + 112) << 23 | man << 13);
}

static inline uint16_t half_from_f32(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof u);
    uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
    uint32_t mag = u & 0x7fffffff;

    if (mag >= 0x7f800000)      /* infinity; NaN stays NaN */
        return (uint16_t)(sign | 0x7c00 | (mag > 0x7f800000 ? 0x200 : 0));
    if (mag >= 0x477ff000)      /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00);
    if (mag < 0x38800000) {     /* below 2^-14: subnormal; the sum rounds */
        float r = half_bits(mag) + 0.5f;

        memcpy(&u, &r, sizeof u);
        return (uint16_t)(sign | (u & 0x7ff));
    }
    mag += 0xfff + (mag >> 13 & 1);
    return (uint16_t)(sign | ((mag - 0x38000000) >> 13));
}

static inline float bfloat_to_f32(uint16_t b)
{
    return half_bits((uint32_t)b << 16);
}

#endif
