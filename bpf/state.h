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

static __always_inline __u32 next_sctp_state(__u32 state, __u32 signal)
{
	switch (signal) {
	case SIGNAL_BEGIN:
		return state == FLOW_STATE_SCTP_ESTABLISHED ? state : FLOW_STATE_SCTP_INIT;
	case SIGNAL_DATA:
		return state == FLOW_STATE_SCTP_INIT ? FLOW_STATE_SCTP_ESTABLISHED : state;
	default:
		return FLOW_STATE_SCTP_CLOSING;
	}
}

static __always_inline __u32 next_state(__u32 state, const struct packet *packet)
{
	if (packet->protocol == PROTOCOL_TCP)
		return next_tcp_state(state, packet->signal);
	return packet->protocol == PROTOCOL_UDP ? FLOW_STATE_UDP : next_sctp_state(state, packet->signal);
}

static __always_inline __u32 first_state(const struct packet *packet)
{
	if (packet->protocol == PROTOCOL_TCP)
		return FLOW_STATE_SYN_RECV;
	return packet->protocol == PROTOCOL_UDP ? FLOW_STATE_UDP_NEW : FLOW_STATE_SCTP_INIT;
}

/* May this packet begin a flow? IPVS schedules SYN, SYN+ACK too, never RST; INIT; any datagram. */
static __always_inline bool may_begin(const struct packet *packet)
{
	return packet->protocol == PROTOCOL_UDP || packet->signal == SIGNAL_BEGIN;
}

/* Has the client perhaps used its port again, when it begins anew? conn_reuse_mode of ip_vs_core.c. */
static __always_inline bool is_reusable(__u32 state, __u32 rules)
{
	if (state == FLOW_STATE_FIN_WAIT)
		return rules & RULE_CONN_REUSE_FIN_WAIT;
	return rules & (RULE_CONN_REUSE | RULE_CONN_REUSE_FIN_WAIT) &&
	       (state == FLOW_STATE_TIME_WAIT || state == FLOW_STATE_CLOSE || state == FLOW_STATE_SCTP_CLOSING);
}

static __always_inline bool is_confirmed(__u32 state)
{
	return state >= FLOW_STATE_ESTABLISHED;
}

/* ActiveConn counts these, InActConn all others: tcp_state_active_table and its like; UDP is never active. */
static __always_inline bool is_active(__u32 state)
{
	return state == FLOW_STATE_SYN_RECV || state == FLOW_STATE_ESTABLISHED || state == FLOW_STATE_SCTP_ESTABLISHED;
}
