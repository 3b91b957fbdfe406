/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The virtual server of a packet, in the order in which IPVS looks (ip_vs_service_find() of ip_vs_ctl.c): by its
 * mark, by {VIP, port, protocol}, by {VIP, protocol} for all ports. Keys are packed into two buckets, the second one
 * next to the first; lib/dataplane/service-keys.ts writes them by the same rule.
 */
#pragma once

#include "hash.h"
#include "maps.h"

static __always_inline __u32 service_in(__u32 index, __u64 key)
{
	const struct bucket *bucket = &tables.service_keys[index & (LIMIT_SERVICE_BUCKETS - 1)];

#pragma unroll
	for (int i = 0; i < LIMIT_WAYS; i++) {
		__u64 word = bucket->words[i];

		if (word >> SERVICE_WORD_KEY_SHIFT == key)
			return word & 0xffff;
	}
	return 0;
}

static __always_inline __u32 service_of_port(__u32 vip, __u16 port, __u8 protocol)
{
	__u64 key = (__u64)vip << 24 | (__u64)port << 8 | protocol;
	__u32 index = mix_known(key);
	__u32 id = service_in(index, key);

	return id ? id : service_in(index + 1, key);
}

static __always_inline __u32 service_of_mark(__u32 vip, __u16 port, __u8 protocol)
{
	const struct marking *marking = &tables.markings[vip & (LIMIT_VIPS - 1)];

	for (__u32 i = 0; i < LIMIT_MARKS_OF_VIP && i < marking->count; i++) {
		const struct mark *mark = &tables.marks[(marking->first + i) & (LIMIT_MARKS - 1)];

		if (mark->protocol == protocol && mark->first_port <= port && port <= mark->last_port)
			return mark->service;
	}
	return 0;
}

/* The id of the service, 0 if there is none. */
static __always_inline __u32 find_service(__u32 vip, const struct packet *packet)
{
	__u16 port = bpf_ntohs(vip_port(packet));
	__u32 id = service_of_mark(vip, port, packet->protocol);

	if (!id)
		id = service_of_port(vip, port, packet->protocol);
	return id ? id : service_of_port(vip, 0, packet->protocol);
}
