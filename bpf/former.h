/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of another size. A program that stands in for one with smaller or larger tables is given those too, and takes
 * each flow and each template out of them: where a packet asks for it, and all others one by one, as `move` is told to. Meanwhile either table has the flow, or one CPU has it in hand; no packet finds it in neither.
 *
 * All of this is there where former_flow_mask is not 0 only; else the verifier throws it away.
 */
#pragma once

#include "flow.h"

#define STATE_MOVING 15			/* of a word in a former table: a CPU has it in hand. See enum flow_state */
#define TEMPLATE_GONE 1			/* generation 0: there was a template, and it is no more */

/* As the masks in maps.h. 0: there are no former tables. */
const volatile __u32 former_flow_mask;
const volatile __u32 former_template_mask;

/* A map in an array of one, so that its memory is given back when it is empty, while the program runs on. */
#define FORMER(name, kind)						\
	struct {							\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);		\
		__uint(max_entries, 1);					\
		__type(key, __u32);					\
		__uint(value_size, sizeof(__u32));			\
		__array(values, struct {				\
			__uint(type, BPF_MAP_TYPE_ARRAY);		\
			__uint(map_flags, BPF_F_MMAPABLE);		\
			__uint(max_entries, 1);				\
			__uint(key_size, sizeof(__u32));		\
			__uint(value_size, sizeof(kind));		\
		});							\
	} name SEC(".maps")

FORMER(former_flow_words, struct bucket);
FORMER(former_flows, struct flow);
FORMER(former_template_words, struct bucket);
FORMER(former_templates, struct template);

static __always_inline void *map_in(void *maps)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(maps, &zero);
}

static __always_inline void *value_in(void *maps, __u32 index)
{
	void *map = map_in(maps);

	return map ? bpf_map_lookup_elem(map, &index) : NULL;
}

static __always_inline __u64 *word_in(void *maps, __u32 index)
{
	struct bucket *bucket = value_in(maps, index / LIMIT_WAYS);

	return bucket ? &bucket->words[index % LIMIT_WAYS] : NULL;
}

static __always_inline __u64 with_state(__u64 word, __u32 state)
{
	return (word & ~0xfULL) | state;
}

/* Take a word in hand: only one CPU gets it. */
static __always_inline bool take_word(__u64 *word, __u64 old)
{
	return __sync_val_compare_and_swap(word, old, with_state(old, STATE_MOVING)) == old;
}

/* What was in hand is elsewhere now: after that, and seen in that order, it is no more here. */
static __always_inline void let_go(__u64 *word, __u64 old)
{
	__sync_val_compare_and_swap(word, with_state(old, STATE_MOVING), WORD_FREED);
}

/* As claim(), for a word that has been somewhere: it does not take the place of one that is worth more. */
static __always_inline bool claim_again(void *table, struct place *place, __u64 word, __u32 age, const __u32 *timeouts,
					struct entry *entry, __u64 *old)
{
#pragma unroll
	for (int i = 0; i < STORE_TRIES; i++) {
		if (!choose(table, place, age, timeouts, entry))
			return false;
		*old = *entry->word;
		if (worth(*old, age, timeouts) >= worth(word, age, timeouts))
			return false;
		if (__sync_val_compare_and_swap(entry->word, *old, word) == *old)
			return true;
	}
	return false;
}

/* Put a template where it belongs now; its reference there. */
static __always_inline __u32 place_template(const struct template *former, __u64 word)
{
	struct settings *settings = get_settings();
	const __u64 *client = (const __u64 *)former->client;
	struct template_key key = { { client[0], client[1] }, former->service };
	struct template *template;
	struct place place;
	struct entry entry;
	__u32 now;
	__u64 old;

	now = template_age(ticks_now(settings));
	place = place_of(template_hash(settings, &key), template_mask);
	if (!claim_again(&template_words, &place, word, now, template_timeouts, &entry, &old)) {
		count_event(EVENT_TEMPLATE_EVICTED);
		return TEMPLATE_GONE;
	}
	template = template_at(entry.index);
	if (!template)
		return TEMPLATE_GONE;
	if (word_state(old))
		count_event(EVENT_TEMPLATE_EVICTED);
	write_address(template->client, &key.client);
	template->service = key.service;
	template->generation = template->generation == 255 ? 1 : template->generation + 1;
	template->expires = former->expires;
	template->timeout = former->timeout;
	template->children = former->children;
	return make_ref(template, entry.index);
}

/*
 * The reference of a former template in the present table; it is moved there if it is not yet. The former one keeps it,
 * for its flows: they come later. Global, as follow() is.
 */
__attribute__((noinline)) int move_template(__u32 ref)
{
	__u32 index = ref & TEMPLATE_INDEX_MASK;
	struct template *former = former_flow_mask ? value_in(&former_templates, index) : NULL;
	__u64 *word = former_flow_mask ? word_in(&former_template_words, index) : NULL;
	__u32 moved_to;
	__u64 old;

	if (!former || !word || former->generation != ref >> TEMPLATE_GENERATION_SHIFT)
		return TEMPLATE_GONE;
	old = *(volatile __u64 *)word;
	if (*(volatile __u8 *)&former->is_moved)
		return former->expires;
	if (!word_state(old) || word_state(old) == STATE_MOVING || !take_word(word, old))
		return TEMPLATE_GONE;
	moved_to = place_template(former, old);
	__sync_val_compare_and_swap(&former->expires, former->expires, moved_to);
	former->is_moved = true;
	let_go(word, old);
	return moved_to;
}

/* What a former reference is in the present table. */
static __always_inline __u32 reference_now(__u32 ref)
{
	struct template *former = ref ? value_in(&former_templates, ref & TEMPLATE_INDEX_MASK) : NULL;

	if (!ref)
		return 0;
	if (!former || former->generation != ref >> TEMPLATE_GENERATION_SHIFT || !former->is_moved)
		return TEMPLATE_GONE;
	return former->expires;
}

/* Put a flow where it belongs now. False if those that are there are worth more. */
static __always_inline bool place_flow(const struct settings *settings, const struct flow *former, __u64 word, __u32 ref)
{
	const __u64 *client = (const __u64 *)former->client;
	struct decision decision = {};
	__u32 vip_id = former->vip;
	struct vip *vip = &tables.vips[vip_id & (LIMIT_VIPS - 1)];
	struct place place;
	struct entry entry;
	__u64 old;

	decision.packet.client.high = client[0];
	decision.packet.client.low = client[1];
	decision.packet.vip.high = ((const __u64 *)vip->address)[0];
	decision.packet.vip.low = ((const __u64 *)vip->address)[1];
	decision.packet.ports = *(const __u32 *)&former->client_port;
	decision.packet.protocol = former->protocol;
	decision.now = ticks_now(settings);
	decision.vip = vip_id;
	decision.template_ref = ref;
	place = flow_place(settings, &decision.packet);
	if (!claim_again(&flow_words, &place, word, decision.now, settings->timeouts, &entry, &old))
		return false;
	if (word_state(old) && !is_expired(settings, old, decision.now))
		count_event(EVENT_FLOW_NOT_MOVED);
	settle(settings, entry.index, old, &decision);
	return true;
}

/* The flow has no place any more. */
static __always_inline void lose_flow(const struct settings *settings, __u64 word, __u32 ref)
{
	leave_load(word_real(word), word_state(word));
	leave_template(ref);
	if (is_expired(settings, word, ticks_now(settings)))
		return;
	count_event(EVENT_FLOW_NOT_MOVED);
	count_eviction(settings, word, ticks_now(settings));
}

/*
 * Moves the flow in a slot of the former table, if there is one; its template has been moved before. The real of a flow that another CPU has in hand: the
 * packet goes there and changes nothing. Global, as follow() is.
 */
__attribute__((noinline)) int move_flow(__u32 index)
{
	struct settings *settings = get_settings();
	struct flow *former = former_flow_mask ? value_in(&former_flows, index) : NULL;
	__u64 *word = former_flow_mask ? word_in(&former_flow_words, index) : NULL;
	__u32 ref;
	__u64 old;

	if (!former || !word)
		return 0;
	old = *(volatile __u64 *)word;
	if (!word_state(old))
		return 0;
	if (word_state(old) == STATE_MOVING || !take_word(word, old))
		return word_real(old);
	ref = reference_now(former->template_ref);
	if (!is_expired(settings, old, ticks_now(settings)) && place_flow(settings, former, old, ref))
		count_event(EVENT_FLOW_MOVED);
	else
		lose_flow(settings, old, ref);
	let_go(word, old);
	return 0;
}

/* The slot of the packet's flow in the former table, and one; 0 if it is not there. Its template is moved already. */
__attribute__((noinline)) int find_former_flow(struct decision *decision)
{
	struct settings *settings = get_settings();
	void *words = former_flow_mask ? map_in(&former_flow_words) : NULL;
	struct place place;
	struct entry entry;
	struct flow *flow;

	if (!decision || !words)
		return 0;
	place = place_of(flow_hash(settings, &decision->packet), former_flow_mask);
	if (!find_word(words, &place, &entry))
		return 0;
	flow = value_in(&former_flows, entry.index);
	if (!flow || !is_same_flow(flow, &decision->packet, decision->vip))
		return 0;
	if (flow->template_ref)
		move_template(flow->template_ref);
	return entry.index + 1;
}

/* The reference of the former template of a client that begins a flow; 0 if it has none. Global, as follow() is. */
__attribute__((noinline)) int find_former_template(struct decision *decision)
{
	struct settings *settings = get_settings();
	void *words = former_flow_mask ? map_in(&former_template_words) : NULL;
	struct template_key key;
	struct template *template;
	struct service *service;
	struct place place;
	struct entry entry;

	if (!decision || !words || !may_begin(&decision->packet, settings->rules))
		return 0;
	decision->service = find_service(decision->vip, &decision->packet);
	service = service_at(decision->service);
	if (!decision->service || !service->persistence_s)
		return 0;
	key = template_key_of(decision, service);
	place = place_of(template_hash(settings, &key), former_template_mask);
	if (!find_word(words, &place, &entry))
		return 0;
	template = value_in(&former_templates, entry.index);
	return template && is_same_client(template, &key) ? make_ref(template, entry.index) : 0;
}

/* What the packet asks for comes along. The real, if its flow is in hand elsewhere. */
static __always_inline void bring_along(struct decision *decision)
{
	__u32 slot = find_former_flow(decision);
	__u32 ref;

	if (slot) {
		decision->real = move_flow(slot - 1);
		return;
	}
	ref = find_former_template(decision);
	if (ref)
		move_template(ref);
}

/* follow() in all tables that there are. */
static __always_inline void follow_all(struct decision *decision)
{
	if (former_flow_mask)
		bring_along(decision);
	if (!decision->real)
		follow(decision);
}

/* recall() in all of them. */
static __always_inline void recall_all(struct decision *decision)
{
	if (former_flow_mask)
		bring_along(decision);
	if (!decision->real)
		recall(decision);
}

/*
 * What an index stands for in both former tables: the template there, and the flow behind its own template. Global, so
 * that a loop over slots is proved in no time.
 */
__attribute__((noinline)) int move_slot(__u32 index)
{
	struct template *template = former_flow_mask ? value_in(&former_templates, index) : NULL;
	struct flow *flow = former_flow_mask ? value_in(&former_flows, index) : NULL;

	if (template)
		move_template(make_ref(template, index));
	if (flow && flow->template_ref)
		move_template(flow->template_ref);
	if (flow)
		move_flow(index);
	return 0;
}
