/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's way, top down:
 *
 *   parse → is it for a VIP of ours, and are we its master? → flow → (service → schedule) → rewrite → send
 *
 * Whatever is not for a VIP goes up the stack untouched, whatever it looks like. The way of an established flow
 * calls no helper.
 */
#pragma once

#include "former.h"
#include "forward.h"
#include "station.h"
#include "transport.h"
#include "vip.h"

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
