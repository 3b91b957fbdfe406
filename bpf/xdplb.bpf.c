/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs: that of every packet, those behind tail calls (enum slow_step), and those that TypeScript runs by
 * BPF_PROG_TEST_RUN. All of them take frames in several buffers where the kernel has them: the loader sees to it.
 */
#include "answer.h"
#include "balance.h"
#include "steady.h"
#include "sweep.h"
#include "trace.h"
#include "tunnel.h"
#include "where.h"
#include "yield.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int leave(__u32 verdict, __u32 egress_ifindex)
{
	count_verdict(verdict);
	if (verdict == VERDICT_REDIRECT)
		return bpf_redirect_map(&egress, egress_ifindex, XDP_DROP);
	if (verdict >= VERDICT_TX_NO_REAL)
		return XDP_TX;
	return verdict >= VERDICT_DROP_NO_REAL ? XDP_DROP : XDP_PASS;
}

/* As leave(), where the packet may be one that is traced. */
static __always_inline int leave_traced(__u32 verdict, __u32 egress_ifindex)
{
	if (is_traced())
		trace(verdict);
	return leave(verdict, egress_ifindex);
}

SEC("xdp")
int xdplb(struct xdp_md *ctx)
{
	struct arrival arrival;
	__u32 egress_ifindex = 0;
	__u32 verdict;

	if (is_traced())
		bpf_tail_call(ctx, &slow, SLOW_STEP_BALANCE);
	if (unlikely(!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &arrival.link)))
		return leave(VERDICT_PASS_ETHERTYPE, 0);
	if (unlikely(arrival.link.ethertype != bpf_htons(ETH_P_IP))) {
		if (is_ipv6(&arrival))
			bpf_tail_call(ctx, &slow, SLOW_STEP_IPV6);
		return leave(pass_other(ctx, &arrival.link), 0);
	}
	verdict = keep_steady(ctx, &arrival, &egress_ifindex);
	return leave(verdict, egress_ifindex);
}

SEC("xdp")
int ipv6(struct xdp_md *ctx)
{
	struct arrival arrival;
	__u32 egress_ifindex = 0;
	__u32 verdict;

	if (!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &arrival.link) || !is_ipv6(&arrival))
		return leave(VERDICT_PASS_ETHERTYPE, 0);
	verdict = keep_steady(ctx, &arrival, &egress_ifindex);
	return leave(verdict, egress_ifindex);
}

SEC("xdp")
int balance(struct xdp_md *ctx)
{
	struct decision *decision = begin_decision();
	__u32 egress_ifindex = 0;
	__u32 verdict = decision ? take_whole_way(ctx, decision, &egress_ifindex) : VERDICT_PASS_MALFORMED;

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int tunnel(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = forward_in_tunnel(ctx, &egress_ifindex);

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int answer(struct xdp_md *ctx)
{
	return leave_traced(answer_refused(ctx), 0);
}

SEC("xdp")
int hear_advert(struct xdp_md *ctx)
{
	yield_to_master((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return leave_traced(VERDICT_PASS_NOT_VIP, 0);
}

SEC("xdp")
int hear_arp(struct xdp_md *ctx)
{
	bool is_for_yielded = asks_for_yielded((void *)(long)ctx->data, (void *)(long)ctx->data_end);

	return leave_traced(is_for_yielded ? VERDICT_DROP_ARP : VERDICT_PASS_ETHERTYPE, 0);
}

/* By BPF_PROG_TEST_RUN: where would this packet go? Writes struct whereabouts over it, and nothing anywhere else. */
SEC("xdp")
int where(struct xdp_md *ctx)
{
	return answer_where(ctx) ? XDP_PASS : XDP_ABORTED;
}

/*
 * By BPF_PROG_TEST_RUN: sweeps LIMIT_SWEPT buckets of both tables, from the one whose number the packet begins with. In
 * one run: whoever asks for more of them waits for the kernel to put the program into its dispatcher (tens of ms).
 */
SEC("xdp")
int sweep(struct xdp_md *ctx)
{
	__u32 *first = (void *)(long)ctx->data;
	__u32 at;

	if ((void *)(first + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	at = *first;
	for (__u32 i = 0; i < LIMIT_SWEPT; i++)
		sweep_bucket(at + i);
	return XDP_PASS;
}

/* The same: moves what is in LIMIT_MOVED slots of the former tables. */
SEC("xdp")
int move(struct xdp_md *ctx)
{
	__u32 *first = (void *)(long)ctx->data;
	__u32 at;

	if ((void *)(first + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	at = *first;
	for (__u32 i = 0; i < LIMIT_MOVED; i++)
		move_slot(at + i);
	return XDP_PASS;
}

/* For the loader, by BPF_PROG_TEST_RUN: writes jiffies (u64) and ticks (u32) at the beginning of the packet. */
SEC("xdp")
int read_clock(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct settings *settings = get_settings();

	if (data + sizeof(__u64) + sizeof(__u32) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(__u64 *)data = bpf_jiffies64();
	*(__u32 *)(data + sizeof(__u64)) = ticks_now(settings);
	return XDP_PASS;
}
