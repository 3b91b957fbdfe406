/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where would a packet go, and why? Asked by BPF_PROG_TEST_RUN on a packet that TypeScript builds, and answered by the
 * same steps that live packets take, in a copy that is compiled not to write: no turn is taken, no age, no count.
 */
#pragma once

#include "flow.h"
#include "forward.h"
#include "transport.h"
#include "vip.h"

/* As follow(), for who only asks. */
PROVED_ONCE int follow_dry(struct decision *decision)
{
	if (decision)
		follow_flow(decision, true);
	return 0;
}

static __always_inline __u32 question_ipv4(struct xdp_md *ctx, void *data, void *data_end, struct packet *packet)
{
	struct iphdr *ip = data + ETH_HLEN;
	void *transport;
	__u32 verdict;

	if ((void *)(ip + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	packet->client = mapped_ipv4(ip->saddr);
	packet->vip = mapped_ipv4(ip->daddr);
	verdict = read_ipv4(ctx, ip, packet, &transport);
	if (verdict != VERDICT_TX)
		return verdict;
	return read_transport(transport, data_end, room_behind(ip, transport, packet), packet);
}

static __always_inline __u32 question_ipv6(struct xdp_md *ctx, void *data, void *data_end, struct packet *packet)
{
	struct ipv6 *ip = data + ETH_HLEN;
	void *transport;
	__u32 verdict;

	if ((void *)(ip + 1) > data_end)
		return VERDICT_PASS_MALFORMED;
	packet->client = ip->source;
	packet->vip = ip->destination;
	verdict = read_ipv6(ctx, ip, packet, &transport);
	if (verdict != VERDICT_TX)
		return verdict;
	return read_transport(transport, data_end, room_behind(ip, transport, packet), packet);
}

static __always_inline __u32 read_question(struct xdp_md *ctx, struct packet *packet)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct link link;

	if (!read_link(data, data_end, &link))
		return VERDICT_PASS_ETHERTYPE;
	if (link.ethertype == bpf_htons(ETH_P_IP))
		return question_ipv4(ctx, data, data_end, packet);
	if (link.ethertype == bpf_htons(ETH_P_IPV6))
		return question_ipv6(ctx, data, data_end, packet);
	return VERDICT_PASS_ETHERTYPE;
}

/* The verdict on a packet that has been read, but for what depends on the interface it comes in by. */
static __always_inline __u32 decide_dry(struct decision *decision, __u32 vip)
{
	__u32 verdict;

	decision->vip = vip;
	follow_dry(decision);
	if (!decision->real)
		return decision->verdict;
	verdict = can_forward(real_at(decision->real));
	return verdict == VERDICT_DROP_NO_HEADROOM ? VERDICT_TX : verdict;
}

/* Writes struct whereabouts over the question, and nothing anywhere else. */
static __always_inline bool answer_where(struct xdp_md *ctx)
{
	struct settings *settings = get_settings();
	struct decision decision = {};
	struct whereabouts *answer;
	struct vip *vip;
	__u32 verdict;

	decision.now = ticks_now(settings);
	verdict = read_question(ctx, &decision.packet);
	vip = find_vip(&decision.packet.vip);
	if (!vip)
		verdict = VERDICT_PASS_NOT_VIP;
	else if (!balances(vip, settings))
		verdict = VERDICT_PASS_BACKUP;
	else if (verdict == VERDICT_TX)
		verdict = decide_dry(&decision, id_of(vip));
	answer = (void *)(long)ctx->data;
	if ((void *)(answer + 1) > (void *)(long)ctx->data_end)
		return false;
	answer->verdict = verdict;
	answer->reason = reason_of(&decision);
	answer->service = decision.service;
	answer->real = decision.real;
	answer->template_ref = decision.template_ref;
	return true;
}
