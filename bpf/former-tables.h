/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of another size: those of the program that this one stands in for. Either these or the present ones have a
 * flow, or one CPU has it in hand.
 *
 * They are there where former_flow_mask is not 0 only; else the verifier throws away all that asks for them.
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
