/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which real server a new flow goes to. A service's part of the slots holds, in order, the ids of the reals that may
 * take one; TypeScript writes another list elsewhere and switches to it with one store. Round robin is one atomic add, so its order is
 * exact over all CPUs.
 */
#pragma once

#include "packet.h"
#include "template.h"
#include "vip.h"

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

/* The id of the next real in turn, 0 if there is none. */
static __always_inline __u32 schedule_round_robin(const struct service *service, __u32 id)
{
	__u64 schedule = *(volatile const __u64 *)&service->schedule;
	struct cursor *cursor = bpf_map_lookup_elem(&cursors, &id);
	__u32 count = schedule;

	if (!cursor || !count)
		return 0;
#pragma unroll
	for (int i = 0; i < SCHEDULE_TRIES; i++) {
		__u64 turn = __sync_fetch_and_add(&cursor->next, 1);
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
	((__u64 *)template->client)[0] = key->high;
	((__u64 *)template->client)[1] = key->low;
	template->service = key->service;
	template->generation = template->generation == 255 ? 1 : template->generation + 1;
	template->expires = now + timeout;
	template->timeout = timeout;
	template->children = 1;
	return make_ref(template, entry.index);
}

/* As schedule_round_robin(), but a client that is known stays where it was. Gives the template's ref too. */
static __always_inline __u32 schedule_persistent(const struct settings *settings, const struct service *service,
						 struct template_key *key, __u32 now, __u32 *ref)
{
	const __u64 *granularity = (const __u64 *)service->granularity;
	__u32 timeout = service->persistence_s * TICKS_PER_SECOND;
	struct template *template;
	struct place place;
	struct entry entry;
	__u32 real;

	key->high &= granularity[0];
	key->low &= granularity[1];
	place = place_of(mix(key->low, key->high ^ (__u64)key->service << 16, settings), settings->template_mask);
	if (find_word(&template_words, &place, &entry)) {
		template = template_at(entry.index);
		if (!template)
			return 0;
		real = word_real(*entry.word);
		if (is_same_client(template, key) && is_current(template, now) &&
		    can_take(real, key->service)) {
			join_template(template, entry.word, now);
			*ref = make_ref(template, entry.index);
			return real;
		}
		/* Over, or another client's with the same signature: what takes its place here is found first. */
		*entry.word = WORD_FREED;
	}
	real = schedule_round_robin(service, key->service);
	if (real)
		*ref = begin_template(key, &place, real, timeout, now);
	return real;
}

static __always_inline __u32 schedule(const struct settings *settings, const struct packet *packet,
				      __u32 service_id, __u32 now, __u32 *ref)
{
	struct service *service = bpf_map_lookup_elem(&services, &service_id);
	struct template_key key = { 0, mapped_ipv4(packet->client), service_id };

	*ref = 0;
	if (!service)
		return 0;
	if (!service->persistence_s)
		return schedule_round_robin(service, service_id);
	return schedule_persistent(settings, service, &key, now, ref);
}
