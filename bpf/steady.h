/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of nearly all packets: those that say nothing new of a flow that is known. It calls no helper, and what is
 * not so takes the whole way of balance.h instead, from its beginning and behind a tail call: that costs who begins a
 * flow some ns, and all others neither registers nor a place in the processor's cache.
 */
#pragma once

#include "arrival.h"
#include "flow.h"
#include "forward.h"

static __always_inline __u32 take_the_whole_way(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &slow, SLOW_STEP_BALANCE);
	return VERDICT_PASS_NO_FLOW;
}

static __always_inline __u32 keep_steady(struct xdp_md *ctx, struct arrival *arrival, __u32 *egress_ifindex)
{
	const struct settings *settings = get_settings();
	struct decision decision = {};
	__u32 verdict = admit(ctx, arrival, &decision);

	if (verdict == VERDICT_TX)
		verdict = read_ports(ctx, arrival, &decision.packet);
	if (verdict == VERDICT_TX)
		decision.real = find_steady(settings, &decision.packet, ticks_now(settings));
	else if (verdict != VERDICT_PASS_FRAGMENT && verdict != VERDICT_PASS_PROTOCOL)
		return verdict;
	if (unlikely(!decision.real))
		return take_the_whole_way(ctx);
	verdict = forward(ctx, arrival, &decision, egress_ifindex);
	/* expire_nodest_conn ends the flow; without it it waits until its real is back. */
	return verdict == VERDICT_DROP_REAL_REMOVED ? take_the_whole_way(ctx) : verdict;
}
