/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct routing: the frame gets the addresses of the next hop, the TTL goes down by one as IPVS does it
 * (net/netfilter/ipvs/ip_vs_xmit.c), and nothing else changes.
 */
#pragma once

#include "maps.h"
#include "packet.h"

#define TTL_SPENT 1

/* RFC 1141: the checksum of a header whose TTL goes down by one. */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	__u32 sum = ip->check + bpf_htons(0x0100);

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

static __always_inline void count_real(__u32 id, const struct packet *packet, bool is_new)
{
	struct real_stats *counters = bpf_map_lookup_elem(&stats, &id);

	if (!counters)
		return;
	counters->packets += 1;
	counters->bytes += packet->length;
	if (is_new)
		counters->connections += 1;
}

/* The verdict on a packet whose flow's real server cannot take it, or VERDICT_TX. */
static __always_inline __u32 can_forward(const struct real *real)
{
	switch (real->state) {
	case REAL_STATE_UP:
		return VERDICT_TX;
	case REAL_STATE_UNRESOLVED:
		return VERDICT_DROP_NO_NEIGHBOUR;
	default:
		return VERDICT_DROP_REAL_REMOVED;
	}
}

static __always_inline void set_macs(struct ethhdr *eth, const struct real *real)
{
	__builtin_memcpy(eth->h_dest, real->destination_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, real->source_mac, ETH_ALEN);
}
