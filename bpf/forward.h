/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct routing: the frame gets the addresses of the next hop, the TTL goes down by one as IPVS does it
 * (net/netfilter/ipvs/ip_vs_xmit.c), and nothing else changes.
 */
#pragma once

#include "decision.h"
#include "ip.h"
#include "maps.h"

#define TTL_SPENT 1

/* RFC 1141: the checksum of a header whose TTL goes down by one. */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	__u32 sum = ip->check + bpf_htons(0x0100);

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

static __always_inline void count_real(const struct decision *decision)
{
	__u32 real = decision->real;
	struct real_stats *counters = bpf_map_lookup_elem(&stats, &real);

	if (!counters)
		return;
	counters->packets += 1;
	counters->bytes += decision->packet.length;
	if (decision->is_new)
		counters->connections += 1;
}

/* The verdict on a packet whose flow's real server cannot take it, or VERDICT_TX. */
static __always_inline __u32 can_forward(const struct real *real)
{
	if (likely(real->state == REAL_STATE_UP))
		return likely(real->mode == MODE_DIRECT) ? VERDICT_TX : VERDICT_PASS_LOCAL;
	return real->state == REAL_STATE_UNRESOLVED ? VERDICT_DROP_NO_NEIGHBOUR : VERDICT_DROP_REAL_REMOVED;
}

static __always_inline void set_macs(void *frame, const struct real *real)
{
	const struct ethernet *macs = (const void *)real->destination_mac;
	struct ethernet *ethernet = frame;

	ethernet->destination_start = macs->destination_start;
	ethernet->destination_end = macs->destination_end;
	ethernet->source_start = macs->source_start;
	ethernet->source_end = macs->source_end;
}
