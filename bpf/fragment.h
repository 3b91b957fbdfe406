/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments. The first one of a datagram has the ports and is balanced like any packet; the others go where it went.
 * Nothing is kept of those that come before it.
 */
#pragma once

#include "former.h"
#include "transport.h"

#define FRAGMENT_KEPT (30 * TICKS_PER_SECOND)	/* IP_FRAG_TIME of the kernel's include/net/ip.h */

/* What a fragment has behind the headers of IP, `room` bytes of it. */
struct fragment_body {
	void *start;
	void *data_end;
	__u32 room;
	bool is_first;
};

static __always_inline struct fragment_key fragment_key_of(const struct decision *decision, __be32 id, __u8 protocol)
{
	struct fragment_key key = { .id = id, .vip = decision->vip, .protocol = protocol };

	write_address(key.source, &decision->packet.client);
	return key;
}

static __always_inline __u32 begin_fragments(const struct fragment_key *key, const struct fragment_body *body,
					     struct decision *decision)
{
	struct fragment fragment = { .since = decision->now };
	__u32 verdict = read_transport(body->start, body->data_end, body->room, &decision->packet);

	if (verdict != VERDICT_TX)
		return verdict;
	follow_all(decision);
	fragment.real = decision->real;
	if (decision->real)
		bpf_map_update_elem(&fragments, key, &fragment, BPF_ANY);
	return VERDICT_TX;
}

/* The real of a fragment; or the verdict, if it goes to none. VERDICT_TX says no more than that it was asked for. */
static __always_inline __u32 decide_fragment(const struct fragment_key *key, const struct fragment_body *body,
					     struct decision *decision)
{
	struct fragment *fragment;

	if (body->is_first)
		return begin_fragments(key, body, decision);
	fragment = bpf_map_lookup_elem(&fragments, key);
	if (!fragment || decision->now - fragment->since >= FRAGMENT_KEPT)
		return VERDICT_PASS_FRAGMENT;
	decision->real = fragment->real;
	return VERDICT_TX;
}
