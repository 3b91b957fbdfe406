/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ethernet, and up to two VLAN tags. Tags are compared as one number: 16 bits each (enum tag), the innermost
 * lowest; so 0 is an untagged frame. Priorities are left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"
#include "types.h"

/*
 * Ethernet in words: struct ethhdr is packed, and clang reads what is in it byte by byte. ETH_HLEN bytes long; frames
 * are not aligned, which is nothing to the machines that XDP runs on.
 */
struct ethernet {
	__u64 start;			/* the destination's address, and two bytes of the source's */
	__u32 end;
	__be16 ethertype;
};

#define VLAN_TAGS 2

struct vlan_tag {
	__be16 control;
	__be16 ethertype;
};

/* What a frame is made of: its payload begins `header` bytes behind its own beginning. */
struct link {
	void *frame;
	__be16 ethertype;
	__u16 header;
	__u32 tags;
};

static __always_inline bool is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

static __always_inline __u32 tag_number(__be16 ethertype, __be16 control)
{
	__u32 kind = ethertype == bpf_htons(ETH_P_8021AD) ? TAG_PRESENT | TAG_PROVIDER : TAG_PRESENT;

	return kind | (bpf_ntohs(control) & TAG_ID);
}

/* False if the frame ends before its payload begins. */
static __always_inline bool read_link(void *data, void *data_end, struct link *link)
{
	struct ethernet *ethernet = data;
	struct vlan_tag *tag = data + ETH_HLEN;

	if ((void *)tag > data_end)
		return false;
	link->frame = data;
	link->ethertype = ethernet->ethertype;
	link->header = ETH_HLEN;
	link->tags = 0;
	if (likely(link->ethertype == bpf_htons(ETH_P_IP)))
		return true;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS && is_tag(link->ethertype); i++, tag++) {
		if ((void *)(tag + 1) > data_end)
			return false;
		link->tags = link->tags << 16 | tag_number(link->ethertype, tag->control);
		link->ethertype = tag->ethertype;
		link->header += sizeof(*tag);
	}
	return true;
}

/* The first `length` bytes, Ethernet and its tags, to the front of a frame that has grown there by so many bytes. */
static __always_inline bool move_ethernet(struct xdp_md *ctx, __u32 length, __u32 growth)
{
	void *data_end = (void *)(long)ctx->data_end;
	__be16 *to = (void *)(long)ctx->data, *from = (void *)to + growth;

	for (int i = 0; i < (ETH_HLEN + VLAN_TAGS * sizeof(struct vlan_tag)) / 2 && i < length / 2; i++) {
		if ((void *)(from + i + 1) > data_end)
			return false;
		to[i] = from[i];
	}
	return true;
}
