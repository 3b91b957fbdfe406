/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the stack cannot answer for us: passed up, a packet for a local VIP never becomes an ICMP error. Built here,
 * behind a tail call, at a limited rate. The sender is the VIP, as it is with IPVS (icmp_send() answers with the
 * local address that the packet was for).
 */
#pragma once

#include "clock.h"
#include "forward.h"
#include "icmp.h"

#define ICMP_PER_SECOND 1000		/* per CPU; the kernel's icmp_msgs_per_sec is 1000 for all */
#define IPV4_QUOTE 548			/* RFC 1812 §4.3.2.3: the whole answer at most 576 bytes */
#define IPV6_QUOTE 1232			/* RFC 4443 §2.4: the whole answer at most 1280 bytes */

/* One in each family's terms. */
struct answer {
	__u8 type;
	__u8 code;
	__be32 detail;			/* what stands behind the checksum */
};

struct icmp_limit {
	__u32 second;
	__u32 sent;
};

PERCPU(icmp_limits, struct icmp_limit, 1);

static __always_inline bool may_answer(void)
{
	struct settings *settings = get_settings();
	__u32 zero = 0, second;
	struct icmp_limit *limit = bpf_map_lookup_elem(&icmp_limits, &zero);

	if (!limit)
		return false;
	second = ticks_now(settings) / TICKS_PER_SECOND;
	if (limit->second != second) {
		limit->second = second;
		limit->sent = 0;
	}
	return limit->sent++ < ICMP_PER_SECOND;
}

/* Never answer what has no single sender to answer to, another ICMP error, a later fragment (RFC 1122 §3.2.2). */
static __always_inline bool is_answerable_ipv4(const struct iphdr *ip)
{
	__u8 first = bpf_ntohl(ip->saddr) >> 24;

	return first != 0 && first != 127 && first < 224 && ip->protocol != PROTOCOL_ICMP &&
	       !(ip->frag_off & IP_OFFSET_MASK);
}

/* The same by RFC 4443 §2.4. Nobody sends from ::/64, where ::, ::1 and mapped addresses are, nor from ff00::/8. */
static __always_inline bool is_answerable_ipv6(struct xdp_md *ctx, struct ipv6 *ip)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct packet packet;
	void *transport;
	__u32 verdict;

	if (!ip->source.high || (ip->source.high & 0xff) == 0xff)
		return false;
	verdict = read_ipv6(ctx, ip, &packet, &transport);
	if (verdict == VERDICT_PASS_FRAGMENT) {
		struct fragment_header *fragment = fragment_at(transport, data_end);

		return fragment && !(fragment->offset & IPV6_OFFSET_MASK);
	}
	return verdict == VERDICT_TX && packet.protocol != PROTOCOL_ICMPV6;
}

/* How many bytes of a packet that begins at `ip` are quoted: an even number, so that a sum has no odd end. */
static __always_inline __u32 quote_of(void *ip, void *data_end, __u32 length, __u32 most)
{
	__u32 quote = data_end - ip;

	if (quote > length)
		quote = length;
	if (quote > most)
		quote = most;
	return quote & ~1U;
}

/* Cut the frame behind the quote and make room for the headers in front of it. */
static __always_inline bool make_room(struct xdp_md *ctx, __u32 ethernet, __u32 quote, __u32 headers)
{
	__u32 have = (void *)(long)ctx->data_end - (void *)(long)ctx->data;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_get_buff_len))
		have = bpf_xdp_get_buff_len(ctx);
	return !bpf_xdp_adjust_tail(ctx, (int)(ethernet + quote) - (int)have) &&
	       !bpf_xdp_adjust_head(ctx, -(int)headers);
}

/* Move the Ethernet header to the front, and send it back where it came from. */
static __always_inline bool turn_ethernet(struct xdp_md *ctx, __u32 ethernet, __u32 headers)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 mac[ETH_ALEN];

	if (!move_ethernet(ctx, ethernet, headers) || (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return true;
}

static __always_inline void write_ipv4(struct iphdr *ip, const struct iphdr *original, __u32 length)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0xc0;			/* RFC 1812 §4.3.2.5: internetwork control */
	ip->tot_len = bpf_htons(length);
	ip->id = 0;
	ip->frag_off = 0;
	ip->ttl = 64;
	ip->protocol = PROTOCOL_ICMP;
	ip->check = 0;
	ip->saddr = original->daddr;
	ip->daddr = original->saddr;
	ip->check = fold(sum_words(ip, sizeof(*ip)));
}

static __always_inline void write_ipv6(struct ipv6 *ip, const struct ipv6 *original, __u32 payload)
{
	ip->version_class_label = bpf_htonl(6 << 28);
	ip->payload_length = bpf_htons(payload);
	ip->next_header = PROTOCOL_ICMPV6;
	ip->hop_limit = 64;
	ip->source = original->destination;
	ip->destination = original->source;
}

static __always_inline void write_icmp(struct icmp *icmp, const struct answer *answer)
{
	icmp->type = answer->type;
	icmp->code = answer->code;
	icmp->checksum = 0;
	icmp->detail = answer->detail;
}

static __always_inline bool answer_ipv4(struct xdp_md *ctx, __u32 ethernet, const struct answer *answer)
{
	const __u32 headers = sizeof(struct iphdr) + sizeof(struct icmp);
	void *data_end = (void *)(long)ctx->data_end;
	struct iphdr *original, *ip = (void *)(long)ctx->data + ethernet;
	struct icmp *icmp;
	__u32 quote;

	if ((void *)(ip + 1) > data_end || !is_answerable_ipv4(ip) || !may_answer())
		return false;
	quote = quote_of(ip, data_end, bpf_ntohs(ip->tot_len), IPV4_QUOTE);
	if (!make_room(ctx, ethernet, quote, headers) || !turn_ethernet(ctx, ethernet, headers))
		return false;
	data_end = (void *)(long)ctx->data_end;
	ip = (void *)(long)ctx->data + ethernet;
	icmp = (void *)(ip + 1);
	original = (void *)(icmp + 1);
	if ((void *)(original + 1) > data_end)
		return false;
	write_ipv4(ip, original, headers + quote);
	write_icmp(icmp, answer);
	icmp->checksum = fold(sum_to_end(icmp, data_end, sizeof(*icmp) + IPV4_QUOTE));
	return true;
}

static __always_inline bool answer_ipv6(struct xdp_md *ctx, __u32 ethernet, const struct answer *answer)
{
	const __u32 headers = sizeof(struct ipv6) + sizeof(struct icmp);
	void *data_end = (void *)(long)ctx->data_end;
	struct ipv6 *original, *ip = (void *)(long)ctx->data + ethernet;
	struct icmp *icmp;
	__u32 quote, sum;

	if ((void *)(ip + 1) > data_end || !is_answerable_ipv6(ctx, ip) || !may_answer())
		return false;
	quote = quote_of(ip, data_end, sizeof(*ip) + bpf_ntohs(ip->payload_length), IPV6_QUOTE);
	if (!make_room(ctx, ethernet, quote, headers) || !turn_ethernet(ctx, ethernet, headers))
		return false;
	data_end = (void *)(long)ctx->data_end;
	ip = (void *)(long)ctx->data + ethernet;
	icmp = (void *)(ip + 1);
	original = (void *)(icmp + 1);
	if ((void *)(original + 1) > data_end)
		return false;
	write_ipv6(ip, original, sizeof(*icmp) + quote);
	write_icmp(icmp, answer);
	/* RFC 8200 §8.1: addresses, length and protocol are summed too. */
	sum = sum_words(&ip->source, 2 * sizeof(ip->source)) + ip->payload_length + bpf_htons(PROTOCOL_ICMPV6);
	icmp->checksum = fold(sum + sum_to_end(icmp, data_end, sizeof(*icmp) + IPV6_QUOTE));
	return true;
}

/* What IPVS says to the sender of a packet that goes no further. */
static __always_inline struct answer answer_in_ipv4(const struct handed *why)
{
	if (why->if_answered == VERDICT_TX_TIME_EXCEEDED)
		return (struct answer){ ICMP_TIME_EXCEEDED };
	if (why->if_answered == VERDICT_TX_TOO_BIG)
		return (struct answer){ ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, bpf_htonl(why->mtu) };
	return (struct answer){ ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE };
}

static __always_inline struct answer answer_in_ipv6(const struct handed *why)
{
	if (why->if_answered == VERDICT_TX_TIME_EXCEEDED)
		return (struct answer){ ICMPV6_TIME_EXCEEDED };
	if (why->if_answered == VERDICT_TX_TOO_BIG)
		return (struct answer){ ICMPV6_PACKET_TOO_BIG, 0, bpf_htonl(why->mtu) };
	return (struct answer){ ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE };
}

/* Turn the frame into an ICMP error to its sender. False: it is none yet, and has to be dropped. */
static __always_inline bool answer_sender(struct xdp_md *ctx, const struct handed *why)
{
	struct answer in_ipv4 = answer_in_ipv4(why), in_ipv6 = answer_in_ipv6(why);
	struct link link;

	if (!read_link((void *)(long)ctx->data, (void *)(long)ctx->data_end, &link))
		return false;
	if (link.ethertype == bpf_htons(ETH_P_IP))
		return answer_ipv4(ctx, link.header, &in_ipv4);
	return link.ethertype == bpf_htons(ETH_P_IPV6) && answer_ipv6(ctx, link.header, &in_ipv6);
}

/* The verdict on a packet that was refused: it leaves as an answer if there may be one. */
static __always_inline __u32 answer_refused(struct xdp_md *ctx)
{
	struct handed *why = get_handed();

	if (!why)
		return VERDICT_PASS_MALFORMED;
	return answer_sender(ctx, why) ? why->if_answered : why->if_dropped;
}
