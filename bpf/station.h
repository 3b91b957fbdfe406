/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is a frame addressed to us? What a switch floods is not, nor what a promiscuous interface sees beside its own. As for
 * the kernel (vlan_do_receive() in net/8021q/vlan_core.c), a frame in a VLAN may be addressed to its interface, or to
 * the one below.
 */
#pragma once

#include "compiler.h"
#include "link.h"
#include "maps.h"

/* Has the VLAN an address of its own, and is this it? `start` as in struct ethernet. */
PROVED_ONCE int is_station(__u32 port, __u32 tags, __u64 start)
{
	struct station station = { .port = port, .tags = tags };

	*(__u32 *)station.mac = start;
	*(__u16 *)(station.mac + 4) = start >> 32;
	return bpf_map_lookup_elem(&stations, &station) != NULL;
}

/* The port that the packet came in by, if the frame was addressed to it. */
static __always_inline struct port *find_port(struct xdp_md *ctx, const struct link *link)
{
	__u64 start = ((const struct ethernet *)link->frame)->start;
	__u32 ifindex = ctx->ingress_ifindex;
	struct port *port = &tables.ports[ifindex & (LIMIT_PORTS - 1)];

	opaque(port);
	if (port->ifindex != ifindex)
		return NULL;
	if (likely(!((start ^ *(__u64 *)port) << 16)))
		return port;
	return is_station(port->egress, link->tags, start) ? port : NULL;
}
