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

/* CPUID leaf 7, subleaf 1, EAX bit 4; clang 14 has no name for it either. */
static int has_avxvnni(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
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

/* Best first. */
static const struct kern_table *const tables[] = {
#ifdef KERN_X86
    &kern_avx512, &kern_avxvnni, &kern_avx2,
#endif
    &kern_ref,
};
enum { N_TABLES = sizeof tables / sizeof *tables };

int kern_runs(const struct kern_table *k)
{
#ifdef KERN_X86
    if (k == &kern_avxvnni && !has_avxvnni())
        return 0;
#endif
    return cpu_runs(k->isa);
}

const struct kern_table *kern_pick(enum kern_isa cap)
{
    for (int i = 0; i < N_TABLES; i++)
        if (tables[i]->isa <= cap && kern_runs(tables[i]))
            return tables[i];
    return &kern_ref;           /* runs everywhere */
}

static const char *const kv_names[KERN_KVTYPES] = {
    [KERN_KV_F16] = "f16", [KERN_KV_Q8] = "q8",
};

const char *kern_kv_name(enum kern_kvtype type)
{
    return kv_names[type];
}

int kern_kv_parse(const char *name)
{
    for (int i = 0; i < KERN_KVTYPES; i++)
        if (strcmp(name, kv_names[i]) == 0)
            return i;
    return -1;
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
