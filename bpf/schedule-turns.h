/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rr and wrr: one after the other in a round that TypeScript has laid out. A turn is one atomic add, so their order is
 * exact over all CPUs.
 */
#pragma once

#include "schedule-list.h"

struct round {
	struct stretch turns;
	__u32 service;
	__u32 real;
	bool is_dry;
};

/* A turn after `passed` others: whose it is, if that one takes flows. */
static __always_inline bool take_turn(struct round *round, __u32 passed)
{
	struct cursor *cursor = &tables.cursors[round->service & (LIMIT_SERVICES - 1)];
	__u64 turn = round->is_dry ? cursor->next + passed : __sync_fetch_and_add(&cursor->next, 1);
	__u32 real = real_in(&round->turns, turn % round->turns.count);

	if (!takes_flows(real, round->service))
		return false;
	round->real = real;
	return true;
}

/* Passes over reals that take no flows: there are few in a round, unless they are overloaded. */
static long pass_over(void *map, const __u32 *passed, void *step, struct round *round)
{
	return *passed + 1 >= round->turns.count || take_turn(round, *passed + 1);
}

static __always_inline struct round round_of(__u32 service, bool is_dry)
{
	struct round round = { .turns = stretch_of(service_at(service)), .service = service, .is_dry = is_dry };

	return round;
}

/* Behind one who took none. */
PROVED_ONCE int further_in_turn(__u32 service, __u32 is_dry)
{
	struct round round = round_of(service, is_dry);

	if (round.turns.count)
		walk(pass_over, &round);
	return round.real;
}

/* The id of the next real in turn, 0 if there is none. Who only asks takes no turn. */
static __always_inline __u32 next_in_turn(__u32 service, bool is_dry)
{
	struct round round = round_of(service, is_dry);

	if (!round.turns.count)
		return 0;
	return likely(take_turn(&round, 0)) ? round.real : further_in_turn(service, is_dry);
}
