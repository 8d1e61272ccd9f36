/* engine/kern.c - which kernels this CPU runs. */
#include "engine/kern.h"

#include <string.h>

#if defined(__x86_64__)
#define KERN_X86 1
#include <cpuid.h>

/* clang 14's __builtin_cpu_supports() does not know "f16c"; ask the CPU.  That
 * the OS saves ymm registers is already part of the "avx2" answer. */
static int has_f16c(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

/* Exactly the features that the Makefile's flags let each file use. */
static int cpu_runs(enum kern_isa isa)
{
    switch (isa) {
    case KERN_REF:
        return 1;
#ifdef KERN_X86
    case KERN_AVX2:
        return __builtin_cpu_supports("avx2") &&
               __builtin_cpu_supports("fma") && has_f16c();
    case KERN_AVX512:
        return cpu_runs(KERN_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vnni") &&
               __builtin_cpu_supports("avx512vbmi");
#endif
    default:
        return 0;
    }
}

const struct kern_table *kern_pick(enum kern_isa cap)
{
    static const struct kern_table *const table[KERN_ISAS] = {
        [KERN_REF] = &kern_ref,
#ifdef KERN_X86
        [KERN_AVX2] = &kern_avx2,
        [KERN_AVX512] = &kern_avx512,
#endif
    };
    enum kern_isa isa = cap < KERN_ISAS ? cap : KERN_ISAS - 1;

    while (isa > KERN_REF && !(table[isa] && cpu_runs(isa)))
        isa--;
    return table[isa];
}

int kern_isa_parse(const char *name)
{
    static const char *const names[KERN_ISAS] = {
        [KERN_REF] = "ref", [KERN_AVX2] = "avx2", [KERN_AVX512] = "avx512",
    };

    for (int i = 0; i < KERN_ISAS; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}
