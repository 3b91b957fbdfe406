/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's whole way, top down:
 *
 *   parse → is it for a VIP of ours, and are we its master? → flow → (service → schedule) → rewrite → send
 *
 * Taken by what begins, changes or ends a flow, by fragments and ICMP errors, by what is not found steady (steady.h),
 * and by all packets while a trace is on.
 */
#pragma once

#include "arrival.h"
#include "former.h"
#include "forward.h"
#include "fragment.h"
#include "icmp.h"

static __always_inline bool is_icmp(const struct arrival *arrival, const struct packet *packet)
{
	return packet->protocol == (is_ipv6(arrival) ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
}

/* An ICMP error goes to the real of the flow that it is about; a trace tells it as a packet of that. */
static __always_inline __u32 decide_error(struct xdp_md *ctx, const struct arrival *arrival, struct decision *decision)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u32 verdict = is_ipv6(arrival) ? read_quote_ipv6(arrival->transport, data_end, &decision->packet) :
					   read_quote_ipv4(arrival->transport, data_end, &decision->packet);

	if (verdict != VERDICT_TX)
		return verdict;
	decision->packet.signal = SIGNAL_ERROR;
	decision->verdict = VERDICT_PASS_ICMP_NO_FLOW;
	recall_all(decision);
	return VERDICT_TX;
}

/* The real of a packet; or the verdict, if it goes to none. VERDICT_TX says no more than that it was asked for. */
static __always_inline __u32 decide(struct xdp_md *ctx, struct arrival *arrival, struct decision *decision)
{
	__u32 verdict = admit(ctx, arrival, decision);

	if (verdict == VERDICT_PASS_FRAGMENT)
		return decide_fragment(ctx, arrival, decision);
	if (verdict != VERDICT_TX)
		return verdict;
	if (is_icmp(arrival, &decision->packet))
		return decide_error(ctx, arrival, decision);
	verdict = read_ports(ctx, arrival, &decision->packet);
	if (verdict == VERDICT_TX)
		follow_all(decision);
	return verdict;
}

/* Where the decision on this packet is kept, blank. */
static __always_inline struct decision *begin_decision(void)
{
	__u32 zero = 0;
	struct decision *decision = bpf_map_lookup_elem(&decisions, &zero);

	if (decision)
		__builtin_memset(decision, 0, sizeof(*decision));
	return decision;
}

static __always_inline __u32 take_whole_way(struct xdp_md *ctx, struct decision *decision, __u32 *egress_ifindex)
{
	struct arrival arrival;
	__u32 verdict;

	decision->now = ticks_now(get_settings());
	if (!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &arrival.link))
		return VERDICT_PASS_ETHERTYPE;
	if (!is_ip(&arrival))
		return pass_other(ctx, &arrival.link);
	verdict = decide(ctx, &arrival, decision);
	return verdict == VERDICT_TX ? forward(ctx, &arrival, decision, egress_ifindex) : verdict;
}
