/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table: which real server a connection was given to, and what a packet says to that. A flow is a word that
 * every packet reads and some write, and a cold half that is looked at when the flow begins, is confirmed or ends.
 */
#pragma once

#include "decision.h"
#include "load.h"
#include "schedule.h"
#include "service.h"

#define STORE_TRIES 2

static __always_inline struct flow *flow_at(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline __u64 flow_hash(const struct settings *settings, const struct packet *packet)
{
	__u64 client = mix_address(&packet->client, settings) ^ packet->ports;
	__u64 vip = mix_address(&packet->vip, settings) + packet->protocol;

	return mix(client, vip, settings);
}

static __always_inline struct place flow_place(const struct settings *settings, const struct packet *packet)
{
	return place_of(flow_hash(settings, packet), flow_mask);
}

static __always_inline bool is_same_flow(const struct flow *flow, const struct packet *packet, __u32 vip)
{
	return is_same_address(flow->client, &packet->client) && *(const __u32 *)&flow->client_port == packet->ports &&
	       flow->vip == vip && flow->protocol == packet->protocol;
}

static __always_inline bool is_expired(const struct settings *settings, __u64 word, __u32 now)
{
	return word_idle(word, now) >= settings->timeouts[word_state(word)];
}

static __always_inline void count_eviction(const struct settings *settings, __u64 old, __u32 now)
{
	__u32 state = word_state(old);

	if (is_expired(settings, old, now))
		return;
	count_event(EVENT_EVICTED_UNCONFIRMED + rank_of(state) - FLOW_RANK_UNCONFIRMED);
}

/* Write a new flow's cold half over that of the flow it takes the place of. */
static __always_inline void settle(const struct settings *settings, __u32 index, __u64 old,
				   const struct decision *decision)
{
	const struct packet *packet = &decision->packet;
	struct flow *flow = flow_at(index);

	if (!flow)
		return;
	if (word_state(old)) {
		count_eviction(settings, old, decision->now);
		leave_load(word_real(old), word_state(old));
		leave_template(flow->template_ref);
	}
	write_address(flow->client, &packet->client);
	*(__u32 *)&flow->client_port = packet->ports;
	flow->vip = decision->vip;
	flow->protocol = packet->protocol;
	flow->template_ref = decision->template_ref;
}

static __always_inline void store_flow(const struct settings *settings, struct decision *decision, struct place *place)
{
	__u32 state = first_state(&decision->packet);
	__u64 word = make_word(place->signature, decision->real, decision->now, state);
	struct entry entry;
	__u64 old;

#pragma unroll
	for (int i = 0; i < STORE_TRIES; i++) {
		if (!claim(&flow_words, place, word, decision->now, settings->timeouts, &entry, &old))
			continue;
		count_event(EVENT_FLOW_MADE);
		enter_load(decision->real, state);
		settle(settings, entry.index, old, decision);
		return;
	}
	leave_template(decision->template_ref);
	count_event(EVENT_FLOW_NOT_STORED);
}

/* A flow is over: its slot may be taken, its template has a child less. Only one CPU gets to do it. */
static __always_inline void free_flow(struct entry *entry, __u64 word)
{
	struct flow *flow = flow_at(entry->index);
	__u32 ref = flow ? flow->template_ref : 0;

	if (__sync_val_compare_and_swap(entry->word, word, WORD_FREED) != word)
		return;
	leave_load(word_real(word), word_state(word));
	leave_template(ref);
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
 * is compared where that costs little: where a flow may begin, and for UDP whenever the word is to be written.
 */
static __always_inline bool is_foreign(__u32 index, const struct decision *decision)
{
	struct flow *flow = flow_at(index);

	return flow && !is_same_flow(flow, &decision->packet, decision->vip);
}

/* May a flow begin anew here? Not if a template chose the real: IPVS leaves those where they are (ip_vs_core.c). */
static __always_inline bool is_over(__u32 index, __u32 state, __u32 rules)
{
	struct flow *flow = flow_at(index);

	return is_reusable(state, rules) && flow && !flow->template_ref;
}

/* Is the flow's real gone, or has it no weight when the client begins anew? Then expire_nodest_conn ends the flow. */
static __always_inline bool is_deserted(const struct settings *settings, const struct packet *packet, __u32 real)
{
	if (!(settings->rules & RULE_EXPIRE_NODEST_CONN))
		return false;
	return is_removed(real) || (packet->signal == SIGNAL_BEGIN && !has_weight(real));
}

/* Does the service remember no flow of this protocol? */
static __always_inline bool is_one_packet(const struct decision *decision)
{
	return decision->packet.protocol == PROTOCOL_UDP &&
	       service_at(decision->service)->flags & SERVICE_FLAG_ONE_PACKET;
}

/* Store a flow's word; where that changes a count, once only. */
static __always_inline void refresh(struct entry *entry, __u64 word, __u64 fresh)
{
	__u32 before = word_state(word), after = word_state(fresh);

	if (is_active(before) == is_active(after)) {
		*(volatile __u64 *)entry->word = fresh;
		return;
	}
	if (__sync_val_compare_and_swap(entry->word, word, fresh) == word)
		change_load(word_real(word), before, after);
}

/*
 * A packet that may change its flow's word, or not be of that flow. True if it was settled; false if the flow that
 * was found is over, and the packet may begin another one.
 */
static __always_inline bool go_on(const struct settings *settings, struct decision *decision, struct entry *entry,
				  bool is_dry)
{
	const struct packet *packet = &decision->packet;
	__u64 word = *(volatile __u64 *)entry->word;
	__u32 state = word_state(word), next = next_state(state, packet);
	__u64 fresh = (with_age(word, decision->now) & ~0xfULL) | next;
	bool is_done = is_expired(settings, word, decision->now);

	if (!is_done && asks_to_begin(packet)) {
		if (is_foreign(entry->index, decision)) {
			decision->verdict = VERDICT_DROP_CONFLICT;
			return true;
		}
		is_done = is_over(entry->index, state, settings->rules);
	}
	is_done |= is_deserted(settings, packet, word_real(word));
	if (is_done) {
		if (!is_dry)
			free_flow(entry, word);
		return false;
	}
	decision->real = word_real(word);
	if (is_dry)
		return true;
	if (fresh != word)
		refresh(entry, word, fresh);
	if (is_confirmed(next) && !is_confirmed(state))
		confirm(entry->index);
	return true;
}

/* As the beginning of a flow by SYN or INIT has done long before. */
PROVED_ONCE int find_service_of(struct decision *decision)
{
	if (decision)
		decision->service = find_service(decision->vip, &decision->packet);
	return 0;
}

/* A packet that no flow is known for. */
static __always_inline void begin_flow(const struct settings *settings, struct decision *decision, struct place *place,
				       bool is_dry)
{
	if (!decision->service)
		find_service_of(decision);
	if (!decision->service) {
		decision->verdict = VERDICT_PASS_NO_SERVICE;
		return;
	}
	if (!may_begin(&decision->packet, settings->rules)) {
		decision->verdict = VERDICT_PASS_NO_FLOW;
		return;
	}
	schedule(settings, decision, is_dry);
	if (!decision->real) {
		decision->verdict = VERDICT_DROP_NO_REAL;
		return;
	}
	decision->is_new = true;
	if (is_dry)
		return;
	if (is_one_packet(decision))
		leave_template(decision->template_ref);
	else
		store_flow(settings, decision, place);
}

/*
 * Begin to read what a new flow most likely gets and is chosen by, so that it all arrives from memory together with the
 * word that says whether it is one. Else each would be waited for when the one before it is there.
 */
static __always_inline void begin_to_read(struct decision *decision, const struct place *place)
{
	touch(flow_at(place->home * LIMIT_WAYS + place->own));
	touch(bucket_at(&flow_words, place->other));
	decision->service = find_service(decision->vip, &decision->packet);
	if (service_at(decision->service)->persistence_s)
		touch_template(decision);
}

static __always_inline void follow_flow(struct decision *decision, bool is_dry)
{
	struct settings *settings = get_settings();
	struct place place;
	struct entry entry;

	place = flow_place(settings, &decision->packet);
	if (decision->packet.signal == SIGNAL_BEGIN)
		begin_to_read(decision, &place);
	if (find_word(&flow_words, &place, &entry) && go_on(settings, decision, &entry, is_dry))
		return;
	begin_flow(settings, decision, &place, is_dry);
}

/*
 * The real of a packet that may say something new: of its flow, or of one that it begins. Or the verdict, if the packet
 * does not go to any. A function of its own, global, so that the verifier proves it once and apart from its callers.
 */
PROVED_ONCE int follow(struct decision *decision)
{
	if (decision)
		follow_flow(decision, false);
	return 0;
}

/*
 * The real of the flow that is spoken of, if it is known: nothing changes by that, and the whole key is compared.
 * Global, as follow() is.
 */
PROVED_ONCE int recall(struct decision *decision)
{
	struct settings *settings = get_settings();
	struct place place;
	struct entry entry;
	__u64 word;

	if (!decision)
		return 0;
	place = flow_place(settings, &decision->packet);
	if (!find_word(&flow_words, &place, &entry) || is_foreign(entry.index, decision))
		return 0;
	word = *(volatile __u64 *)entry.word;
	if (!is_expired(settings, word, decision->now))
		decision->real = word_real(word);
	return 0;
}
