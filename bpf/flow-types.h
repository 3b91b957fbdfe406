/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept of a flow, of a persistence template and of a fragmented datagram: shared with TypeScript, by the
 * rules of types.h.
 */
#pragma once

#include <linux/types.h>

/*
 * A word of the flow and template tables: signature 28 | real 16 | age 16 | state 4. Zero was never used; a freed
 * word keeps a bit, so that a bucket once full is known to have overflowed.
 */
enum word {
	WORD_SIGNATURE_SHIFT = 36,
	WORD_REAL_SHIFT = 20,
	WORD_AGE_SHIFT = 4,
	WORD_FREED = 16,
	WORD_FUTURE = 65472,		/* idle for longer is younger than whoever asks thought: by 64 ticks at most */
};

/*
 * State of a flow, 4 bits of its word. Names as IPVS prints them; IPVS's input-only tables reach no other state when a
 * director sees one direction (net/netfilter/ipvs/ip_vs_proto_tcp.c, _sctp.c).
 */
enum flow_state {
	FLOW_STATE_FREE = 0,
	FLOW_STATE_SYN_RECV = 1,
	FLOW_STATE_UDP_NEW = 2,		/* one packet seen; IPVS has one state for UDP, this one is UDP there */
	FLOW_STATE_SCTP_INIT1 = 3,
	FLOW_STATE_CLOSE = 4,
	FLOW_STATE_TIME_WAIT = 5,
	FLOW_STATE_FIN_WAIT = 6,
	FLOW_STATE_SCTP_INIT = 7,
	FLOW_STATE_ESTABLISHED = 8,
	FLOW_STATE_UDP = 9,
	FLOW_STATE_SCTP_ESTABLISHED = 10,
	FLOW_STATE_SCTP_COOKIE_ECHOED = 11,
	FLOW_STATE_SCTP_SHUTDOWN_RECEIVED = 12,
	FLOW_STATE_SCTP_CLOSED = 13,
	FLOW_STATES = 16,
};

/* The order in which flows give way, the lowest first. */
enum flow_rank {
	FLOW_RANK_UNCONFIRMED = 1,
	FLOW_RANK_CLOSING = 2,
	FLOW_RANK_CONFIRMED = 3,
};

/* State of a persistence template, in the same 4 bits: assured once one of its flows was confirmed. */
enum template_state {
	TEMPLATE_STATE_FREE = 0,
	TEMPLATE_STATE_NEW = 1,
	TEMPLATE_STATE_ASSURED = 9,	/* has all bits of NEW: set by one OR */
};

/* The cold half of a flow, at the index of its word: read on SYN and by listings, never on the established path. */
struct flow {
	__u8 client[16];
	__be16 client_port;
	__be16 vip_port;
	__u16 vip;
	__u8 protocol;
	__u8 pad;
	__u32 template_ref;		/* generation 8 | index 24 of the template that chose the real; 0: none */
	__u32 pad2;
};

/* The cold half of a persistence template: {client & granularity, service} → real, in its word. */
struct template {
	__u8 client[16];
	__u16 service;
	__u8 generation;		/* 1-255; tells flows of an earlier holder of this slot from its own */
	__u8 is_moved;			/* to a table of another size; `expires` is its reference there */
	__u32 expires;			/* ticks */
	__u32 timeout;			/* ticks; what a new connection restores */
	__u32 children;			/* flows that it chose the real for and that still exist */
};

/* The datagram that a fragment to a VIP is of. RFC 8200 §4.5 leaves the protocol out: it is that of fragments then. */
struct fragment_key {
	__u8 source[16];
	__be32 id;
	__u16 vip;
	__u8 protocol;
	__u8 pad;
};

/* What its first fragment was given. */
struct fragment {
	__u32 real;
	__u32 since;			/* ticks */
};
