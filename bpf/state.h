/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPVS's states of a flow of which only the client's side is seen: the input-only table of
 * net/netfilter/ipvs/ip_vs_proto_tcp.c, as far as its own transitions reach. RST counts before SYN, FIN, ACK; a
 * segment with none of the four closes.
 */
#pragma once

#include "packet.h"
#include "types.h"

static __always_inline __u32 next_tcp_state(__u32 state, __u8 flags)
{
	if (flags & TCP_RST)
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_SYN_RECV : FLOW_STATE_CLOSE;
	if (flags & TCP_SYN)
		return state == FLOW_STATE_ESTABLISHED ? FLOW_STATE_ESTABLISHED : FLOW_STATE_SYN_RECV;
	if (flags & TCP_FIN) {
		if (state == FLOW_STATE_ESTABLISHED)
			return FLOW_STATE_FIN_WAIT;
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_TIME_WAIT : state;
	}
	if (flags & TCP_ACK)
		return state == FLOW_STATE_SYN_RECV ? FLOW_STATE_ESTABLISHED : state;
	return FLOW_STATE_CLOSE;
}

static __always_inline __u32 next_state(__u32 state, const struct packet *packet)
{
	return packet->protocol == IPPROTO_UDP ? FLOW_STATE_UDP : next_tcp_state(state, packet->tcp_flags);
}

static __always_inline __u32 first_state(const struct packet *packet)
{
	return packet->protocol == IPPROTO_UDP ? FLOW_STATE_UDP_NEW : FLOW_STATE_SYN_RECV;
}

/* May this packet begin a flow? IPVS schedules SYN, SYN+ACK too, never RST, and any UDP (ip_vs_proto_tcp.c). */
static __always_inline bool may_begin(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_UDP)
		return true;
	return (packet->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* Has the client perhaps used its port again, when it sends a SYN? conn_reuse_mode 1 of ip_vs_core.c. */
static __always_inline bool is_reusable(__u32 state)
{
	return state == FLOW_STATE_TIME_WAIT || state == FLOW_STATE_CLOSE;
}

static __always_inline bool is_confirmed(__u32 state)
{
	return state >= FLOW_STATE_ESTABLISHED;
}
