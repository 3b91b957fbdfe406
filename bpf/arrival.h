/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What came in, and whether it is ours to balance. Both ways that a packet can take begin with this: steady.h and
 * balance.h. Whatever is not for a VIP goes up the stack untouched, whatever it looks like.
 */
#pragma once

#include "decision.h"
#include "ip.h"
#include "station.h"
#include "transport.h"
#include "vip.h"

/* A packet where it stands in its frame, and what it came in by. */
struct arrival {
	struct link link;
	void *ip;			/* of the family that the link's ethertype says */
	void *transport;		/* what follows the headers of IP */
	struct port *port;
};

static __always_inline bool is_ipv6(const struct arrival *arrival)
{
	return arrival->link.ethertype == bpf_htons(ETH_P_IPV6);
}

static __always_inline bool is_ip(const struct arrival *arrival)
{
	return is_ipv6(arrival) || arrival->link.ethertype == bpf_htons(ETH_P_IP);
}

/* False if the frame ends before its addresses do. */
static __always_inline bool read_addresses(struct arrival *arrival, void *data_end, struct packet *packet)
{
	arrival->ip = arrival->link.frame + arrival->link.header;
	if (is_ipv6(arrival)) {
		struct ipv6 *ip = arrival->ip;

		if (unlikely((void *)(ip + 1) > data_end))
			return false;
		packet->client = ip->source;
		packet->vip = ip->destination;
	} else {
		struct iphdr *ip = arrival->ip;

		if (unlikely((void *)(ip + 1) > data_end))
			return false;
		packet->client = mapped_ipv4(ip->saddr);
		packet->vip = mapped_ipv4(ip->daddr);
	}
	return true;
}

/* The verdict as in ip.h. */
static __always_inline __u32 read_headers(struct xdp_md *ctx, struct arrival *arrival, struct packet *packet)
{
	return is_ipv6(arrival) ? read_ipv6(ctx, arrival->ip, packet, &arrival->transport) :
				  read_ipv4(ctx, arrival->ip, packet, &arrival->transport);
}

/* What TCP, UDP and SCTP say; the verdict as in ip.h. */
static __always_inline __u32 read_ports(struct xdp_md *ctx, const struct arrival *arrival, struct packet *packet)
{
	return read_transport(arrival->transport, (void *)(long)ctx->data_end,
			      room_behind(arrival->ip, arrival->transport, packet), packet);
}

/* Adverts of VRRP are to none of our addresses. */
static __always_inline __u32 pass_stranger(struct xdp_md *ctx, const struct arrival *arrival)
{
	if (!is_ipv6(arrival) && ((struct iphdr *)arrival->ip)->protocol == PROTOCOL_VRRP)
		bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ADVERT);
	return VERDICT_PASS_NOT_VIP;
}

/* Neither IPv4 nor IPv6. */
static __always_inline __u32 pass_other(struct xdp_md *ctx, const struct link *link)
{
	if (link->ethertype == bpf_htons(ETH_P_ARP))
		bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ARP);
	return VERDICT_PASS_ETHERTYPE;
}

/*
 * Is an IP packet for a VIP that this node balances, in a frame that is addressed to it? Then its headers of IP are
 * read too, and the verdict is theirs.
 */
static __always_inline __u32 admit(struct xdp_md *ctx, struct arrival *arrival, struct decision *decision)
{
	struct packet *packet = &decision->packet;
	struct vip *vip;

	if (!read_addresses(arrival, (void *)(long)ctx->data_end, packet))
		return VERDICT_PASS_MALFORMED;
	vip = find_vip(&packet->vip);
	if (!vip || (is_ipv6(arrival) && is_mapped_ipv4(&packet->vip)))
		return pass_stranger(ctx, arrival);
	decision->vip = id_of(vip);
	if (!balances(vip, get_settings()))
		return VERDICT_PASS_BACKUP;
	arrival->port = find_port(ctx, &arrival->link);
	if (!arrival->port)
		return VERDICT_PASS_NOT_OURS;
	return read_headers(ctx, arrival, packet);
}
