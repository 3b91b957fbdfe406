/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the stack cannot answer for us: passed up, a packet for a local VIP never becomes an ICMP error. Built here,
 * behind a tail call, at a limited rate. The sender is the VIP, as it is with IPVS (icmp_send() answers with the
 * local address that the packet was for).
 */
#pragma once

#include "clock.h"
#include "ip.h"

#define ICMP_PER_SECOND 1000		/* per CPU; the kernel's icmp_msgs_per_sec is 1000 for all */
#define ICMP_QUOTE 548			/* RFC 1812 §4.3.2.3: the whole answer at most 576 bytes */
#define ICMP_TIME_EXCEEDED 11
#define ICMP_HEADERS (sizeof(struct iphdr) + sizeof(struct icmp))

/* RFC 792. Not from <linux/icmp.h>, which wants the C library's headers of the target. */
struct icmp {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 unused;
};

struct icmp_limit {
	__u32 second;
	__u32 sent;
};

PERCPU(icmp_limits, struct icmp_limit, 1);

static __always_inline bool may_answer(const struct settings *settings)
{
	__u32 zero = 0, second = ticks_now(settings) / 4;
	struct icmp_limit *limit = bpf_map_lookup_elem(&icmp_limits, &zero);

	if (!limit)
		return false;
	if (limit->second != second) {
		limit->second = second;
		limit->sent = 0;
	}
	return limit->sent++ < ICMP_PER_SECOND;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The sum of up to ICMP_QUOTE bytes and an ICMP header, to the end of the frame. */
static __always_inline __u32 sum_to_end(void *from, void *data_end)
{
	__u16 *next = from;
	__u32 sum = 0;

	/* A pointer of its own, or clang stores through one that the verifier takes to be past the end. */
	opaque(next);
	for (int i = 0; i < (ICMP_QUOTE + 8) / 2; i++, next++) {
		if ((void *)(next + 1) > data_end)
			break;
		sum += *next;
	}
	return sum;
}

/* Never answer what has no single sender to answer to (RFC 1122 §3.2.2). */
static __always_inline bool is_answerable(const struct iphdr *ip)
{
	__u8 first = bpf_ntohl(ip->saddr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

/* Cut the frame behind the quote and make room for the two headers in front of it. */
static __always_inline bool make_room(struct xdp_md *ctx, __u32 ethernet, __u32 quote)
{
	__u32 have = (void *)(long)ctx->data_end - (void *)(long)ctx->data;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		have = bpf_xdp_get_buff_len(ctx);
	return !bpf_xdp_adjust_tail(ctx, (int)(ethernet + quote) - (int)have) &&
	       !bpf_xdp_adjust_head(ctx, -(int)ICMP_HEADERS);
}

/* Move the Ethernet header, tags included, to the front, and send it back where it came from. */
static __always_inline bool turn_ethernet(void *data, void *data_end, __u32 ethernet)
{
	struct ethhdr *eth = data;
	__be16 *to = data, *from = data + ICMP_HEADERS;
	__u8 mac[ETH_ALEN];

	for (int i = 0; i < (ETH_HLEN + VLAN_TAGS * 4) / 2 && i < ethernet / 2; i++) {
		if ((void *)(from + i + 1) > data_end)
			return false;
		to[i] = from[i];
	}
	if ((void *)(eth + 1) > data_end)
		return false;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return true;
}

static __always_inline void write_headers(struct iphdr *ip, const struct iphdr *original, __u32 quote)
{
	__u32 sum = 0;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0xc0;			/* RFC 1812 §4.3.2.5: internetwork control */
	ip->tot_len = bpf_htons(ICMP_HEADERS + quote);
	ip->id = 0;
	ip->frag_off = 0;
	ip->ttl = 64;
	ip->protocol = PROTOCOL_ICMP;
	ip->check = 0;
	ip->saddr = original->daddr;
	ip->daddr = original->saddr;
	for (int i = 0; i < 10; i++)
		sum += ((__u16 *)ip)[i];
	ip->check = fold(sum);
}

/* Turn the frame into "time exceeded in transit" to its sender. Returns the verdict. */
static __always_inline __u32 answer_time_exceeded(struct xdp_md *ctx, const struct settings *settings)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct iphdr *ip = find_ipv4(data, data_end);
	struct icmp *icmp;
	__u32 ethernet, quote;

	if (!is_inside(ip, data_end) || !is_answerable(ip) || !may_answer(settings))
		return VERDICT_DROP_TTL;
	ethernet = (void *)ip - data;
	quote = data_end - (void *)ip;
	if (quote > bpf_ntohs(ip->tot_len))
		quote = bpf_ntohs(ip->tot_len);
	if (quote > ICMP_QUOTE)
		quote = ICMP_QUOTE;
	quote &= ~1U;
	if (!make_room(ctx, ethernet, quote))
		return VERDICT_DROP_TTL;

	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	if (!turn_ethernet(data, data_end, ethernet))
		return VERDICT_DROP_TTL;
	ip = find_ipv4(data, data_end);
	if (!is_inside(ip, data_end))
		return VERDICT_DROP_TTL;
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) + sizeof(*ip) > data_end)
		return VERDICT_DROP_TTL;
	write_headers(ip, (void *)(icmp + 1), quote);
	icmp->type = ICMP_TIME_EXCEEDED;
	icmp->code = 0;			/* in transit */
	icmp->checksum = 0;
	icmp->unused = 0;
	icmp->checksum = fold(sum_to_end(icmp, data_end));
	return VERDICT_TX_TIME_EXCEEDED;
}
