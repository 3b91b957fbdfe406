/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where would a packet go, and why? Asked by BPF_PROG_TEST_RUN on a packet that TypeScript builds, and answered by the
 * same steps that live packets take, in a copy that is compiled not to write: no turn is taken, no age, no count.
 */
#pragma once

#include "arrival.h"
#include "flow.h"
#include "forward.h"

/* As follow(), for who only asks. */
PROVED_ONCE int follow_dry(struct decision *decision)
{
	if (decision)
		follow_flow(decision, true);
	return 0;
}

/* The verdict as in ip.h; what is read is the same as of a packet that came in. */
static __always_inline __u32 read_question(struct xdp_md *ctx, struct packet *packet)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct arrival arrival;
	__u32 verdict;

	if (!read_link((void *)(long)ctx->data, data_end, &arrival.link) || !is_ip(&arrival))
		return VERDICT_PASS_ETHERTYPE;
	if (!read_addresses(&arrival, data_end, packet))
		return VERDICT_PASS_MALFORMED;
	verdict = read_headers(ctx, &arrival, packet);
	return verdict == VERDICT_TX ? read_ports(ctx, &arrival, packet) : verdict;
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
