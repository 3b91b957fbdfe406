/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table: which real server a connection was given to. The established path reads one word and writes it
 * when its age or state changes; the cold half is looked at when a flow begins, is confirmed or ends.
 */
#pragma once

#include "schedule.h"
#include "service.h"
#include "state.h"

#define STORE_TRIES 2

static __always_inline struct flow *flow_at(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline struct place flow_place(const struct settings *settings, const struct packet *packet)
{
	__u64 client = (__u64)packet->client << 32 | (__u32)packet->client_port << 16 | packet->vip_port;
	__u64 vip = (__u64)packet->vip << 32 | packet->protocol;

	return place_of(mix(client, vip, settings), settings->flow_mask);
}

static __always_inline bool is_same_flow(const struct flow *flow, const struct packet *packet, __u32 vip)
{
	const __u64 *client = (const __u64 *)flow->client;

	return client[1] == mapped_ipv4(packet->client) && client[0] == 0 &&
	       flow->client_port == packet->client_port && flow->vip_port == packet->vip_port &&
	       flow->vip == vip && flow->protocol == packet->protocol;
}

static __always_inline bool is_expired(const struct settings *settings, __u64 word, __u32 now)
{
	return word_idle(word, now) >= settings->timeouts[word_state(word)];
}

static __always_inline void count_eviction(const struct settings *settings, __u64 old, __u32 now)
{
	__u32 state = word_state(old);

	if (!state || is_expired(settings, old, now))
		return;
	if (is_confirmed(state))
		count_event(EVENT_EVICTED_CONFIRMED);
	else if (state >= FLOW_STATE_CLOSE)
		count_event(EVENT_EVICTED_CLOSING);
	else
		count_event(EVENT_EVICTED_UNCONFIRMED);
}

/* Write a new flow's cold half over that of the flow it takes the place of. */
static __always_inline void settle(__u32 index, __u64 old, const struct packet *packet, __u32 vip, __u32 ref)
{
	struct flow *flow = flow_at(index);

	if (!flow)
		return;
	if (word_state(old))
		leave_template(flow->template_ref);
	((__u64 *)flow->client)[0] = 0;
	((__u64 *)flow->client)[1] = mapped_ipv4(packet->client);
	flow->client_port = packet->client_port;
	flow->vip_port = packet->vip_port;
	flow->vip = vip;
	flow->protocol = packet->protocol;
	flow->template_ref = ref;
}

static __always_inline void store_flow(const struct settings *settings, const struct packet *packet, __u32 vip,
				       struct place *place, __u32 real, __u32 ref, __u32 now)
{
	__u64 word = make_word(place->signature, real, now, first_state(packet));
	struct entry entry;
	__u64 old;

#pragma unroll
	for (int i = 0; i < STORE_TRIES; i++) {
		if (!claim(&flow_words, place, word, now, settings->timeouts, &entry, &old))
			continue;
		count_eviction(settings, old, now);
		count_event(EVENT_FLOW_MADE);
		settle(entry.index, old, packet, vip, ref);
		return;
	}
	leave_template(ref);
	count_event(EVENT_FLOW_NOT_STORED);
}

/* A flow is over: its slot may be taken, its template has a child less. Only one CPU gets to do it. */
static __always_inline void free_flow(struct entry *entry, __u64 word)
{
	struct flow *flow = flow_at(entry->index);
	__u32 ref = flow ? flow->template_ref : 0;

	if (__sync_val_compare_and_swap(entry->word, word, WORD_FREED) == word)
		leave_template(ref);
}

/* A packet that no flow is known for. Gives the real's id if a flow began, else the verdict in *verdict. */
static __always_inline __u32 begin_flow(const struct settings *settings, const struct packet *packet, __u32 vip,
					struct place *place, __u32 now, __u32 *verdict)
{
	__u32 service = find_service(vip, packet->vip_port, packet->protocol);
	__u32 ref, real;

	if (!service || !may_begin(packet)) {
		*verdict = service ? VERDICT_PASS_NO_FLOW : VERDICT_PASS_NO_SERVICE;
		return 0;
	}
	real = schedule(settings, packet, service, now, &ref);
	if (!real) {
		*verdict = VERDICT_DROP_NO_REAL;
		return 0;
	}
	store_flow(settings, packet, vip, place, real, ref, now);
	return real;
}

/* A flow's first answer to the server's side: its template is worth keeping. */
static __always_inline void confirm(__u32 index)
{
	struct flow *flow = flow_at(index);

	if (flow && flow->template_ref)
		assure_template(flow->template_ref);
}

/*
 * May this packet belong to the flow whose word was found? Signatures of two flows can be equal, so the whole key
 * is compared where that costs little: on a SYN, and for UDP (which has none) whenever the word is to be written.
 */
static __always_inline bool is_foreign(__u32 index, const struct packet *packet, __u32 vip)
{
	struct flow *flow = flow_at(index);

	return flow && !is_same_flow(flow, packet, vip);
}

/* May a SYN begin anew here? Not if a template chose the real: IPVS leaves those where they are (ip_vs_core.c). */
static __always_inline bool is_over(__u32 index, __u32 state)
{
	struct flow *flow = flow_at(index);

	return is_reusable(state) && flow && !flow->template_ref;
}

static __always_inline bool begins(const struct packet *packet)
{
	return packet->protocol == IPPROTO_UDP || packet->tcp_flags & TCP_SYN;
}

/* The real of a packet's flow, begun if need be; 0 with *verdict set if the packet does not go to any. */
static __always_inline __u32 find_real(const struct settings *settings, const struct packet *packet, __u32 vip,
				       __u32 now, __u32 *verdict, bool *is_new)
{
	struct place place = flow_place(settings, packet);
	struct entry entry;
	__u32 state, next;
	__u64 word, fresh;

	*is_new = false;
	if (!find_word(&flow_words, &place, &entry))
		goto begin;
	word = *entry.word;
	state = word_state(word);
	next = next_state(state, packet);
	fresh = (word & ~0xfffffULL) | (now & 0xffff) << WORD_AGE_SHIFT | next;
	if (fresh == word && !(packet->tcp_flags & TCP_SYN))
		return word_real(word);
	if (is_expired(settings, word, now)) {
		free_flow(&entry, word);
		goto begin;
	}
	if (begins(packet) && is_foreign(entry.index, packet, vip)) {
		*verdict = VERDICT_DROP_CONFLICT;
		return 0;
	}
	if (packet->tcp_flags & TCP_SYN && may_begin(packet) && is_over(entry.index, state)) {
		free_flow(&entry, word);
		goto begin;
	}
	*entry.word = fresh;
	if (is_confirmed(next) && !is_confirmed(state))
		confirm(entry.index);
	return word_real(word);
begin:
	*is_new = true;
	return begin_flow(settings, packet, vip, &place, now, verdict);
}
