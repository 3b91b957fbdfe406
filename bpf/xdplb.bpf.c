/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The balancer. A packet's way, top down:
 *
 *   parse → is it for a VIP of ours, and are we its master? → flow → (service → schedule) → rewrite → send
 *
 * Whatever is not for a VIP goes up the stack untouched, whatever it looks like. The way of an established flow
 * calls no helper. What is rare has programs of its own behind tail calls: enum slow_step.
 */
#include "answer.h"
#include "former.h"
#include "forward.h"
#include "related.h"
#include "sweep.h"
#include "trace.h"
#include "transport.h"
#include "tunnel.h"
#include "where.h"
#include "yield.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* expire_nodest_conn ends the flows of a real that has gone; without it they wait until it is back. */
static __always_inline bool may_be_deserted(const struct settings *settings, __u32 real)
{
	return unlikely(settings->rules & RULE_EXPIRE_NODEST_CONN) && is_removed(real);
}

/* To which real the packet goes; or the verdict, if it goes to none. */
static __always_inline void decide(const struct settings *settings, struct decision *decision)
{
	struct decision asked;

	decision->now = ticks_now(settings);
	decision->real = find_steady(settings, &decision->packet, decision->now);
	if (likely(decision->real) && likely(!may_be_deserted(settings, decision->real)))
		return;
	asked = *decision;		/* so that this one can stay in registers */
	asked.real = 0;
	follow_all(&asked);
	decision->real = asked.real;
	decision->verdict = asked.verdict;
	decision->is_new = asked.is_new;
	decision->service = asked.service;
	decision->by_template = asked.by_template;
}

/* Is the packet for a VIP that this node balances, in a frame that is addressed to it? The verdict if not. */
static __always_inline __u32 admit(struct xdp_md *ctx, const struct settings *settings, const struct link *link,
				   __u32 vip, struct port **port)
{
	if (!balances(vip, settings))
		return VERDICT_PASS_BACKUP;
	*port = find_port(ctx, link);
	return *port ? VERDICT_TX : VERDICT_PASS_NOT_OURS;
}

static __always_inline __u32 balance_ipv4(struct xdp_md *ctx, struct decision *decision, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct settings *settings = get_settings();
	struct packet *packet = &decision->packet;
	void *transport;
	struct link link;
	struct iphdr *ip;
	struct port *port;
	__u32 verdict;

	if (unlikely(!read_link(data, data_end, &link)))
		return VERDICT_PASS_ETHERTYPE;
	if (unlikely(link.ethertype != bpf_htons(ETH_P_IP))) {
		if (link.ethertype == bpf_htons(ETH_P_IPV6))
			bpf_tail_call(ctx, &slow, SLOW_STEP_IPV6);
		if (link.ethertype == bpf_htons(ETH_P_ARP))
			bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ARP);
		return VERDICT_PASS_ETHERTYPE;
	}
	ip = data + link.header;
	if (unlikely((void *)(ip + 1) > data_end))
		return VERDICT_PASS_MALFORMED;
	packet->client = mapped_ipv4(ip->saddr);
	packet->vip = mapped_ipv4(ip->daddr);
	decision->vip = find_vip(&packet->vip);
	if (decision->vip == NO_VIP) {
		if (ip->protocol == PROTOCOL_VRRP)
			bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ADVERT);
		return VERDICT_PASS_NOT_VIP;
	}
	verdict = admit(ctx, settings, &link, decision->vip, &port);
	if (verdict == VERDICT_TX)
		verdict = read_ipv4(ctx, ip, packet, &transport);
	if (verdict == VERDICT_TX)
		verdict = read_transport(transport, data_end, room_behind(ip, transport, packet), packet);
	if (verdict != VERDICT_TX) {
		if (verdict == VERDICT_PASS_FRAGMENT)
			bpf_tail_call(ctx, &slow, SLOW_STEP_FRAGMENT);
		if (verdict == VERDICT_PASS_PROTOCOL && packet->protocol == PROTOCOL_ICMP)
			bpf_tail_call(ctx, &slow, SLOW_STEP_ICMP_ERROR);
		return verdict;
	}
	decide(settings, decision);
	return forward_ipv4(ctx, &link, ip, decision, port, egress_ifindex);
}

static __always_inline __u32 balance_ipv6(struct xdp_md *ctx, struct decision *decision, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct settings *settings = get_settings();
	struct packet *packet = &decision->packet;
	void *transport;
	struct link link;
	struct ipv6 *ip;
	struct port *port;
	__u32 verdict;

	if (!read_link(data, data_end, &link))
		return VERDICT_PASS_ETHERTYPE;
	ip = data + link.header;
	if ((void *)(ip + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	packet->client = ip->source;
	packet->vip = ip->destination;
	decision->vip = find_vip(&packet->vip);
	if (decision->vip == NO_VIP || is_mapped_ipv4(&packet->vip))
		return VERDICT_PASS_NOT_VIP;
	verdict = admit(ctx, settings, &link, decision->vip, &port);
	if (verdict == VERDICT_TX)
		verdict = read_ipv6(ctx, ip, packet, &transport);
	if (verdict == VERDICT_TX)
		verdict = read_transport(transport, data_end, room_behind(ip, transport, packet), packet);
	if (verdict != VERDICT_TX) {
		if (verdict == VERDICT_PASS_FRAGMENT)
			bpf_tail_call(ctx, &slow, SLOW_STEP_FRAGMENT_IPV6);
		if (verdict == VERDICT_PASS_PROTOCOL && packet->protocol == PROTOCOL_ICMPV6)
			bpf_tail_call(ctx, &slow, SLOW_STEP_ICMP_ERROR_IPV6);
		return verdict;
	}
	decide(settings, decision);
	return forward_ipv6(ctx, &link, ip, decision, port, egress_ifindex);
}

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

/* The programs. All of them take frames in several buffers where the kernel has them: the loader sees to it. */

SEC("xdp")
int xdplb(struct xdp_md *ctx)
{
	struct decision decision = {};
	__u32 egress_ifindex = 0;
	__u32 verdict;

	if (is_traced())
		bpf_tail_call(ctx, &slow, SLOW_STEP_TRACED);
	verdict = balance_ipv4(ctx, &decision, &egress_ifindex);
	return leave(verdict, egress_ifindex);
}

SEC("xdp")
int traced(struct xdp_md *ctx)
{
	struct decision *decision = begin_trace();
	__u32 egress_ifindex = 0;
	__u32 verdict = decision ? balance_ipv4(ctx, decision, &egress_ifindex) : VERDICT_PASS_MALFORMED;

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int ipv6(struct xdp_md *ctx)
{
	struct decision decision = {};
	__u32 egress_ifindex = 0;
	__u32 verdict;

	if (is_traced())
		bpf_tail_call(ctx, &slow, SLOW_STEP_TRACED_IPV6);
	verdict = balance_ipv6(ctx, &decision, &egress_ifindex);
	return leave(verdict, egress_ifindex);
}

SEC("xdp")
int traced_ipv6(struct xdp_md *ctx)
{
	struct decision *decision = begin_trace();
	__u32 egress_ifindex = 0;
	__u32 verdict = decision ? balance_ipv6(ctx, decision, &egress_ifindex) : VERDICT_PASS_MALFORMED;

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int fragment(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = forward_fragment(ctx, &egress_ifindex);

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int fragment_ipv6(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = forward_fragment_ipv6(ctx, &egress_ifindex);

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int icmp_error(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = forward_error(ctx, &egress_ifindex);

	return leave_traced(verdict, egress_ifindex);
}

SEC("xdp")
int icmp_error_ipv6(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = forward_error_ipv6(ctx, &egress_ifindex);

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
int time_exceeded(struct xdp_md *ctx)
{
	const struct answer in_ipv4 = { ICMP_TIME_EXCEEDED };
	const struct answer in_ipv6 = { ICMPV6_TIME_EXCEEDED };

	return leave_traced(answer(ctx, &in_ipv4, &in_ipv6) ? VERDICT_TX_TIME_EXCEEDED : VERDICT_DROP_TTL, 0);
}

SEC("xdp")
int too_big(struct xdp_md *ctx)
{
	__be32 mtu = bpf_htonl(get_handed());
	const struct answer in_ipv4 = { ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu };
	const struct answer in_ipv6 = { ICMPV6_PACKET_TOO_BIG, 0, mtu };

	return leave_traced(answer(ctx, &in_ipv4, &in_ipv6) ? VERDICT_TX_TOO_BIG : VERDICT_DROP_TOO_BIG, 0);
}

SEC("xdp")
int no_real(struct xdp_md *ctx)
{
	const struct answer in_ipv4 = { ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE };
	const struct answer in_ipv6 = { ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE };

	return leave_traced(answer(ctx, &in_ipv4, &in_ipv6) ? VERDICT_TX_NO_REAL : VERDICT_DROP_NO_REAL, 0);
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
