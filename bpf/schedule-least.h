/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lc, wlc, sed, nq, fo, ovf: of the list, the real with the least cost for its weight, and the first of equals. What
 * a cost is, is all they differ in. And twos: the better of two that chance picks.
 *
 * Connections are counted over all CPUs at once, so these are exact as long as no two flows begin at the same moment.
 */
#pragma once

#include "schedule-list.h"

/* The best real so far. Nobody costs 1 for no weight: anybody is better. */
struct choice {
	struct stretch list;
	__u64 cost;
	__u64 weight;
	__u32 real;
	__u32 scheduler;
};

static __always_inline __u32 active_of(const struct load *load)
{
	return *(volatile const __u64 *)&load->connections >> 32;
}

/* ip_vs_dest_conn_overhead() of include/net/ip_vs.h. */
static __always_inline __u64 overhead_of(const struct load *load)
{
	__u64 connections = *(volatile const __u64 *)&load->connections;

	return (connections >> 32 << 8) + (__u32)connections;
}

static __always_inline __u64 cost_of(const struct load *load, __u32 scheduler)
{
	__u64 active = active_of(load);

	switch (scheduler) {
	case SCHEDULER_SED:
		return active + 1;
	case SCHEDULER_NQ:
		return active ? active + 1 : 0;		/* the first who is idle is taken */
	case SCHEDULER_FO:
	case SCHEDULER_OVF:
		return 1;				/* the highest weight is taken */
	default:
		return overhead_of(load);
	}
}

/* Takes the real if it is better than the one so far. */
static __always_inline void prefer(struct choice *choice, __u32 real, const struct load *load)
{
	__u64 cost = cost_of(load, choice->scheduler);
	__u64 weight = choice->scheduler == SCHEDULER_LC ? 1 : load->weight;

	if (choice->cost * weight <= cost * choice->weight)
		return;
	choice->real = real;
	choice->cost = cost;
	choice->weight = weight;
}

static long look_at(void *map, const __u32 *place, void *step, struct choice *choice)
{
	struct load *load;
	__u32 real;

	if (*place >= choice->list.count)
		return 1;
	real = real_in(&choice->list, *place);
	load = load_of(real);
	if (!load->weight || load->overloaded)
		return 0;
	if (choice->scheduler == SCHEDULER_OVF && active_of(load) > load->weight)
		return 0;
	prefer(choice, real, load);
	return 0;
}

/* The id, 0 if nobody takes flows. */
PROVED_ONCE int least_of_list(__u32 id, __u32 scheduler)
{
	struct choice choice = { stretch_of(service_at(id)), .cost = 1, .scheduler = scheduler };

	walk(look_at, &choice);
	return is_available(choice.real, id) ? choice.real : 0;
}

/* Two points on the list, if each real is as long as its weight. */
struct draw {
	struct stretch list;
	__u64 length;			/* walked so far */
	__u64 first;
	__u64 second;
	__u32 first_real;
	__u32 second_real;
};

static __always_inline struct load *candidate_at(const struct stretch *list, __u32 place)
{
	struct load *load = load_of(real_in(list, place));

	return load->weight && !load->overloaded ? load : NULL;
}

static long add_length(void *map, const __u32 *place, void *step, struct draw *draw)
{
	struct load *load;

	if (*place >= draw->list.count)
		return 1;
	load = candidate_at(&draw->list, *place);
	if (load)
		draw->length += load->weight;
	return 0;
}

static long find_points(void *map, const __u32 *place, void *step, struct draw *draw)
{
	struct load *load;

	if (*place >= draw->list.count)
		return 1;
	load = candidate_at(&draw->list, *place);
	if (!load)
		return 0;
	draw->length += load->weight;
	if (!draw->first_real && draw->length >= draw->first)
		draw->first_real = real_in(&draw->list, *place);
	if (!draw->second_real && draw->length >= draw->second)
		draw->second_real = real_in(&draw->list, *place);
	return draw->first_real && draw->second_real;
}

/* The less loaded of two reals that chance has picked by their weights; the first one if they are equal. */
PROVED_ONCE int better_of_two(__u32 id)
{
	struct draw draw = { stretch_of(service_at(id)) };
	struct load *first, *second;
	__u32 real;

	walk(add_length, &draw);
	draw.first = bpf_get_prandom_u32() % (draw.length + 1);	/* both ends included, as IPVS has it */
	draw.second = bpf_get_prandom_u32() % (draw.length + 1);
	draw.length = 0;
	walk(find_points, &draw);
	real = draw.first_real;
	first = load_of(real);
	second = load_of(draw.second_real);
	if (second->weight * overhead_of(first) > first->weight * overhead_of(second))
		real = draw.second_real;
	return is_available(real, id) ? real : 0;
}
