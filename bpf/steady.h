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

/*
 * For how many ticks a flow may have been idle and its next packet still be taken for one of its own without a look at
 * the cold half: UDP has no SYN to look at it on.
 */
static __always_inline __u32 trusted_idle(const struct settings *settings, __u8 protocol)
{
	return protocol == PROTOCOL_UDP ? TICKS_PER_SECOND : settings->timeouts[steady_state(protocol)];
}

/* The real of a packet that says nothing new of its flow; 0 if it is none. */
static __always_inline __u32 find_steady(const struct settings *settings, const struct packet *packet, __u32 now)
{
	struct place place = flow_place(settings, packet);
	struct entry entry;
	__u32 idle;
	__u64 word;

	if (packet->signal != SIGNAL_DATA || !find_word(&flow_words, &place, &entry))
		return 0;
	word = *(volatile __u64 *)entry.word;
	if (word_state(word) != steady_state(packet->protocol))
		return 0;
	if (likely(word_age(word) == (now & 0xffff)))
		return word_real(word);
	idle = word_idle(word, now);
	if (idle >= trusted_idle(settings, packet->protocol))
		return 0;
	if (idle)
		*(volatile __u64 *)entry.word = with_age(word, now);
	return word_real(word);
}

/* The step is there before the program is attached anywhere: the verdict is for a kernel that fails us. */
static __always_inline __u32 leave_to_balance(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &slow, SLOW_STEP_BALANCE);
	return VERDICT_PASS_NO_FLOW;
}

/* Is that what becomes of the packet, or may the whole way find something better? */
static __always_inline bool is_final(__u32 verdict)
{
	return verdict != VERDICT_TX && verdict != VERDICT_PASS_FRAGMENT && verdict != VERDICT_PASS_PROTOCOL;
}

static __always_inline __u32 keep_steady(struct xdp_md *ctx, struct arrival *arrival, __u32 *egress_ifindex)
{
	const struct settings *settings = get_settings();
	struct decision decision = {};
	__u32 verdict = admit(ctx, arrival, &decision);

	if (verdict == VERDICT_TX)
		verdict = read_ports(ctx, arrival, &decision.packet);
	if (is_final(verdict))
		return verdict;
	if (verdict == VERDICT_TX)
		decision.real = find_steady(settings, &decision.packet, ticks_now(settings));
	if (unlikely(!decision.real))
		return leave_to_balance(ctx);
	verdict = forward(ctx, arrival, &decision, egress_ifindex);
	/* With expire_nodest_conn the flow is over; else it waits until its real is back. */
	return verdict == VERDICT_DROP_REAL_REMOVED ? leave_to_balance(ctx) : verdict;
}
