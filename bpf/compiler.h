/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What has to be said to the compiler: which branch is the usual one, and where there must not be one.
 */
#pragma once

#include <linux/types.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* Global: the verifier proves such a function once, apart from its callers; an inlined one it walks each time. */
#define PROVED_ONCE __attribute__((noinline))

/* As a value of its own from here on, or clang makes one of two checks, or the verifier walks each of its values. */
#define opaque(value) asm volatile("" : "+r"(value))

/*
 * All ones if a number is negative, else 0. The compiler must not see that these are the only two, or it turns what
 * is masked with them into branches: the verifier walks two to the power of 16 paths then, and the processor guesses
 * wrong.
 */
static __always_inline __u64 ones_if_negative(__u64 number)
{
	__u64 ones = (__s64)number >> 63;

	opaque(ones);
	return ones;
}

static __always_inline __u32 mask_if_negative(__u32 number)
{
	__u32 mask = (__s32)number >> 31;

	opaque(mask);
	return mask;
}
