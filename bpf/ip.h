/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The headers of IPv4 and IPv6. Each step checks the bounds it needs and says what comes next; nothing here decides.
 */
#pragma once

#include <linux/ip.h>
#include <bpf/bpf_core_read.h>

#include "compiler.h"
#include "packet.h"

#define IP_DONT_FRAGMENT bpf_htons(0x4000)
#define IP_MORE_FRAGMENTS bpf_htons(0x2000)
#define IP_OFFSET_MASK bpf_htons(0x1fff)
#define IP_FRAGMENT_MASK (IP_MORE_FRAGMENTS | IP_OFFSET_MASK)

#define IPV6_MORE_FRAGMENTS bpf_htons(1)
#define IPV6_OFFSET_MASK bpf_htons(0xfff8)

/* RFC 8200 §3. Not from <linux/ipv6.h>, which wants the C library's headers of the target. */
struct ipv6 {
	__be32 version_class_label;
	__be16 payload_length;
	__u8 next_header;
	__u8 hop_limit;
	struct address source;
	struct address destination;
};

/* RFC 8200 §4.3, 4.4, 4.6: what hop-by-hop options, routing and destination options have in common. */
struct extension {
	__u8 next_header;
	__u8 length;			/* in units of 8 bytes, without the first */
	__u8 pad[6];
};

/* RFC 8200 §4.5. */
struct fragment_header {
	__u8 next_header;
	__u8 reserved;
	__be16 offset;			/* IPV6_OFFSET_MASK, IPV6_MORE_FRAGMENTS */
	__be32 id;
};

/* A place among the headers of an IPv6 packet. */
struct header {
	__u32 offset;			/* from the header that was begun with */
	__u8 kind;			/* as the header before says */
};

#define EXTENSION_HOP_BY_HOP 0
#define EXTENSION_ROUTING 43
#define EXTENSION_DESTINATION 60
#define MOST_EXTENSIONS 6			/* of one packet that are looked through */

/* What is behind Ethernet and its tags, if it is of that type; else NULL. */
static __always_inline void *find_payload(void *data, void *data_end, __be16 wanted, struct link *link)
{
	return read_link(data, data_end, link) && link->ethertype == wanted ? data + link->header : NULL;
}

static __always_inline struct iphdr *find_ipv4(void *data, void *data_end, struct link *link)
{
	return find_payload(data, data_end, bpf_htons(ETH_P_IP), link);
}

/* Is there a whole IPv4 header? The two questions are kept apart, or clang asks the second one of a NULL. */
static __always_inline bool is_inside(struct iphdr *ip, void *data_end)
{
	if (!ip)
		return false;
	opaque(ip);
	return (void *)(ip + 1) <= data_end;
}

static __always_inline bool is_inside_ipv6(struct ipv6 *ip, void *data_end)
{
	if (!ip)
		return false;
	opaque(ip);
	return (void *)(ip + 1) <= data_end;
}

/*
 * Do the bytes that IP promises exist? A frame in several buffers shows only the first one here, so its length is
 * asked for; kernels before 5.18 know neither such frames nor the helper.
 */
static __always_inline bool is_whole(struct xdp_md *ctx, void *ip, __u32 length)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (ip + length <= data_end)
		return true;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		return false;
	return ip - data + length <= bpf_xdp_get_buff_len(ctx);
}

/*
 * The VERDICT_PASS_ that an IPv4 packet gets for its headers, or VERDICT_TX; then *transport is what follows them,
 * and at least `packet->length` bytes minus them are there.
 */
static __always_inline __u32 read_ipv4(struct xdp_md *ctx, struct iphdr *ip, struct packet *packet, void **transport)
{
	__u8 first = *(__u8 *)ip;
	__u32 header = (first & 0xf) * 4;
	__u32 length = bpf_ntohs(ip->tot_len);

	/* version 4 and at least 20 bytes, in one comparison */
	if ((__u8)(first - 0x45) > 0xf - 5 || length < header || !is_whole(ctx, ip, length))
		return VERDICT_PASS_MALFORMED;
	packet->length = length;
	packet->protocol = ip->protocol;
	*transport = (void *)ip + header;
	return ip->frag_off & IP_FRAGMENT_MASK ? VERDICT_PASS_FRAGMENT : VERDICT_TX;
}

/* How much of a packet follows its headers of IP: kept in 64 bits, for pointers have no difference in 32. */
static __always_inline __u32 room_behind(const void *ip, const void *transport, const struct packet *packet)
{
	__u64 headers = transport - ip;

	opaque(headers);
	return packet->length - headers;
}

static __always_inline bool is_extension(__u8 next_header)
{
	return next_header == EXTENSION_HOP_BY_HOP || next_header == EXTENSION_ROUTING ||
	       next_header == EXTENSION_DESTINATION;
}

/* From one header to the first that is no extension. False if the frame ends before. */
static __always_inline bool skip_extensions(void *first, void *data_end, struct header *header)
{
	for (int i = 0; i < MOST_EXTENSIONS && is_extension(header->kind); i++) {
		struct extension *extension = first + header->offset;

		opaque(extension);
		if ((void *)(extension + 1) > data_end)
			return false;
		header->kind = extension->next_header;
		header->offset += (extension->length + 1) * 8;
	}
	return true;
}

/* The fragment header of an IPv6 packet, if it is all there. */
static __always_inline struct fragment_header *fragment_at(void *header, void *data_end)
{
	struct fragment_header *fragment = header;

	opaque(fragment);
	return (void *)(fragment + 1) <= data_end ? fragment : NULL;
}

/* The same of an IPv6 packet, whose extension headers are walked through. */
static __always_inline __u32 read_ipv6(struct xdp_md *ctx, struct ipv6 *ip, struct packet *packet, void **transport)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u32 length = sizeof(*ip) + bpf_ntohs(ip->payload_length);
	struct header header = { sizeof(*ip), ip->next_header };

	if ((bpf_ntohl(ip->version_class_label) >> 28) != 6 || !is_whole(ctx, ip, length))
		return VERDICT_PASS_MALFORMED;
	if (!skip_extensions(ip, data_end, &header) || header.offset > length)
		return VERDICT_PASS_MALFORMED;
	packet->length = length;
	packet->protocol = header.kind;
	*transport = (void *)ip + header.offset;
	return header.kind == PROTOCOL_FRAGMENT ? VERDICT_PASS_FRAGMENT : VERDICT_TX;
}
