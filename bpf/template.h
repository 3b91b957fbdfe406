/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Persistence: which real server new flows of a client (or of its network) go to. Asked only when a flow is made.
 *
 * The clock is IPVS's (ip_vs_conn.c): a new flow restarts it, packets do not; a template that runs out while flows
 * of its own still exist lives on by 60 seconds, and from then on a new flow restarts no more than those.
 */
#pragma once

#include "clock.h"
#include "hash.h"
#include "table.h"

#define TEMPLATE_HELD (60 * TICKS_PER_SECOND)
#define TEMPLATE_AGE_SHIFT 8			/* words of this table age in units of 64 seconds */
#define TEMPLATE_INDEX_MASK 0xffffff
#define TEMPLATE_GENERATION_SHIFT 24

/* Never by age: the exact time stands in the cold half, and the sweeper frees what is over. */
static const __u32 template_timeouts[FLOW_STATES] = {
	[TEMPLATE_STATE_NEW] = 0x10000,
	[TEMPLATE_STATE_ASSURED] = 0x10000,
};

/* A client's identity in a service. */
struct template_key {
	struct address client;		/* as much of it as the granularity says */
	__u32 service;
};

static __always_inline struct template *template_at(__u32 index)
{
	return bpf_map_lookup_elem(&templates, &index);
}

/* The template that a flow names, unless its slot has gone to another one meanwhile. */
static __always_inline struct template *template_of(__u32 ref)
{
	struct template *template = ref ? template_at(ref & TEMPLATE_INDEX_MASK) : NULL;

	return template && template->generation == ref >> TEMPLATE_GENERATION_SHIFT ? template : NULL;
}

/* A flow was confirmed: its template gives way last from now on. */
static __always_inline void assure_template(__u32 ref)
{
	__u32 index = ref & TEMPLATE_INDEX_MASK;
	__u32 at = index / LIMIT_WAYS;
	struct bucket *bucket;
	__u64 *word, old;

	if (!template_of(ref))
		return;
	bucket = bpf_map_lookup_elem(&template_words, &at);
	if (!bucket)
		return;
	word = &bucket->words[index % LIMIT_WAYS];
	old = *word;
	/* The template may be over while its flows are not: a slot that is free stays free. */
	if (word_state(old))
		__sync_val_compare_and_swap(word, old, old | TEMPLATE_STATE_ASSURED);
}

/* A flow ended: one child less for its template. */
static __always_inline void leave_template(__u32 ref)
{
	struct template *template = template_of(ref);

	if (template && template->children)
		__sync_fetch_and_sub(&template->children, 1);
}

static __always_inline bool is_same_client(const struct template *template, const struct template_key *key)
{
	return is_same_address(template->client, &key->client) && template->service == key->service;
}

/* The slot goes to another client: references to the one before are void. */
static __always_inline void give_template(struct template *template, const struct template_key *key)
{
	write_address(template->client, &key->client);
	template->service = key->service;
	template->generation = template->generation == 255 ? 1 : template->generation + 1;
}

/* Still valid at `now`? Holds on to one that has run out while its flows live; who only asks changes nothing. */
static __always_inline bool is_current(struct template *template, __u32 now, bool is_dry)
{
	if ((__s32)(template->expires - now) > 0)
		return true;
	if (!template->children)
		return false;
	if (!is_dry)
		template->timeout = TEMPLATE_HELD;
	return true;
}

static __always_inline __u32 make_ref(const struct template *template, __u32 index)
{
	return (__u32)template->generation << TEMPLATE_GENERATION_SHIFT | index;
}

static __always_inline __u32 template_age(__u32 now)
{
	return now >> TEMPLATE_AGE_SHIFT;
}

/* A flow is being made by this template: its clock starts again. */
static __always_inline void join_template(struct template *template, __u64 *word, __u32 now)
{
	__u64 fresh = with_age(*word, template_age(now));

	template->expires = now + template->timeout;
	__sync_fetch_and_add(&template->children, 1);
	if (*word != fresh)
		*word = fresh;
}
