/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What TCP, UDP and SCTP say: ports, which all three have in the same place, and what becomes of the flow.
 */
#pragma once

#include "packet.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define TCP_HEADER 20
#define UDP_HEADER 8
#define SCTP_HEADER 12

struct tcp_flags {
	__u8 pad[13];
	__u8 flags;
};

/* RFC 9260 §3: the common header and the type of the first chunk. */
struct sctp_chunk {
	__u8 pad[SCTP_HEADER];
	__u8 type;
};

#define SCTP_INIT 1
#define SCTP_INIT_ACK 2
#define SCTP_ABORT 6
#define SCTP_SHUTDOWN 7
#define SCTP_SHUTDOWN_ACK 8
#define SCTP_COOKIE_ECHO 10
#define SCTP_COOKIE_ACK 11
#define SCTP_SHUTDOWN_COMPLETE 14

/* RST counts before SYN, SYN before FIN, FIN before ACK: net/netfilter/ipvs/ip_vs_proto_tcp.c. */
static __always_inline enum signal tcp_signal(__u8 flags)
{
	if ((flags & (TCP_RST | TCP_SYN | TCP_FIN | TCP_ACK)) == TCP_ACK)
		return SIGNAL_DATA;
	if (flags & TCP_RST)
		return SIGNAL_ABORT;
	if (flags & TCP_SYN)
		return SIGNAL_BEGIN;
	return flags & TCP_FIN ? SIGNAL_END : SIGNAL_NONE;
}

static __always_inline enum signal sctp_signal(__u8 chunk)
{
	switch (chunk) {
	case SCTP_INIT:
		return SIGNAL_BEGIN;
	case SCTP_INIT_ACK:
		return SIGNAL_INIT_ACK;
	case SCTP_ABORT:
		return SIGNAL_ABORT;
	case SCTP_SHUTDOWN:
		return SIGNAL_END;
	case SCTP_SHUTDOWN_ACK:
		return SIGNAL_SHUTDOWN_ACK;
	case SCTP_COOKIE_ECHO:
		return SIGNAL_COOKIE_ECHO;
	case SCTP_COOKIE_ACK:
		return SIGNAL_COOKIE_ACK;
	case SCTP_SHUTDOWN_COMPLETE:
		return SIGNAL_SHUTDOWN_COMPLETE;
	default:
		return SIGNAL_DATA;
	}
}

/*
 * Reads what follows the headers of IP; `room` bytes of it belong to the packet. The verdict as in ip.h. Each protocol
 * asks once for all that is read of it, its ports included.
 */
static __always_inline __u32 read_transport(void *transport, void *data_end, __u32 room, struct packet *packet)
{
	__u32 protocol = packet->protocol;
	__u32 *ports = transport;

	opaque(protocol);		/* or clang makes a search tree of it, with TCP not at its root */
	if (likely(protocol == PROTOCOL_TCP)) {
		struct tcp_flags *tcp = transport;

		if (room < TCP_HEADER || (void *)(tcp + 1) > data_end)
			return VERDICT_PASS_MALFORMED;
		packet->signal = tcp_signal(tcp->flags);
	} else if (packet->protocol == PROTOCOL_UDP) {
		if (room < UDP_HEADER || (void *)(ports + 1) > data_end)
			return VERDICT_PASS_MALFORMED;
		packet->signal = SIGNAL_DATA;
	} else if (packet->protocol == PROTOCOL_SCTP) {
		struct sctp_chunk *sctp = transport;

		if (room < sizeof(*sctp) || (void *)(sctp + 1) > data_end)
			return VERDICT_PASS_MALFORMED;
		packet->signal = sctp_signal(sctp->type);
	} else {
		return VERDICT_PASS_PROTOCOL;
	}
	packet->ports = *ports;
	return VERDICT_TX;
}
