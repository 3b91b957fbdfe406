/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Moves a flow or a template from the former tables to its place in the present ones. Each is moved once, by whichever
 * CPU takes it in hand first.
 */
#pragma once

#include "former-tables.h"

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
	place = template_place(settings, &key);
	if (!claim_again(&template_words, &place, word, now, template_timeouts, &entry, &old)) {
		count_event(EVENT_TEMPLATE_EVICTED);
		return TEMPLATE_GONE;
	}
	template = template_at(entry.index);
	if (!template)
		return TEMPLATE_GONE;
	if (word_state(old))
		count_event(EVENT_TEMPLATE_EVICTED);
	give_template(template, &key);
	template->expires = former->expires;
	template->timeout = former->timeout;
	template->children = former->children;
	return make_ref(template, entry.index);
}

/*
 * The reference of a former template in the present table; it is moved there if it is not yet. The former one keeps it,
 * for its flows: they come later. Global, as follow() is.
 */
PROVED_ONCE int move_template(__u32 ref)
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
static __always_inline bool place_flow(const struct settings *settings, const struct flow *former, __u64 word,
				       __u32 ref)
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
 * Moves the flow in a slot of the former table, if there is one; its template has been moved before. The real of a flow
 * that another CPU has in hand: the packet goes there and changes nothing. Global, as follow() is.
 */
PROVED_ONCE int move_flow(__u32 index)
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

/*
 * What an index stands for in both former tables: the template there, and the flow behind its own template. Global, so
 * that a loop over slots is proved in no time.
 */
PROVED_ONCE int move_slot(__u32 index)
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
