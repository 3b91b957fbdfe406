/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The balancer. A packet's way, top down:
 *
 *   parse → is it for a VIP of ours, and are we its master? → flow → (service → schedule) → rewrite → send
 *
 * Whatever is not for a VIP goes up the stack untouched, whatever it looks like. The way of an established flow
 * calls no helper. Places kept for what is to come: IPv6 beside find_ipv4(), fragments and ICMP errors where they
 * are passed today, other schedulers beside schedule_round_robin(), other modes beside set_macs().
 */
#include "flow.h"
#include "forward.h"
#include "icmp.h"
#include "yield.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The port that the packet came in by, if the frame was addressed to it: what a switch floods is not for us. */
static __always_inline struct port *find_port(struct xdp_md *ctx, const struct ethhdr *eth)
{
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 index = ifindex & (LIMIT_PORTS - 1);
	struct port *port = bpf_map_lookup_elem(&ports, &index);

	if (!port || port->ifindex != ifindex)
		return NULL;
	if (*(__u32 *)eth->h_dest != *(__u32 *)port->mac || *(__u16 *)(eth->h_dest + 4) != *(__u16 *)(port->mac + 4))
		return NULL;
	return port;
}

/* What the packet says about its flow; the verdict if it says nothing that we balance, else VERDICT_TX. */
static __always_inline __u32 read_packet(struct xdp_md *ctx, struct iphdr *ip, struct packet *packet)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u32 header = ip->ihl * 4;
	__u32 length = bpf_ntohs(ip->tot_len);
	struct ports *ports = (void *)ip + header;
	__u32 least;

	if (ip->version != 4 || header < sizeof(*ip) || !is_whole(ctx, ip, length))
		return VERDICT_PASS_MALFORMED;
	if (ip->frag_off & IP_FRAGMENT_MASK)
		return VERDICT_PASS_FRAGMENT;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return VERDICT_PASS_PROTOCOL;
	least = ip->protocol == IPPROTO_TCP ? TCP_HEADER : UDP_HEADER;
	if (length < header + least || (void *)(ports + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	packet->client = ip->saddr;
	packet->vip = ip->daddr;
	packet->client_port = ports->source;
	packet->vip_port = ports->destination;
	packet->length = length;
	packet->protocol = ip->protocol;
	packet->tcp_flags = 0;
	if (ip->protocol == IPPROTO_TCP) {
		struct tcp_flags *tcp = (void *)ports;

		if ((void *)(tcp + 1) > data_end)
			return VERDICT_PASS_MALFORMED;
		packet->tcp_flags = tcp->flags;
	}
	return VERDICT_TX;
}

static __always_inline bool is_master(__u32 vip)
{
	__u32 *role = bpf_map_lookup_elem(&roles, &vip);

	return role && *role == ROLE_MASTER;
}

/* Decide, and rewrite the frame if it goes to a real. *egress_ifindex is where VERDICT_REDIRECT leads. */
static __always_inline __u32 balance(struct xdp_md *ctx, __u32 *egress_ifindex)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct iphdr *ip = find_ipv4(data, data_end);
	struct settings *settings = get_settings();
	__u32 vip, id, verdict;
	struct packet packet;
	struct real *real;
	struct port *port;
	bool is_new;

	if (!ip) {
		if (find_payload(data, data_end, bpf_htons(ETH_P_ARP)))
			bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ARP);
		return VERDICT_PASS_ETHERTYPE;
	}
	if ((void *)(ip + 1) > data_end || !settings)
		return VERDICT_PASS_MALFORMED;
	vip = find_vip(0, mapped_ipv4(ip->daddr));
	if (vip == NO_VIP) {
		if (ip->protocol == IPPROTO_VRRP)
			bpf_tail_call(ctx, &slow, SLOW_STEP_HEAR_ADVERT);
		return VERDICT_PASS_NOT_VIP;
	}
	if (!is_master(vip))
		return VERDICT_PASS_BACKUP;
	port = find_port(ctx, data);
	if (!port)
		return VERDICT_PASS_NOT_OURS;
	verdict = read_packet(ctx, ip, &packet);
	if (verdict != VERDICT_TX)
		return verdict;

	id = find_real(settings, &packet, vip, ticks_now(settings), &verdict, &is_new);
	real = id ? real_at(id) : NULL;
	if (!real)
		return verdict;
	verdict = can_forward(real);
	if (verdict != VERDICT_TX)
		return verdict;
	count_real(id, &packet, is_new);
	if (ip->ttl <= TTL_SPENT) {
		bpf_tail_call(ctx, &slow, SLOW_STEP_TIME_EXCEEDED);
		return VERDICT_DROP_TTL;
	}
	decrement_ttl(ip);
	set_macs(data, real);
	*egress_ifindex = real->ifindex;
	return real->ifindex == port->egress ? VERDICT_TX : VERDICT_REDIRECT;
}

static __always_inline int leave(__u32 verdict, __u32 egress_ifindex)
{
	count_verdict(verdict);
	if (verdict == VERDICT_REDIRECT)
		return bpf_redirect_map(&egress, egress_ifindex, XDP_DROP);
	if (verdict >= VERDICT_TX_TIME_EXCEEDED)
		return XDP_TX;
	return verdict >= VERDICT_DROP_NO_REAL ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int xdplb(struct xdp_md *ctx)
{
	__u32 egress_ifindex = 0;
	__u32 verdict = balance(ctx, &egress_ifindex);

	return leave(verdict, egress_ifindex);
}

SEC("xdp.frags")
int time_exceeded(struct xdp_md *ctx)
{
	struct settings *settings = get_settings();

	return leave(settings ? answer_time_exceeded(ctx, settings) : VERDICT_DROP_TTL, 0);
}

SEC("xdp.frags")
int hear_advert(struct xdp_md *ctx)
{
	yield_to_master((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return leave(VERDICT_PASS_NOT_VIP, 0);
}

SEC("xdp.frags")
int hear_arp(struct xdp_md *ctx)
{
	bool is_for_yielded = asks_for_yielded((void *)(long)ctx->data, (void *)(long)ctx->data_end);

	return leave(is_for_yielded ? VERDICT_DROP_ARP : VERDICT_PASS_ETHERTYPE, 0);
}

/* For the loader, by BPF_PROG_TEST_RUN: writes jiffies (u64) and ticks (u32) at the beginning of the packet. */
SEC("xdp")
int read_clock(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct settings *settings = get_settings();

	if (!settings || data + sizeof(__u64) + sizeof(__u32) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(__u64 *)data = bpf_jiffies64();
	*(__u32 *)(data + sizeof(__u64)) = ticks_now(settings);
	return XDP_PASS;
}
