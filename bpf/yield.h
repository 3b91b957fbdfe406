/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a VRRP process does that hears another master, done in its stead when it is dead or stopped: the address is
 * still on the interface then, and the kernel would go on answering ARP for it beside the new master.
 *
 * Each time that it advertises or hears an advert, the process vouches for the roles of its addresses until a little
 * after the next one is due. Who may be master by the protocol has waited for longer than that, or has taken over
 * from a process that was there to give way. An advert is believed that names the address: whoever can send one can
 * answer ARP as well. Addresses that adverts do not name (virtual_ipaddress_excluded) are not yielded.
 */
#pragma once

#include "ip.h"
#include "vip.h"

#define VRRP_ADVERTISEMENT 1
#define VRRP_ADDRESSES 32		/* of one advert that are looked at; keepalived sends no more than 20 by default */
#define VRRP_TTL 255			/* no router was in between, RFC 3768 5.2.3 */
#define ARP_REQUEST 1

struct vrrp {
	__u8 version_type;
	__u8 virtual_router_id;
	__u8 priority;
	__u8 addresses;
	__u8 pad[4];
};

/* RFC 826, of IPv4 over Ethernet. */
struct arp {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_size;
	__u8 protocol_size;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
};

/* A function of its own, which the verifier proves once and not for each address. Global, so that it does. */
PROVED_ONCE int yield_vip(__be32 address, __u64 now)
{
	struct address vip_address = mapped_ipv4(address);
	struct vip *vip = find_vip(&vip_address);

	if (!vip || vip->role != ROLE_MASTER)
		return 0;
	if (vip->vouched == 0 || vip->vouched > now)	/* no process elects it, or one that is alive */
		return 0;
	vip->role = ROLE_YIELDED;
	count_event(EVENT_VIP_YIELDED);
	return 0;
}

static __always_inline void yield_to_master(void *data, void *data_end)
{
	struct link link;
	struct iphdr *ip = find_ipv4(data, data_end, &link);
	__u64 now = bpf_ktime_get_ns();
	struct vrrp *vrrp;
	__be32 *address;

	if (!is_inside(ip, data_end) || ip->ttl != VRRP_TTL || (ip->frag_off & IP_FRAGMENT_MASK))
		return;
	vrrp = (void *)ip + ip->ihl * 4;
	if ((void *)(vrrp + 1) > data_end || (vrrp->version_type & 0xf) != VRRP_ADVERTISEMENT || vrrp->priority == 0)
		return;
	address = (void *)(vrrp + 1);
	for (int i = 0; i < VRRP_ADDRESSES; i++, address++) {
		if (i >= vrrp->addresses || (void *)(address + 1) > data_end)
			break;
		yield_vip(*address, now);
	}
}

static __always_inline bool asks_for_yielded(void *data, void *data_end)
{
	struct link link;
	struct arp *arp = find_payload(data, data_end, bpf_htons(ETH_P_ARP), &link);
	struct address target_address;
	struct vip *vip;
	__be32 target;

	if (!arp)
		return false;
	opaque(arp);			/* as in is_inside() */
	if ((void *)(arp + 1) > data_end)
		return false;
	if (arp->protocol != bpf_htons(ETH_P_IP) || arp->operation != bpf_htons(ARP_REQUEST))
		return false;
	__builtin_memcpy(&target, arp->target, sizeof(target));
	target_address = mapped_ipv4(target);
	vip = find_vip(&target_address);
	return vip && vip->role == ROLE_YIELDED;
}
