/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct routing: the frame gets the addresses of the next hop and the VLAN tags that lead there, the TTL goes down by
 * one as IPVS does it (net/netfilter/ipvs/ip_vs_xmit.c), and nothing else changes. Tunnels are a step of their own:
 * tunnel.h.
 */
#pragma once

#include "arrival.h"
#include "tags.h"

#define TTL_SPENT 1

/* What the next step has to know. It may be one of another process: see enum slow_step. */
struct handed {
	__u32 real;			/* SLOW_STEP_TUNNEL: its id */
	__u32 if_answered;		/* SLOW_STEP_ANSWER: the verdict, which says what the answer is */
	__u32 if_dropped;		/* and that if the sender may not be told */
	__u32 mtu;			/* of the way, if the packet is too big for that */
};

PERCPU(handed, struct handed, 1);

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

/* VERDICT_TX if a real server can take a packet as it is. VERDICT_DROP_NO_HEADROOM: not unless it is wrapped. */
static __always_inline __u32 can_forward(const struct real *real)
{
	if (likely(real->state == REAL_STATE_UP)) {
		if (likely(real->mode == MODE_DIRECT))
			return VERDICT_TX;
		return real->mode == MODE_LOCAL ? VERDICT_PASS_LOCAL : VERDICT_DROP_NO_HEADROOM;
	}
	return real->state == REAL_STATE_UNRESOLVED ? VERDICT_DROP_NO_NEIGHBOUR : VERDICT_DROP_REAL_REMOVED;
}

/* The real of a decision, if the packet can go there as it is; it is counted then. NULL: the verdict says why not. */
static __always_inline struct real *take_real(struct decision *decision)
{
	struct real *real = real_at(decision->real);

	if (!decision->real)
		return NULL;
	decision->verdict = can_forward(real);
	if (decision->verdict != VERDICT_TX)
		return NULL;
	count_real(decision);
	return real;
}

/* Send the frame on to its real. *egress_ifindex is where VERDICT_REDIRECT leads. */
static __always_inline __u32 send(struct xdp_md *ctx, const struct link *link, const struct real *real, __u32 id,
				  const struct port *port, __u32 *egress_ifindex)
{
	*egress_ifindex = real->ifindex;
	if (unlikely(link->tags != real->tags)) {
		if (!retag(ctx, id))
			return VERDICT_DROP_NO_HEADROOM;
	} else {
		set_macs(link->frame, real);
	}
	return likely(real->ifindex == port->egress) ? VERDICT_TX : VERDICT_REDIRECT;
}

static __always_inline struct handed *get_handed(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handed, &zero);
}

/* The packet goes no further, and its sender is told why. */
static __always_inline __u32 refuse(struct xdp_md *ctx, struct handed why)
{
	struct handed *handed = get_handed();

	if (!handed)
		return why.if_dropped;
	*handed = why;
	bpf_tail_call(ctx, &slow, SLOW_STEP_ANSWER);
	return why.if_dropped;
}

static __always_inline __u32 refuse_no_real(struct xdp_md *ctx)
{
	const struct handed why = { .if_answered = VERDICT_TX_NO_REAL, .if_dropped = VERDICT_DROP_NO_REAL };

	return refuse(ctx, why);
}

static __always_inline __u32 refuse_spent(struct xdp_md *ctx)
{
	const struct handed why = { .if_answered = VERDICT_TX_TIME_EXCEEDED, .if_dropped = VERDICT_DROP_TTL };

	return refuse(ctx, why);
}

/* IPVS fragments what allows it; here its sender has to, as for all else. */
static __always_inline __u32 refuse_too_big(struct xdp_md *ctx, __u32 mtu)
{
	const struct handed why = { .if_answered = VERDICT_TX_TOO_BIG, .if_dropped = VERDICT_DROP_TOO_BIG, .mtu = mtu };

	return refuse(ctx, why);
}

static __always_inline __u32 wrap(struct xdp_md *ctx, const struct decision *decision)
{
	struct handed *handed = get_handed();

	count_real(decision);
	if (handed) {
		handed->real = decision->real;
		bpf_tail_call(ctx, &slow, SLOW_STEP_TUNNEL);
	}
	return VERDICT_DROP_NO_HEADROOM;
}

/* The verdict on a packet that goes to no real as it is. */
static __always_inline __u32 divert(struct xdp_md *ctx, const struct decision *decision)
{
	if (decision->verdict == VERDICT_DROP_NO_REAL)
		return refuse_no_real(ctx);
	if (decision->verdict == VERDICT_DROP_NO_HEADROOM)
		return wrap(ctx, decision);
	return decision->verdict;
}

static __always_inline __u8 ttl_of(const struct arrival *arrival)
{
	return is_ipv6(arrival) ? ((struct ipv6 *)arrival->ip)->hop_limit : ((struct iphdr *)arrival->ip)->ttl;
}

static __always_inline void take_hop(const struct arrival *arrival)
{
	if (is_ipv6(arrival))
		((struct ipv6 *)arrival->ip)->hop_limit--;
	else
		decrement_ttl(arrival->ip);
}

/* Send a packet on by its decision. TTL before size, as IPVS (__ip_vs_get_out_rt() of ip_vs_xmit.c). */
static __always_inline __u32 forward(struct xdp_md *ctx, const struct arrival *arrival, struct decision *decision,
				     __u32 *egress_ifindex)
{
	struct real *real = take_real(decision);

	if (!real)
		return divert(ctx, decision);
	if (unlikely(ttl_of(arrival) <= TTL_SPENT))
		return refuse_spent(ctx);
	if (unlikely(decision->packet.length > real->mtu))
		return refuse_too_big(ctx, real->mtu);
	take_hop(arrival);
	return send(ctx, &arrival->link, real, decision->real, arrival->port, egress_ifindex);
}
