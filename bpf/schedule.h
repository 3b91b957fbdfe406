/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which real server a new flow goes to. A service's part of the slots holds, in order, the ids of the reals that may
 * take one; TypeScript writes another list elsewhere and switches to it with one store. Round robin is one atomic add, so its order is
 * exact over all CPUs.
 */
#pragma once

#include "compiler.h"
#include "decision.h"
#include "template.h"

#define SCHEDULE_TRIES 4			/* a real may have gone a moment before its slot does */

static __always_inline struct real *real_at(__u32 id)
{
	return bpf_map_lookup_elem(&reals, &id);
}

/* May this service give a flow to that real? Asked of whatever a slot or a template names, which may be stale. */
static __always_inline bool can_take(__u32 id, __u32 service)
{
	struct real *real = real_at(id);

	return real && real->state == REAL_STATE_UP && real->service == service;
}

/* The id of the real that stands at a place in a schedule. */
static __always_inline __u32 slot_real(__u32 place)
{
	__u32 index = place / 4;
	struct slot *slot = bpf_map_lookup_elem(&slots, &index);

	return slot ? slot->reals[place % 4] : 0;
}

/* The next turn of a service's round, which who only asks does not take. */
static __always_inline __u64 take_turn(struct cursor *cursor, int tries, bool is_dry)
{
	return is_dry ? cursor->next + tries : __sync_fetch_and_add(&cursor->next, 1);
}

/* The id of the next real in turn, 0 if there is none. */
static __always_inline __u32 schedule_round_robin(const struct service *service, __u32 id, bool is_dry)
{
	__u64 schedule = *(volatile const __u64 *)&service->schedule;
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &id);
	__u32 count = schedule;

	if (!cursor || !count)
		return 0;
#pragma unroll
	for (int i = 0; i < SCHEDULE_TRIES; i++) {
		__u64 turn = take_turn(cursor, i, is_dry);
		__u32 real = slot_real((schedule >> 32) + turn % count);

		if (real && can_take(real, id))
			return real;
	}
	return 0;
}

/* Remember the choice for this client. A template that cannot be stored costs affinity, not the flow. */
static __always_inline __u32 begin_template(const struct template_key *key, struct place *place, __u32 real,
					    __u32 timeout, __u32 now)
{
	__u64 word = make_word(place->signature, real, template_age(now), TEMPLATE_STATE_NEW);
	struct template *template;
	struct entry entry;
	__u64 old;

	if (!claim(&template_words, place, word, template_age(now), template_timeouts, &entry, &old))
		return 0;
	template = template_at(entry.index);
	if (!template)
		return 0;
	count_event(word_state(old) ? EVENT_TEMPLATE_EVICTED : EVENT_TEMPLATE_MADE);
	write_address(template->client, &key->client);
	template->service = key->service;
	template->generation = template->generation == 255 ? 1 : template->generation + 1;
	template->expires = now + timeout;
	template->timeout = timeout;
	template->children = 1;
	return make_ref(template, entry.index);
}

static __always_inline struct template_key template_key_of(const struct decision *decision,
							   const struct service *service)
{
	const __u64 *granularity = (const __u64 *)service->granularity;
	struct template_key key = { decision->packet.client, decision->service };

	key.client.high &= granularity[0];
	key.client.low &= granularity[1];
	return key;
}

/* The template of this client if it still holds, and its word. One that is over is freed, unless we only ask. */
static __always_inline struct template *find_template(const struct decision *decision, const struct template_key *key,
						      struct place *place, struct entry *entry, bool is_dry)
{
	struct template *template;

	if (!find_word(&template_words, place, entry))
		return NULL;
	template = template_at(entry->index);
	if (!template)
		return NULL;
	if (is_same_client(template, key) && is_current(template, decision->now, is_dry) &&
	    can_take(word_real(*entry->word), key->service))
		return template;
	/* Over, or another client's with the same signature: what takes its place here is found first. */
	if (!is_dry)
		*entry->word = WORD_FREED;
	return NULL;
}

/* As schedule_round_robin(), but a client that is known stays where it was. */
static __always_inline void schedule_persistent(const struct settings *settings, const struct service *service,
						struct decision *decision, bool is_dry)
{
	struct template_key key = template_key_of(decision, service);
	__u64 client = mix_address(&key.client, settings);
	struct place place = place_of(mix(client, key.service, settings), settings->template_mask);
	struct entry entry;
	struct template *template = find_template(decision, &key, &place, &entry, is_dry);

	if (template) {
		decision->real = word_real(*entry.word);
		decision->template_ref = make_ref(template, entry.index);
		if (!is_dry)
			join_template(template, entry.word, decision->now);
		return;
	}
	decision->real = schedule_round_robin(service, decision->service, is_dry);
	if (decision->real && !is_dry) {
		__u32 timeout = service->persistence_s * TICKS_PER_SECOND;

		decision->template_ref = begin_template(&key, &place, decision->real, timeout, decision->now);
	}
}

/* Which real takes the flow that begins: its id in the decision, 0 if there is none. */
static __always_inline void schedule(const struct settings *settings, struct decision *decision, bool is_dry)
{
	__u32 id = decision->service;
	struct service *service = bpf_map_lookup_elem(&services, &id);

	if (!service)
		return;
	if (service->persistence_s)
		schedule_persistent(settings, service, decision, is_dry);
	else
		decision->real = schedule_round_robin(service, decision->service, is_dry);
}
