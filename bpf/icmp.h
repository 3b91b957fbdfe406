/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP of both families (RFC 792, RFC 4443), and the errors that routers and clients send about packets from the VIP
 * to a client. A real server sent those, so it must hear of them: without "fragmentation needed" its answers would
 * not get through to who is behind a smaller MTU.
 *
 * An error quotes the beginning of the packet it is about, of which 8 bytes behind the IP header are sure to be there.
 * It went the other way, so the quoted source is the VIP.
 */
#pragma once

#include "compiler.h"
#include "ip.h"

#define ICMP_UNREACHABLE 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_PORT_UNREACHABLE 3		/* codes of "unreachable" */
#define ICMP_FRAGMENTATION_NEEDED 4

#define ICMPV6_UNREACHABLE 1
#define ICMPV6_PACKET_TOO_BIG 2
#define ICMPV6_TIME_EXCEEDED 3
#define ICMPV6_PARAMETER_PROBLEM 4
#define ICMPV6_PORT_UNREACHABLE 4	/* code of "unreachable" */

/* Not from <linux/icmp.h>, which wants the C library's headers of the target. */
struct icmp {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be32 detail;
};

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 sum_words(const void *from, __u32 bytes)
{
	const __u16 *words = from;
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < bytes / 2; i++)
		sum += words[i];
	return sum;
}

/* The sum of what is there to the end of the frame, of `most` bytes at most. */
static __always_inline __u32 sum_to_end(void *from, void *data_end, __u32 most)
{
	__u16 *next = from;
	__u32 sum = 0;

	/* A pointer of its own, or clang stores through one that the verifier takes to be past the end. */
	opaque(next);
	for (int i = 0; i < most / 2; i++, next++) {
		if ((void *)(next + 1) > data_end)
			break;
		sum += *next;
	}
	return sum;
}

/* The ports of a quoted packet: the VIP's and the client's, which a packet to the VIP has in the other order. */
static __always_inline __u32 read_quoted_ports(void *transport, void *data_end, __u8 protocol, struct packet *packet)
{
	__u32 *ports = transport;

	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP && protocol != PROTOCOL_SCTP)
		return VERDICT_PASS_ICMP_NO_FLOW;
	opaque(ports);
	if ((void *)(ports + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	packet->protocol = protocol;
	packet->ports = *ports << 16 | *ports >> 16;
	return VERDICT_TX;
}

static __always_inline bool is_error(__u8 type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETER_PROBLEM;
}

static __always_inline bool is_error_ipv6(__u8 type)
{
	return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
}

/*
 * The flow that an ICMP error to packet->vip is about goes into `packet`, whose length stays that of the error. The
 * verdict as in ip.h: ping is for the stack.
 */
static __always_inline __u32 read_quote_ipv4(struct icmp *icmp, void *data_end, struct packet *packet)
{
	struct iphdr *quoted = (void *)(icmp + 1);

	if (packet->protocol != PROTOCOL_ICMP)
		return VERDICT_PASS_PROTOCOL;
	if ((void *)(icmp + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	if (!is_error(icmp->type))
		return VERDICT_PASS_PROTOCOL;
	if ((void *)(quoted + 1) > data_end || quoted->version != 4 || quoted->ihl < 5)
		return VERDICT_PASS_MALFORMED;
	if (mapped_ipv4(quoted->saddr).low != packet->vip.low || (quoted->frag_off & IP_OFFSET_MASK))
		return VERDICT_PASS_ICMP_NO_FLOW;
	packet->client = mapped_ipv4(quoted->daddr);
	return read_quoted_ports((void *)quoted + quoted->ihl * 4, data_end, quoted->protocol, packet);
}

/* To the ports of a quoted IPv6 packet, or those of a first fragment. The verdict if there are none. */
static __always_inline __u32 skip_to_ports(void *quoted, void *data_end, struct header *header)
{
	struct fragment_header *fragment;

	if (!skip_extensions(quoted, data_end, header))
		return VERDICT_PASS_MALFORMED;
	if (header->kind != PROTOCOL_FRAGMENT)
		return VERDICT_TX;
	fragment = fragment_at(quoted + header->offset, data_end);
	if (!fragment)
		return VERDICT_PASS_MALFORMED;
	if (fragment->offset & IPV6_OFFSET_MASK)
		return VERDICT_PASS_ICMP_NO_FLOW;
	header->kind = fragment->next_header;
	header->offset += sizeof(*fragment);
	return VERDICT_TX;
}

static __always_inline __u32 read_quote_ipv6(struct icmp *icmp, void *data_end, struct packet *packet)
{
	struct ipv6 *quoted = (void *)(icmp + 1);
	struct header header = { sizeof(*quoted) };
	__u32 verdict;

	if (packet->protocol != PROTOCOL_ICMPV6)
		return VERDICT_PASS_PROTOCOL;
	if ((void *)(icmp + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	if (!is_error_ipv6(icmp->type))
		return VERDICT_PASS_PROTOCOL;
	if ((void *)(quoted + 1) > data_end || (bpf_ntohl(quoted->version_class_label) >> 28) != 6)
		return VERDICT_PASS_MALFORMED;
	if (quoted->source.high != packet->vip.high || quoted->source.low != packet->vip.low)
		return VERDICT_PASS_ICMP_NO_FLOW;
	packet->client = quoted->destination;
	header.kind = quoted->next_header;
	verdict = skip_to_ports(quoted, data_end, &header);
	if (verdict != VERDICT_TX)
		return verdict;
	return read_quoted_ports((void *)quoted + header.offset, data_end, header.kind, packet);
}
