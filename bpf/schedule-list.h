/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every scheduler stands on: its service's part of the slots, which TypeScript writes (lib/dataplane/schedulers),
 * and which reals take new flows. A change of reals or weights is another part, switched to with one store.
 *
 * Each family of schedulers is a function of its own that the verifier proves once. They are called where a flow
 * begins, and nowhere else.
 */
#pragma once

#include "compiler.h"
#include "load.h"
#include "maps.h"

/* A service's part of the slots: a list of reals, a round of turns, or a table by hash. */
struct stretch {
	__u32 first;
	__u32 count;
};

static __always_inline struct stretch stretch_of(const struct service *service)
{
	__u64 schedule = *(volatile const __u64 *)&service->schedule;
	struct stretch stretch = { schedule >> 32, schedule };

	return stretch;
}

/* The id of the real at a place of a stretch; 0 if there is none. */
static __always_inline __u32 real_in(const struct stretch *stretch, __u32 place)
{
	__u32 at = stretch->first + place;
	__u32 index = at / 4;
	struct slot *slot = bpf_map_lookup_elem(&slots, &index);

	return slot ? slot->reals[at % 4] : 0;
}

/* May a packet of this service go to that real? Asked of whatever a slot or a template names, which may be stale. */
static __always_inline bool is_available(__u32 id, __u32 service)
{
	struct real *real = real_at(id);

	return id && real->state == REAL_STATE_UP && real->service == service;
}

/* Has the real left its service? */
static __always_inline bool is_removed(__u32 id)
{
	return real_at(id)->state == REAL_STATE_REMOVED;
}

static __always_inline bool has_weight(__u32 id)
{
	return load_of(id)->weight;
}

/* May the service give it a new flow? */
static __always_inline bool takes_flows(__u32 id, __u32 service)
{
	struct load *load = load_of(id);

	return load->weight && !load->overloaded && is_available(id, service);
}

/*
 * A walk: calls back with 0, 1, 2 … until it is told to stop by a 1. The verifier proves the body once, where it
 * would walk each round of a loop. bpf_loop() does the same since 5.17; bpf_for_each_map_elem(), since 5.13, wants a
 * map.
 */
#define walk(step, context) bpf_for_each_map_elem(&steps, step, context, 0)
