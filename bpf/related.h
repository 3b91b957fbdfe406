/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What belongs to a flow without being a packet of it: fragments and ICMP errors. Each begins anew behind a tail
 * call, with a packet for a VIP that this node balances.
 */
#pragma once

#include "forward.h"
#include "fragment.h"
#include "icmp.h"
#include "vip.h"

/* What was known before the tail call, found again. True; but the verifier wants to hear of the other case. */
static __always_inline bool resume(struct xdp_md *ctx, const struct link *link, struct decision *decision,
				   struct port **port)
{
	decision->now = ticks_now(get_settings());
	decision->vip = find_vip(&decision->packet.vip);
	*port = find_port(ctx, link);
	return *port && decision->vip != NO_VIP;
}

static __always_inline bool resume_ipv4(struct xdp_md *ctx, const struct link *link, struct iphdr *ip,
					struct decision *decision, struct port **port)
{
	if (!is_inside(ip, (void *)(long)ctx->data_end))
		return false;
	decision->packet.client = mapped_ipv4(ip->saddr);
	decision->packet.vip = mapped_ipv4(ip->daddr);
	return resume(ctx, link, decision, port);
}

static __always_inline bool resume_ipv6(struct xdp_md *ctx, const struct link *link, struct ipv6 *ip,
					struct decision *decision, struct port **port)
{
	if (!is_inside_ipv6(ip, (void *)(long)ctx->data_end))
		return false;
	decision->packet.client = ip->source;
	decision->packet.vip = ip->destination;
	return resume(ctx, link, decision, port);
}

static __always_inline __u32 forward_fragment(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct link link;
	struct iphdr *ip = find_ipv4(data, data_end, &link);
	struct decision decision = {};
	struct fragment_body body = { .data_end = data_end };
	struct fragment_key key;
	struct port *port;
	__u32 verdict;

	if (!resume_ipv4(ctx, &link, ip, &decision, &port))
		return VERDICT_PASS_MALFORMED;
	verdict = read_ipv4(ctx, ip, &decision.packet, &body.start);
	if (verdict != VERDICT_PASS_FRAGMENT)
		return verdict;
	body.room = room_behind(ip, body.start, &decision.packet);
	body.is_first = !(ip->frag_off & IP_OFFSET_MASK);
	key = fragment_key_of(&decision, ip->id, ip->protocol);
	verdict = decide_fragment(&key, &body, &decision);
	if (verdict != VERDICT_TX)
		return verdict;
	return forward_ipv4(ctx, &link, ip, &decision, port, egress_ifindex);
}

/* Behind the fragment header, and behind the extensions that follow it in a first fragment (RFC 7112). */
static __always_inline bool enter_fragment(struct ipv6 *ip, struct fragment_header *fragment, struct packet *packet,
					   struct fragment_body *body)
{
	struct header header = { sizeof(*fragment), fragment->next_header };
	__u32 room = packet->length - ((void *)fragment - (void *)ip);

	body->is_first = !(fragment->offset & IPV6_OFFSET_MASK);
	if (!body->is_first)
		return true;
	if (!skip_extensions(fragment, body->data_end, &header) || header.offset > room)
		return false;
	packet->protocol = header.kind;
	body->start = (void *)fragment + header.offset;
	body->room = room - header.offset;
	return true;
}

static __always_inline __u32 forward_fragment_ipv6(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct link link;
	struct ipv6 *ip = find_ipv6(data, data_end, &link);
	struct decision decision = {};
	struct fragment_body body = { .data_end = data_end };
	struct fragment_header *fragment;
	struct fragment_key key;
	struct port *port;
	__u32 verdict;

	if (!resume_ipv6(ctx, &link, ip, &decision, &port))
		return VERDICT_PASS_MALFORMED;
	verdict = read_ipv6(ctx, ip, &decision.packet, &body.start);
	if (verdict != VERDICT_PASS_FRAGMENT)
		return verdict;
	fragment = fragment_at(body.start, data_end);
	if (!fragment || !enter_fragment(ip, fragment, &decision.packet, &body))
		return VERDICT_PASS_MALFORMED;
	key = fragment_key_of(&decision, fragment->id, PROTOCOL_FRAGMENT);
	verdict = decide_fragment(&key, &body, &decision);
	if (verdict != VERDICT_TX)
		return verdict;
	return forward_ipv6(ctx, &link, ip, &decision, port, egress_ifindex);
}

static __always_inline __u32 forward_error(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct link link;
	struct iphdr *ip = find_ipv4(data, data_end, &link);
	struct decision decision = {};
	struct port *port;
	void *icmp;
	__u32 verdict;

	if (!resume_ipv4(ctx, &link, ip, &decision, &port))
		return VERDICT_PASS_MALFORMED;
	verdict = read_ipv4(ctx, ip, &decision.packet, &icmp);
	if (verdict == VERDICT_TX)
		verdict = read_quote_ipv4(icmp, data_end, &decision.packet);
	if (verdict != VERDICT_TX)
		return verdict;
	decision.verdict = VERDICT_PASS_ICMP_NO_FLOW;
	recall_all(&decision);
	return forward_ipv4(ctx, &link, ip, &decision, port, egress_ifindex);
}

static __always_inline __u32 forward_error_ipv6(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct link link;
	struct ipv6 *ip = find_ipv6(data, data_end, &link);
	struct decision decision = {};
	struct port *port;
	void *icmp;
	__u32 verdict;

	if (!resume_ipv6(ctx, &link, ip, &decision, &port))
		return VERDICT_PASS_MALFORMED;
	verdict = read_ipv6(ctx, ip, &decision.packet, &icmp);
	if (verdict == VERDICT_TX)
		verdict = read_quote_ipv6(icmp, data_end, &decision.packet);
	if (verdict != VERDICT_TX)
		return verdict;
	decision.verdict = VERDICT_PASS_ICMP_NO_FLOW;
	recall_all(&decision);
	return forward_ipv6(ctx, &link, ip, &decision, port, egress_ifindex);
}
