/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPVS's states of a flow of which only the client's side is seen: the input-only tables of
 * net/netfilter/ipvs/ip_vs_proto_tcp.c and _sctp.c, as far as their own transitions reach.
 */
#pragma once

#include "packet.h"

/* The state in which a flow stays as long as its packets say nothing new. */
static __always_inline __u32 steady_state(__u8 protocol)
{
	if (protocol == PROTOCOL_TCP)
		return FLOW_STATE_ESTABLISHED;
	return protocol == PROTOCOL_UDP ? FLOW_STATE_UDP : FLOW_STATE_SCTP_ESTABLISHED;
}

static __always_inline __u32 next_tcp_state(__u32 state, __u32 signal)
{
	switch (signal) {
	case SIGNAL_ABORT:
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_SYN_RECV : FLOW_STATE_CLOSE;
	case SIGNAL_BEGIN:
		return state == FLOW_STATE_ESTABLISHED ? FLOW_STATE_ESTABLISHED : FLOW_STATE_SYN_RECV;
	case SIGNAL_END:
		if (state == FLOW_STATE_ESTABLISHED)
			return FLOW_STATE_FIN_WAIT;
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_TIME_WAIT : state;
	case SIGNAL_DATA:
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_ESTABLISHED : state;
	default:
		return FLOW_STATE_CLOSE;
	}
}

static __always_inline __u32 next_half_open_sctp_state(__u32 state, __u32 signal)
{
	switch (signal) {
	case SIGNAL_BEGIN:
	case SIGNAL_SHUTDOWN_ACK:
		return FLOW_STATE_SCTP_INIT;
	case SIGNAL_INIT_ACK:
		return FLOW_STATE_SCTP_COOKIE_ECHOED;
	case SIGNAL_COOKIE_ECHO:
		return FLOW_STATE_SCTP_ESTABLISHED;
	case SIGNAL_SHUTDOWN_COMPLETE:
		return FLOW_STATE_SCTP_CLOSED;
	default:
		return state;
	}
}

static __always_inline __u32 next_sctp_state(__u32 state, __u32 signal)
{
	if (signal == SIGNAL_ABORT)
		return FLOW_STATE_SCTP_CLOSED;
	switch (state) {
	case FLOW_STATE_SCTP_INIT1:
	case FLOW_STATE_SCTP_INIT:
		return next_half_open_sctp_state(state, signal);
	case FLOW_STATE_SCTP_COOKIE_ECHOED:
		return signal == SIGNAL_COOKIE_ACK ? FLOW_STATE_SCTP_ESTABLISHED : state;
	case FLOW_STATE_SCTP_ESTABLISHED:
		if (signal == SIGNAL_END)
			return FLOW_STATE_SCTP_SHUTDOWN_RECEIVED;
		return signal == SIGNAL_SHUTDOWN_ACK ? FLOW_STATE_SCTP_CLOSED : state;
	case FLOW_STATE_SCTP_SHUTDOWN_RECEIVED:
		return signal == SIGNAL_SHUTDOWN_COMPLETE ? FLOW_STATE_SCTP_CLOSED : state;
	default:
		return signal == SIGNAL_BEGIN ? FLOW_STATE_SCTP_INIT : state;
	}
}

static __always_inline __u32 next_state(__u32 state, const struct packet *packet)
{
	if (packet->protocol == PROTOCOL_TCP)
		return next_tcp_state(state, packet->signal);
	return packet->protocol == PROTOCOL_UDP ? FLOW_STATE_UDP : next_sctp_state(state, packet->signal);
}

/* Where a flow starts; with another signal than SIGNAL_BEGIN it was sloppy_tcp or sloppy_sctp that let it. */
static __always_inline __u32 first_state(const struct packet *packet)
{
	if (packet->protocol == PROTOCOL_UDP)
		return FLOW_STATE_UDP_NEW;
	if (packet->protocol == PROTOCOL_TCP) {
		if (packet->signal == SIGNAL_BEGIN)
			return FLOW_STATE_SYN_RECV;
		return packet->signal == SIGNAL_DATA ? FLOW_STATE_ESTABLISHED : FLOW_STATE_CLOSE;
	}
	switch (packet->signal) {
	case SIGNAL_BEGIN:
		return FLOW_STATE_SCTP_INIT1;
	case SIGNAL_INIT_ACK:
		return FLOW_STATE_SCTP_COOKIE_ECHOED;
	case SIGNAL_END:
		return FLOW_STATE_SCTP_SHUTDOWN_RECEIVED;
	case SIGNAL_DATA:
	case SIGNAL_COOKIE_ECHO:
	case SIGNAL_COOKIE_ACK:
		return FLOW_STATE_SCTP_ESTABLISHED;
	default:
		return FLOW_STATE_SCTP_CLOSED;
	}
}

/* May this packet begin a flow? IPVS schedules SYN, SYN+ACK too, never RST; INIT; any datagram. */
static __always_inline bool may_begin(const struct packet *packet, __u32 rules)
{
	if (packet->protocol == PROTOCOL_UDP || packet->signal == SIGNAL_BEGIN)
		return true;
	if (packet->protocol == PROTOCOL_TCP)
		return rules & RULE_SLOPPY_TCP && packet->signal != SIGNAL_ABORT;
	return rules & RULE_SLOPPY_SCTP;
}

/* Does this packet ask for a beginning, whatever is known? */
static __always_inline bool asks_to_begin(const struct packet *packet)
{
	return packet->protocol == PROTOCOL_UDP || packet->signal == SIGNAL_BEGIN;
}

/* Has the client perhaps used its port again, when it begins anew? conn_reuse_mode of ip_vs_core.c. */
static __always_inline bool is_reusable(__u32 state, __u32 rules)
{
	if (state == FLOW_STATE_FIN_WAIT)
		return rules & RULE_CONN_REUSE_FIN_WAIT;
	return rules & (RULE_CONN_REUSE | RULE_CONN_REUSE_FIN_WAIT) &&
	       (state == FLOW_STATE_TIME_WAIT || state == FLOW_STATE_CLOSE || state == FLOW_STATE_SCTP_CLOSED);
}

/* enum flow_rank of each state, two bits each. As a number, because a table would be read from memory. */
#define RANK(state, rank) ((__u64)(rank) << 2 * (state))
#define RANKS                                                                                       \
	(RANK(FLOW_STATE_SYN_RECV, FLOW_RANK_UNCONFIRMED) | RANK(FLOW_STATE_UDP_NEW, FLOW_RANK_UNCONFIRMED) |  \
	 RANK(FLOW_STATE_SCTP_INIT1, FLOW_RANK_UNCONFIRMED) | RANK(FLOW_STATE_SCTP_INIT, FLOW_RANK_UNCONFIRMED) | \
	 RANK(FLOW_STATE_SCTP_COOKIE_ECHOED, FLOW_RANK_UNCONFIRMED) | RANK(FLOW_STATE_CLOSE, FLOW_RANK_CLOSING) | \
	 RANK(FLOW_STATE_TIME_WAIT, FLOW_RANK_CLOSING) | RANK(FLOW_STATE_FIN_WAIT, FLOW_RANK_CLOSING) |        \
	 RANK(FLOW_STATE_SCTP_SHUTDOWN_RECEIVED, FLOW_RANK_CLOSING) |                                \
	 RANK(FLOW_STATE_SCTP_CLOSED, FLOW_RANK_CLOSING) | RANK(FLOW_STATE_ESTABLISHED, FLOW_RANK_CONFIRMED) |  \
	 RANK(FLOW_STATE_UDP, FLOW_RANK_CONFIRMED) | RANK(FLOW_STATE_SCTP_ESTABLISHED, FLOW_RANK_CONFIRMED))

static __always_inline __u32 rank_of(__u32 state)
{
	return RANKS >> 2 * state & 3;
}

static __always_inline bool is_confirmed(__u32 state)
{
	return rank_of(state) == FLOW_RANK_CONFIRMED;
}

/* ActiveConn counts these, InActConn all others: tcp_state_active_table and its like; UDP is never active. */
static __always_inline bool is_active(__u32 state)
{
	return state == FLOW_STATE_SYN_RECV || state == FLOW_STATE_ESTABLISHED || state == FLOW_STATE_SCTP_ESTABLISHED;
}
