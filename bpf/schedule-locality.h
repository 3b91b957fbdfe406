/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lblc and lblcr: an address that packets are for stays with its real, or with its set of reals, until they have too
 * much to do (net/netfilter/ipvs/ip_vs_lblc.c, _lblcr.c). Made for caches in front of many servers; here a service has
 * as many addresses as it has VIPs.
 */
#pragma once

#include "clock.h"
#include "schedule-least.h"

#define LOCALITY_TIMEOUT (24 * 60 * 60 * 4)	/* ticks; lblc_expiration and lblcr_expiration of 24 hours */

static __always_inline struct locality *find_locality(const struct locality_key *key, __u32 now)
{
	struct locality *locality = bpf_map_lookup_elem(&localities, key);

	return locality && now - locality->used < LOCALITY_TIMEOUT ? locality : NULL;
}

/* From now on the address is with that real. */
static __always_inline void begin_locality(const struct locality_key *key, __u32 real, __u32 now)
{
	__u32 zero = 0;
	struct locality *fresh = bpf_map_lookup_elem(&fresh_locality, &zero);

	if (!fresh)
		return;
	fresh->used = now;
	fresh->changed = now;
	fresh->count = 1;
	fresh->reals[0] = real;
	bpf_map_update_elem(&localities, key, fresh, BPF_ANY);
}

/* Reals that have less to do than half their weight. */
struct idlers {
	struct stretch list;
	bool found;
};

static long find_idler(void *map, const __u32 *place, void *step, struct idlers *idlers)
{
	struct load *load;

	if (*place >= idlers->list.count)
		return 1;
	load = load_of(real_in(&idlers->list, *place));
	if ((__u64)active_of(load) * 2 >= load->weight)
		return 0;
	idlers->found = true;
	return 1;
}

/* Does the real have more to do than its weight says, while another one has less than half of that? */
PROVED_ONCE int is_busy(__u32 id, __u32 real)
{
	struct idlers idlers = { stretch_of(service_at(id)) };
	struct load *load = load_of(real);

	if (active_of(load) <= load->weight)
		return 0;
	walk(find_idler, &idlers);
	return idlers.found;
}

/* lblc: the real that an address is with; 0 if there is none that takes flows. */
PROVED_ONCE int real_of_address(__u32 id, __u32 vip, __u32 now, __u32 is_dry)
{
	struct locality_key key = { id, vip };
	struct locality *locality = find_locality(&key, now);
	__u32 real;

	if (!locality)
		return 0;
	if (!is_dry)
		locality->used = now;
	real = locality->reals[0];
	return has_weight(real) && is_available(real, id) ? real : 0;
}

/* A member of a set, and what is looked for among them: the least loaded or the most, of equals who joined last. */
struct extreme {
	const struct locality *set;
	__u64 cost;
	__u64 weight;
	__u32 service;
	__u32 at;			/* index in the set + 1; 0: nobody */
};

/* The index of the member that is looked at in a step: those that joined last come first. */
static __always_inline __u32 member_of(const struct extreme *extreme, __u32 step)
{
	return (extreme->set->count - 1 - step) & (LIMIT_LOCALITY_REALS - 1);
}

static __always_inline void remember(struct extreme *extreme, __u32 at, const struct load *load)
{
	extreme->at = at + 1;
	extreme->cost = overhead_of(load);
	extreme->weight = load->weight;
}

static long find_least(void *map, const __u32 *step, void *value, struct extreme *least)
{
	struct load *load;
	__u32 at, real;

	if (*step >= least->set->count)
		return 1;
	at = member_of(least, *step);
	real = least->set->reals[at];
	load = load_of(real);
	if (load->overloaded || !is_available(real, least->service))
		return 0;
	if (least->cost * load->weight > overhead_of(load) * least->weight)
		remember(least, at, load);
	return 0;
}

static long find_most(void *map, const __u32 *step, void *value, struct extreme *most)
{
	struct load *load;
	__u32 at;

	if (*step >= most->set->count)
		return 1;
	at = member_of(most, *step);
	load = load_of(most->set->reals[at]);
	if (!load->weight)
		return 0;
	if (!most->at || most->cost * load->weight < overhead_of(load) * most->weight)
		remember(most, at, load);
	return 0;
}

static __always_inline __u32 least_of_set(const struct locality *set, __u32 id)
{
	struct extreme least = { .set = set, .cost = 1, .service = id };

	walk(find_least, &least);
	return least.at ? set->reals[(least.at - 1) & (LIMIT_LOCALITY_REALS - 1)] : 0;
}

static __always_inline void drop_most_of_set(struct locality *set, __u32 now)
{
	struct extreme most = { .set = set };

	walk(find_most, &most);
	if (!most.at)
		return;
	for (__u32 i = 1; i < LIMIT_LOCALITY_REALS; i++)
		if (i >= most.at)
			set->reals[i - 1] = set->reals[i];
	set->count--;
	set->changed = now;
}

static __always_inline void join_set(struct locality *set, __u32 real, __u32 now)
{
	for (int i = 0; i < LIMIT_LOCALITY_REALS; i++)
		if (i < set->count && set->reals[i] == real)
			return;
	if (set->count >= LIMIT_LOCALITY_REALS)
		return;
	set->reals[set->count & (LIMIT_LOCALITY_REALS - 1)] = real;
	set->count++;
	set->changed = now;
}

/* lblcr: the least loaded of the set that an address is with; 0 if there is none that takes flows. */
PROVED_ONCE int real_of_set(__u32 id, __u32 vip, __u32 now, __u32 is_dry)
{
	struct locality_key key = { id, vip };
	struct locality *set = find_locality(&key, now);
	__u32 real;

	if (!set)
		return 0;
	real = least_of_set(set, id);
	if (is_dry)
		return real;
	set->used = now;
	if (set->count > 1 && now - set->changed > LOCALITY_TIMEOUT)
		drop_most_of_set(set, now);
	return real;
}

/* From now on an address is with that real: with lblcr as one more of its set. */
PROVED_ONCE int join_locality(__u32 id, __u32 vip, __u32 real, __u32 now, __u32 scheduler)
{
	struct locality_key key = { id, vip };
	struct locality *set = find_locality(&key, now);

	if (set && scheduler == SCHEDULER_LBLCR)
		join_set(set, real, now);
	else
		begin_locality(&key, real, now);
	return 0;
}
