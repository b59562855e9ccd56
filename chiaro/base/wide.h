// Loops over many values, compiled for wider registers beside those that every processor has.
#pragma once

/// In front of a function's definition: it is compiled for AVX2 as well, and the processor that
/// runs it decides. Nothing is multiplied and added in one step there, so that both give the same
/// bits. Nothing at all where the compiler, the system or a sanitizer cannot have it.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CHIARO_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define CHIARO_WIDE
#endif
