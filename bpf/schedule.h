/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which real server a new flow goes to: the client's own if it has one, else whom the service's scheduler picks.
 */
#pragma once

#include "compiler.h"
#include "decision.h"
#include "schedule-hashes.h"
#include "schedule-least.h"
#include "schedule-locality.h"
#include "schedule-turns.h"
#include "template.h"

/* What sh and mh hash: the client, and its port if the service says so. */
static __always_inline __u32 hash_client(const struct service *service, const struct packet *packet)
{
	__u32 port = service->flags & SERVICE_FLAG_PORT ? bpf_ntohs(client_port(packet)) : 0;

	return fold_address(&packet->client) + port;
}

/* Where an address is, unless it has too much to do there; the steps are called from here to keep the stack low. */
static __always_inline __u32 pick_local(const struct decision *decision, __u32 scheduler, bool is_dry)
{
	__u32 id = decision->service, vip = decision->vip, now = decision->now;
	__u32 real = scheduler == SCHEDULER_LBLC ? real_of_address(id, vip, now, is_dry) :
						   real_of_set(id, vip, now, is_dry);

	if (real && !is_busy(id, real))
		return real;
	real = least_of_list(id, scheduler);
	if (real && !is_dry)
		join_locality(id, vip, real, now, scheduler);
	return real;
}

/* The id of the real that the service's scheduler picks, 0 if there is none. */
static __always_inline __u32 pick_real(const struct service *service, const struct decision *decision, bool is_dry)
{
	__u32 fallback = service->flags & SERVICE_FLAG_FALLBACK;
	const struct packet *packet = &decision->packet;
	__u32 id = decision->service;

	switch (service->scheduler) {
	case SCHEDULER_SH:
		return real_of_bucket(id, hash_client(service, packet), fallback);
	case SCHEDULER_DH:
		return real_of_bucket(id, fold_address(&packet->vip), 0);
	case SCHEDULER_MH:
		return real_of_place(id, hash_client(service, packet), fallback);
	case SCHEDULER_LBLC:
	case SCHEDULER_LBLCR:
		return pick_local(decision, service->scheduler, is_dry);
	case SCHEDULER_TWOS:
		return better_of_two(id);
	case SCHEDULER_RR:
	case SCHEDULER_WRR:
		return next_in_turn(id, is_dry);
	default:
		return least_of_list(id, service->scheduler);
	}
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
	give_template(template, key);
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

/* May the client of a template go on to its real? expire_quiescent_template says whether also to one of weight 0. */
static __always_inline bool keeps_clients(const struct settings *settings, __u32 real, __u32 service)
{
	if (settings->rules & RULE_EXPIRE_QUIESCENT_TEMPLATE && !has_weight(real))
		return false;
	return is_available(real, service);
}

/* The template of this client if it still holds, and its word. One that is over is freed, unless we only ask. */
static __always_inline struct template *find_template(const struct settings *settings, const struct decision *decision,
						      const struct template_key *key, struct place *place,
						      struct entry *entry, bool is_dry)
{
	struct template *template;

	if (!find_word(&template_words, place, entry))
		return NULL;
	template = template_at(entry->index);
	if (!template)
		return NULL;
	if (is_same_client(template, key) && is_current(template, decision->now, is_dry) &&
	    keeps_clients(settings, word_real(*entry->word), key->service))
		return template;
	/* Over, or another client's with the same signature: what takes its place here is found first. */
	if (!is_dry)
		*entry->word = WORD_FREED;
	return NULL;
}

static __always_inline __u64 template_hash(const struct settings *settings, const struct template_key *key)
{
	return mix(mix_address(&key->client, settings), key->service, settings);
}

static __always_inline struct place template_place(const struct settings *settings, const struct template_key *key)
{
	return place_of(template_hash(settings, key), template_mask);
}

/* Begin to read what schedule() most likely needs of a client's template: see begin_to_read() of flow.h. */
PROVED_ONCE int touch_template(const struct decision *decision)
{
	struct template_key key;
	struct place place;

	if (!decision)
		return 0;
	key = template_key_of(decision, service_at(decision->service));
	place = template_place(get_settings(), &key);
	touch(bucket_at(&template_words, place.home));
	touch(template_at(place.home * LIMIT_WAYS + place.own));
	return 0;
}

/* A client that is known stays where it was. */
static __always_inline void schedule_persistent(const struct settings *settings, const struct service *service,
						struct decision *decision, bool is_dry)
{
	struct template_key key = template_key_of(decision, service);
	struct place place = template_place(settings, &key);
	struct entry entry;
	struct template *template = find_template(settings, decision, &key, &place, &entry, is_dry);

	if (template) {
		decision->real = word_real(*entry.word);
		decision->template_ref = make_ref(template, entry.index);
		decision->by_template = true;
		if (!is_dry)
			join_template(template, entry.word, decision->now);
		return;
	}
	decision->real = pick_real(service, decision, is_dry);
	if (decision->real && !is_dry) {
		__u32 timeout = service->persistence_s * TICKS_PER_SECOND;

		decision->template_ref = begin_template(&key, &place, decision->real, timeout, decision->now);
	}
}

/* Which real takes the flow that begins: its id in the decision, 0 if there is none. */
static __always_inline void schedule(const struct settings *settings, struct decision *decision, bool is_dry)
{
	__u32 id = decision->service;
	struct service *service = service_at(id);

	if (service->persistence_s)
		schedule_persistent(settings, service, decision, is_dry);
	else
		decision->real = pick_real(service, decision, is_dry);
}
