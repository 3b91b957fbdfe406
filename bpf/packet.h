/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is found out about a packet on its way through the program. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d,
 * in two halves in memory order.
 */
#pragma once

#include "link.h"
#include "types.h"

/* struct ipv6hdr and IPPROTO_ come with the C library's headers of the target; these numbers are IANA's. */
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_VRRP 112
#define PROTOCOL_SCTP 132

/* On a stack or behind an IPv6 header, at multiples of 8 bytes there. */
struct address {
	__u64 high;
	__u64 low;
};

/* What a packet says to the state of its flow, whatever the protocol. */
enum signal {
	SIGNAL_DATA,			/* goes on as it was: ACK, a datagram, most chunks of SCTP */
	SIGNAL_BEGIN,			/* SYN, INIT */
	SIGNAL_END,			/* FIN, SHUTDOWN */
	SIGNAL_ABORT,			/* RST, ABORT */
	SIGNAL_NONE,			/* a segment with none of its flags */
	SIGNAL_ERROR,			/* nothing: the packet is an ICMP error about the flow */
	SIGNAL_INIT_ACK,		/* SCTP's own */
	SIGNAL_COOKIE_ECHO,
	SIGNAL_COOKIE_ACK,
	SIGNAL_SHUTDOWN_ACK,
	SIGNAL_SHUTDOWN_COMPLETE,
};

struct packet {
	struct address client;
	struct address vip;
	__u32 ports;			/* as they stand in the packet: client's, then VIP's */
	__u16 length;			/* of IP */
	__u8 protocol;
	__u8 signal;			/* enum signal */
};

/* The halves of ::ffff:a.b.c.d on a little-endian machine. */
static __always_inline struct address mapped_ipv4(__be32 address)
{
	struct address mapped = { 0, (__u64)address << 32 | 0xffff0000 };

	return mapped;
}

static __always_inline bool is_mapped_ipv4(const struct address *address)
{
	return !address->high && (__u32)address->low == 0xffff0000;
}

static __always_inline bool is_same_address(const __u8 *bytes, const struct address *address)
{
	const __u64 *halves = (const __u64 *)bytes;

	return halves[1] == address->low && halves[0] == address->high;
}

static __always_inline struct address read_address(const __u8 *bytes)
{
	const __u64 *halves = (const __u64 *)bytes;
	struct address address = { halves[0], halves[1] };

	return address;
}

/* Of ::ffff:a.b.c.d. */
static __always_inline __be32 ipv4_of(const __u8 *bytes)
{
	return ((const __u32 *)bytes)[3];
}

static __always_inline void write_address(__u8 *bytes, const struct address *address)
{
	((__u64 *)bytes)[0] = address->high;
	((__u64 *)bytes)[1] = address->low;
}

static __always_inline __be16 client_port(const struct packet *packet)
{
	return packet->ports & 0xffff;
}

static __always_inline __be16 vip_port(const struct packet *packet)
{
	return packet->ports >> 16;
}
