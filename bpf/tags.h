/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Ethernet header that leads to a real. Where the real is in the VLAN that the frame came in by, that is other MAC
 * addresses; else the tags are rewritten, pushed or popped too.
 *
 * New tags have priority 0, as where IPVS sends a packet: the VLAN's interface makes the tag from the packet's priority
 * there, by a table that is all 0 unless egress-qos-map says otherwise (net/8021q/vlan_dev.c). Tags that stay keep
 * theirs. A frame that is shorter than Ethernet's least without its tag is padded by the network card, as it is when
 * the stack sends it.
 */
#pragma once

#include "compiler.h"
#include "link.h"
#include "maps.h"

/* Bytes before the payload of a frame with these tags. */
static __always_inline __u32 header_with(__u32 tags)
{
	__u32 tag = sizeof(struct vlan_tag);

	return ETH_HLEN + (tags ? tag : 0) + (tags >> 16 ? tag : 0);
}

static __always_inline void set_macs(void *frame, const struct real *real)
{
	const struct ethernet *macs = (const void *)real;
	struct ethernet *ethernet = frame;

	ethernet->start = macs->start;
	ethernet->end = macs->end;
}

/* Where the ethertype stands after a tag, if there is one. */
static __always_inline __be16 *put_tag(__be16 *ethertype, __u32 tag)
{
	if (!(tag & TAG_PRESENT))
		return ethertype;
	ethertype[0] = tag & TAG_PROVIDER ? bpf_htons(ETH_P_8021AD) : bpf_htons(ETH_P_8021Q);
	ethertype[1] = bpf_htons(tag & TAG_ID);
	return ethertype + 2;
}

/* Writes the header to the front of a frame whose payload begins header_with(real->tags) bytes behind it. */
static __always_inline bool write_link(struct xdp_md *ctx, const struct real *real, __u32 tags, __be16 ethertype)
{
	struct ethernet *ethernet = (void *)(long)ctx->data;
	__be16 *end = &ethernet->ethertype;

	if ((void *)ethernet + ETH_HLEN + VLAN_TAGS * sizeof(struct vlan_tag) > (void *)(long)ctx->data_end)
		return false;
	set_macs(ethernet, real);
	end = put_tag(end, tags >> 16);
	end = put_tag(end, tags);
	*end = ethertype;
	return true;
}

/*
 * Sends a frame to a real in another VLAN. False: it may not be sent, for there was no room. A function of its own,
 * which the verifier proves once for all programs.
 */
PROVED_ONCE int retag(struct xdp_md *ctx, __u32 id)
{
	struct real *real = real_at(id);
	__u32 tags = real->tags;
	struct link link;

	opaque(tags);			/* read once: it may be changed meanwhile */
	if (!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &link))
		return false;
	if (bpf_xdp_adjust_head(ctx, (int)link.header - (int)header_with(tags)))
		return false;
	return write_link(ctx, real, tags, link.ethertype);
}
