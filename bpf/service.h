/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The virtual server behind {VIP, port, protocol}: two buckets of packed keys, the second one next to the first.
 * lib/dataplane/service-keys.ts writes them by the same rule.
 */
#pragma once

#include "hash.h"
#include "maps.h"
#include "packet.h"

static __always_inline __u32 service_in(__u32 index, __u64 key)
{
	struct bucket *bucket = bpf_map_lookup_elem(&service_keys, &index);

	if (!bucket)
		return 0;
#pragma unroll
	for (int i = 0; i < LIMIT_WAYS; i++) {
		__u64 word = bucket->words[i];

		if (word >> WORD_SERVICE_KEY_SHIFT == key)
			return word & 0xffff;
	}
	return 0;
}

/* The id of the service, 0 if there is none. */
static __always_inline __u32 find_service(__u32 vip, __be16 port, __u8 protocol)
{
	__u64 key = (__u64)vip << 24 | (__u64)bpf_ntohs(port) << 8 | protocol;
	__u32 index = mix_known(key) & (LIMIT_SERVICE_BUCKETS - 1);
	__u32 id = service_in(index, key);

	return id ? id : service_in((index + 1) & (LIMIT_SERVICE_BUCKETS - 1), key);
}
