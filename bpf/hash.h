/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hashes. Those over what a stranger chooses are keyed: secret odd factors and masks, made once and kept with the
 * tables, so that nobody outside can aim flows at one bucket.
 */
#pragma once

#include "packet.h"

static __always_inline __u64 mix(__u64 a, __u64 b, const struct settings *settings)
{
	__u64 hash = (a ^ settings->seed[0]) * settings->seed[1];

	hash ^= hash >> 32;
	hash = (hash ^ b ^ settings->seed[2]) * settings->seed[3];
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* Of an address: itself where it is an IPv4 address and nothing has to be mixed. */
static __always_inline __u64 mix_address(const struct address *address, const struct settings *settings)
{
	return address->high ? mix(address->high, address->low, settings) : address->low;
}

/*
 * Not keyed: what is in these tables the administrator chose. The factor is 2^64 over the golden ratio. A product's
 * bit depends on the bits below it only, so the high half goes into the low one first, and the 24 highest are taken.
 */
static __always_inline __u32 mix_known(__u64 value)
{
	return (value ^ value >> 32) * 0x9e3779b97f4a7c15ULL >> 40;
}
