/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments. The first one of a datagram has the ports and is balanced like any packet; the others go where it went.
 * Nothing is kept of those that come before it.
 */
#pragma once

#include "arrival.h"
#include "former.h"

#define FRAGMENT_KEPT (30 * TICKS_PER_SECOND)	/* IP_FRAG_TIME of the kernel's include/net/ip.h */

static __always_inline struct fragment_key fragment_key_of(const struct decision *decision, __be32 id, __u8 protocol)
{
	struct fragment_key key = { .id = id, .vip = decision->vip, .protocol = protocol };

	write_address(key.source, &decision->packet.client);
	return key;
}

/* The first fragment of a datagram: its others will follow it. The verdict as in decide(). */
static __always_inline __u32 begin_fragments(struct xdp_md *ctx, const struct arrival *arrival,
					     const struct fragment_key *key, struct decision *decision)
{
	struct fragment fragment = { .since = decision->now };
	__u32 verdict = read_ports(ctx, arrival, &decision->packet);

	if (verdict != VERDICT_TX)
		return verdict;
	follow_all(decision);
	fragment.real = decision->real;
	if (decision->real)
		bpf_map_update_elem(&fragments, key, &fragment, BPF_ANY);
	return VERDICT_TX;
}

static __always_inline __u32 follow_fragments(const struct fragment_key *key, struct decision *decision)
{
	struct fragment *fragment = bpf_map_lookup_elem(&fragments, key);

	if (!fragment || decision->now - fragment->since >= FRAGMENT_KEPT)
		return VERDICT_PASS_FRAGMENT;
	decision->real = fragment->real;
	return VERDICT_TX;
}

static __always_inline __u32 decide_fragment_ipv4(struct xdp_md *ctx, const struct arrival *arrival,
						  struct decision *decision)
{
	const struct iphdr *ip = arrival->ip;
	struct fragment_key key = fragment_key_of(decision, ip->id, ip->protocol);

	return ip->frag_off & IP_OFFSET_MASK ? follow_fragments(&key, decision) :
					       begin_fragments(ctx, arrival, &key, decision);
}

/* Past the fragment header, and past the extensions that follow it in a first fragment (RFC 7112). */
static __always_inline bool enter_fragment(struct arrival *arrival, void *data_end, struct packet *packet)
{
	struct fragment_header *fragment = arrival->transport;
	__u32 room = room_behind(arrival->ip, fragment, packet);
	struct header header = { sizeof(*fragment), fragment->next_header };

	if (!skip_extensions(fragment, data_end, &header) || header.offset > room)
		return false;
	packet->protocol = header.kind;
	arrival->transport = (void *)fragment + header.offset;
	return true;
}

static __always_inline __u32 decide_fragment_ipv6(struct xdp_md *ctx, struct arrival *arrival,
						  struct decision *decision)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct fragment_header *fragment = fragment_at(arrival->transport, data_end);
	struct fragment_key key;

	if (!fragment)
		return VERDICT_PASS_MALFORMED;
	key = fragment_key_of(decision, fragment->id, PROTOCOL_FRAGMENT);
	if (fragment->offset & IPV6_OFFSET_MASK)
		return follow_fragments(&key, decision);
	if (!enter_fragment(arrival, data_end, &decision->packet))
		return VERDICT_PASS_MALFORMED;
	return begin_fragments(ctx, arrival, &key, decision);
}

/* The real of a fragment; or the verdict, as in decide(). */
static __always_inline __u32 decide_fragment(struct xdp_md *ctx, struct arrival *arrival, struct decision *decision)
{
	return is_ipv6(arrival) ? decide_fragment_ipv6(ctx, arrival, decision) :
				  decide_fragment_ipv4(ctx, arrival, decision);
}
