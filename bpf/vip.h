/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is this address one of ours? Asked of every packet, before anything may be dropped: an open-addressed table that
 * ends at the first slot never used. lib/dataplane/vip-table.ts writes it by the same rule.
 */
#pragma once

#include "hash.h"
#include "maps.h"

#define NO_VIP LIMIT_VIPS

/* IPv4 as the two halves of ::ffff:a.b.c.d, in memory order of a little-endian machine. */
static __always_inline __u64 mapped_ipv4(__be32 address)
{
	return (__u64)address << 32 | 0xffff0000;
}

static __always_inline __u32 find_vip(__u64 high, __u64 low)
{
	__u32 slot = mix_known(high ^ low);

#pragma unroll
	for (int i = 0; i < LIMIT_PROBES; i++, slot++) {
		__u32 index = slot & (LIMIT_VIPS - 1);
		__u64 *address = bpf_map_lookup_elem(&vips, &index);

		if (!address || (address[0] | address[1]) == 0)
			break;
		if (address[0] == high && address[1] == low)
			return index;
	}
	return NO_VIP;
}
