/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What became of a packet, and why: shared with TypeScript as types.h is.
 */
#pragma once

/* Why a packet went where it went. One per packet, each with a counter. */
enum verdict {
	VERDICT_PASS_ETHERTYPE,		/* neither IPv4 nor IPv6, also under two VLAN tags */
	VERDICT_PASS_NOT_VIP,
	VERDICT_PASS_MALFORMED,		/* headers that contradict the frame: the stack drops and counts those */
	VERDICT_PASS_NOT_OURS,		/* for a VIP, but the frame is addressed to another station */
	VERDICT_PASS_BACKUP,		/* for a VIP that another node is master of */
	VERDICT_PASS_FRAGMENT,		/* of a datagram whose first fragment has not been seen, or not lately */
	VERDICT_PASS_PROTOCOL,		/* for a VIP, but neither TCP nor UDP nor SCTP: ping, for one */
	VERDICT_PASS_ICMP_NO_FLOW,	/* an ICMP error to a VIP about no flow that is known */
	VERDICT_PASS_NO_SERVICE,	/* no virtual server has that port */
	VERDICT_PASS_NO_FLOW,		/* in mid-connection, and no flow is known for it; the stack answers RST */
	VERDICT_PASS_LOCAL,		/* for a real server that is this node itself */
	VERDICT_DROP_NO_REAL,		/* no real server is up and has a weight; not answered, as the two below */
	VERDICT_DROP_REAL_REMOVED,	/* the flow's real server has left the service (expire_nodest_conn 0) */
	VERDICT_DROP_NO_NEIGHBOUR,	/* the flow's real server has no known MAC address at the moment */
	VERDICT_DROP_CONFLICT,		/* another flow has the same signature: one in 16 million when the table is full */
	VERDICT_DROP_ARP,		/* a request for an address that was yielded: its new master answers */
	VERDICT_DROP_TTL,		/* TTL spent; the rate limit of ICMP answers too, or nobody may be answered */
	VERDICT_DROP_TOO_BIG,		/* for the way to the real server; likewise */
	VERDICT_DROP_NO_HEADROOM,	/* the driver leaves no room in front of the frame for a tunnel or VLAN tags */
	VERDICT_TX_NO_REAL,		/* no real server is up and has a weight: answered by ICMP, port unreachable */
	VERDICT_TX_TOO_BIG,		/* for the way to the real server: answered by ICMP, with the MTU */
	VERDICT_TX_TIME_EXCEEDED,	/* TTL spent: answered by ICMP */
	VERDICT_TX,			/* to a real server, by the interface it came in by */
	VERDICT_REDIRECT,		/* to a real server, by another interface */
};

/* What led to the real server of a packet. */
enum reason {
	REASON_NONE = 0,		/* there is none: the verdict says why */
	REASON_FLOW = 1,		/* the flow is known */
	REASON_TEMPLATE = 2,		/* a flow begins, and persistence knows the client */
	REASON_SCHEDULER = 3,		/* a flow begins */
};

/* What happened beside the verdict. */
enum event {
	EVENT_FLOW_MADE,
	EVENT_EVICTED_UNCONFIRMED,	/* half-open, to make room */
	EVENT_EVICTED_CLOSING,
	EVENT_EVICTED_CONFIRMED,	/* established: the table is too small */
	EVENT_FLOW_NOT_STORED,		/* lost a race for its slot twice: forwarded, not remembered */
	EVENT_TEMPLATE_MADE,
	EVENT_TEMPLATE_EVICTED,
	EVENT_FLOW_MOVED,		/* to tables of another size */
	EVENT_FLOW_NOT_MOVED,		/* had to give way there: they are too small */
	EVENT_VIP_YIELDED,		/* another master was heard, and our VRRP process was not */
	EVENT_TRACE_LOST,		/* a decision that a trace would have told, had there been room */
};
