/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tunnels: the packet goes to its real server inside another IP packet, of the family of the real's address, so that
 * there may be routers on the way. What is inside has one TTL less, and the outer header takes TTL, DSCP, ECN and
 * "don't fragment" from it, as IPVS does it (ip_vs_tunnel_xmit() and ip_vs_tunnel_xmit_v6() of ip_vs_xmit.c).
 */
#pragma once

#include "forward.h"
#include "icmp.h"
#include "ip.h"

#define PROTOCOL_IPV4_INNER 4
#define PROTOCOL_IPV6_INNER 41

#define ECN 3				/* RFC 3168 §5 */
#define ECN_CAPABLE 2
#define ECN_CONGESTION 3

/* What the outer header says of the packet inside. */
struct inner {
	__u16 length;
	__be16 dont_fragment;		/* a flag of IPv4 */
	__u8 protocol;
	__u8 traffic_class;
	__u8 ttl;
};

/* Congestion that was met so far is the inner header's to tell: RFC 3168 §9.1.1, full functionality. */
static __always_inline __u8 outer_class(__u8 traffic_class)
{
	return (traffic_class & ECN) == ECN_CONGESTION ? (traffic_class & ~ECN) | ECN_CAPABLE : traffic_class;
}

/* Takes a packet's TTL down. The verdict if it cannot go in; TTL before size, as for direct routing. */
static __always_inline __u32 prepare_ipv4(struct xdp_md *ctx, struct iphdr *ip, const struct real *real,
					  struct inner *inner)
{
	if (!is_inside(ip, (void *)(long)ctx->data_end))
		return VERDICT_PASS_MALFORMED;
	if (ip->ttl <= TTL_SPENT)
		return refuse_spent(ctx);
	inner->length = bpf_ntohs(ip->tot_len);
	if (inner->length > real->mtu)
		return refuse_too_big(ctx, real->mtu);
	decrement_ttl(ip);
	inner->protocol = PROTOCOL_IPV4_INNER;
	inner->dont_fragment = ip->frag_off & IP_DONT_FRAGMENT;
	inner->traffic_class = outer_class(ip->tos);
	inner->ttl = ip->ttl;
	return VERDICT_TX;
}

static __always_inline __u32 prepare_ipv6(struct xdp_md *ctx, struct ipv6 *ip, const struct real *real,
					  struct inner *inner)
{
	__u32 length;

	if (!is_inside_ipv6(ip, (void *)(long)ctx->data_end))
		return VERDICT_PASS_MALFORMED;
	if (ip->hop_limit <= TTL_SPENT)
		return refuse_spent(ctx);
	length = sizeof(*ip) + bpf_ntohs(ip->payload_length);
	if (length > real->mtu)
		return refuse_too_big(ctx, real->mtu);
	ip->hop_limit--;
	inner->length = length;
	inner->protocol = PROTOCOL_IPV6_INNER;
	inner->traffic_class = outer_class(bpf_ntohl(ip->version_class_label) >> 20);
	inner->ttl = ip->hop_limit;
	return VERDICT_TX;
}

/* Room for an outer header behind Ethernet, which then says what that is. NULL: there is none. */
static __always_inline void *make_room_outside(struct xdp_md *ctx, struct link *link, __u32 size, __be16 ethertype)
{
	__be16 *type;

	if (bpf_xdp_adjust_head(ctx, -(int)size) || !move_ethernet(ctx, link->header, size))
		return NULL;
	link->frame = (void *)(long)ctx->data;
	type = link->frame + link->header - sizeof(*type);
	if ((void *)(type + 1) + size > (void *)(long)ctx->data_end)
		return NULL;
	*type = ethertype;
	return type + 1;
}

/* An id only for what may be fragmented (RFC 6864 §4.1); IPVS takes one from the kernel's, which XDP cannot. */
static __always_inline bool wrap_in_ipv4(struct xdp_md *ctx, struct link *link, const struct real *real,
					 const struct inner *inner)
{
	struct iphdr *ip = make_room_outside(ctx, link, sizeof(*ip), bpf_htons(ETH_P_IP));

	if (!ip)
		return false;
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = inner->traffic_class;
	ip->tot_len = bpf_htons(sizeof(*ip) + inner->length);
	ip->id = inner->dont_fragment ? 0 : bpf_get_prandom_u32();
	ip->frag_off = inner->dont_fragment;
	ip->ttl = inner->ttl;
	ip->protocol = inner->protocol;
	ip->check = 0;
	ip->saddr = ipv4_of(real->tunnel_source);
	ip->daddr = ipv4_of(real->address);
	ip->check = fold(sum_words(ip, sizeof(*ip)));
	return true;
}

static __always_inline bool wrap_in_ipv6(struct xdp_md *ctx, struct link *link, const struct real *real,
					 const struct inner *inner)
{
	struct ipv6 *ip = make_room_outside(ctx, link, sizeof(*ip), bpf_htons(ETH_P_IPV6));

	if (!ip)
		return false;
	ip->version_class_label = bpf_htonl(6 << 28 | inner->traffic_class << 20);
	ip->payload_length = bpf_htons(inner->length);
	ip->next_header = inner->protocol;
	ip->hop_limit = inner->ttl;
	ip->source = read_address(real->tunnel_source);
	ip->destination = read_address(real->address);
	return true;
}

/* Sends a packet that has been counted on to the real that was handed over, of whichever family the two are. */
static __always_inline __u32 forward_in_tunnel(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	struct handed *handed = get_handed();
	__u32 id = handed ? handed->real : 0;
	struct real *real = real_at(id);
	struct inner inner = {};
	struct port *port;
	struct link link;
	__u32 verdict;
	bool is_wrapped;

	if (!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &link))
		return VERDICT_PASS_MALFORMED;
	port = find_port(ctx, &link);
	if (!port)
		return VERDICT_PASS_NOT_OURS;
	verdict = link.ethertype == bpf_htons(ETH_P_IP) ? prepare_ipv4(ctx, link.frame + link.header, real, &inner) :
							  prepare_ipv6(ctx, link.frame + link.header, real, &inner);
	if (verdict != VERDICT_TX)
		return verdict;
	is_wrapped = real->mode == MODE_TUNNEL_IPV4 ? wrap_in_ipv4(ctx, &link, real, &inner) :
						      wrap_in_ipv6(ctx, &link, real, &inner);
	return is_wrapped ? send(ctx, &link, real, id, port, egress_ifindex) : VERDICT_DROP_NO_HEADROOM;
}
