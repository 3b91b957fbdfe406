/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet's headers. Each step checks the bounds it needs and says what comes next; nothing here decides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_TAGS 2
#define IP_FRAGMENT_MASK bpf_htons(0x3fff)	/* more fragments, or an offset */

struct vlan_tag {
	__be16 control;
	__be16 ethertype;
};

/* The part of TCP and UDP that is looked at: UDP ends where `sequence` begins. */
struct ports {
	__be16 source;
	__be16 destination;
};

struct tcp_flags {
	__u8 pad[13];
	__u8 flags;
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_HEADER 20
#define UDP_HEADER 8

/* What a flow is known by, in network order, and how long the packet is. */
struct packet {
	__be32 client;
	__be32 vip;
	__be16 client_port;
	__be16 vip_port;
	__u16 length;			/* of IP */
	__u8 protocol;
	__u8 tcp_flags;
};

/* What is behind Ethernet and up to two VLAN tags, if it is of that type; else NULL. */
static __always_inline void *find_payload(void *data, void *data_end, __be16 wanted)
{
	struct ethhdr *eth = data;
	void *next = eth + 1;
	__be16 ethertype;

	if (next > data_end)
		return NULL;
	ethertype = eth->h_proto;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS; i++) {
		struct vlan_tag *tag = next;

		if (ethertype != bpf_htons(ETH_P_8021Q) && ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > data_end)
			return NULL;
		ethertype = tag->ethertype;
		next = tag + 1;
	}
	return ethertype == wanted ? next : NULL;
}

static __always_inline struct iphdr *find_ipv4(void *data, void *data_end)
{
	return find_payload(data, data_end, bpf_htons(ETH_P_IP));
}

/* Is there a whole IPv4 header? The two questions are kept apart, or clang asks the second one of a NULL. */
static __always_inline bool is_inside(struct iphdr *ip, void *data_end)
{
	if (!ip)
		return false;
	asm volatile("" : "+r"(ip));
	return (void *)(ip + 1) <= data_end;
}

/*
 * Do the bytes that IP promises exist? A frame in several buffers shows only the first one here, so its length is
 * asked for; kernels before 5.18 know neither such frames nor the helper.
 */
static __always_inline bool is_whole(struct xdp_md *ctx, struct iphdr *ip, __u32 length)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if ((void *)ip + length <= data_end)
		return true;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		return false;
	return (void *)ip - data + length <= bpf_xdp_get_buff_len(ctx);
}
