/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sweeper's walk over the tables. Packets could do without: they take expired slots themselves. It takes flows off
 * their real's and their template's count when their time has come, and finds out which reals are named still.
 *
 * Here and not in TypeScript, over the mapped tables: that takes four to ten times the time (bench/RESULTS.md).
 */
#pragma once

#include "flow.h"

static __always_inline void name_real(__u64 word)
{
	if (word_state(word))
		((__u8 *)tables.named)[word_real(word) & (LIMIT_REALS - 1)] = 1;
}

/* Of a slot whose flow has expired. Global, so that the verifier proves it once, for all eight of a bucket. */
PROVED_ONCE int end_flow(__u32 index)
{
	__u32 at = index / LIMIT_WAYS;
	struct bucket *bucket = bucket_at(&flow_words, at);
	struct entry entry;

	if (!bucket)
		return 0;
	entry = entry_at(bucket, at, index % LIMIT_WAYS);
	free_flow(&entry, *(volatile __u64 *)entry.word);
	name_real(*(volatile __u64 *)entry.word);	/* not 0 if a packet came in between */
	return 0;
}

/* One that has run out lives on by a minute at a time while it has flows: expire_later() of ip_vs_conn.c. */
static __always_inline void hold_template(struct template *template, __u32 overdue)
{
	template->timeout = TEMPLATE_HELD;
	template->expires += TEMPLATE_HELD * (overdue / TEMPLATE_HELD + 1);
}

/* Global, as end_flow() is. */
PROVED_ONCE int look_at_template(__u32 index)
{
	__u32 at = index / LIMIT_WAYS, now = ticks_now(get_settings());
	struct bucket *bucket = bucket_at(&template_words, at);
	struct template *template = template_at(index);
	struct entry entry;
	__u32 overdue;
	__u64 word;

	if (!bucket || !template)
		return 0;
	entry = entry_at(bucket, at, index % LIMIT_WAYS);
	word = *(volatile __u64 *)entry.word;
	overdue = now - template->expires;
	if ((__s32)overdue >= 0) {
		if (!template->children)
			__sync_val_compare_and_swap(entry.word, word, WORD_FREED);
		else
			hold_template(template, overdue);
	}
	name_real(*(volatile __u64 *)entry.word);
	return 0;
}

static __always_inline void sweep_flows(__u32 at, __u32 now)
{
	struct bucket *bucket = bucket_at(&flow_words, at);

	if (!bucket)
		return;
#pragma unroll
	for (__u32 i = 0; i < LIMIT_WAYS; i++) {
		__u64 word = *(volatile __u64 *)&bucket->words[i];

		if (word_state(word) && is_expired(get_settings(), word, now))
			end_flow(at * LIMIT_WAYS + i);
		else
			name_real(word);
	}
}

static __always_inline void sweep_templates(__u32 at)
{
	struct bucket *bucket = bucket_at(&template_words, at);

	if (!bucket)
		return;
#pragma unroll
	for (__u32 i = 0; i < LIMIT_WAYS; i++)
		if (word_state(bucket->words[i]))
			look_at_template(at * LIMIT_WAYS + i);
}

/* Global, so that a loop over buckets is proved in no time. */
PROVED_ONCE int sweep_bucket(__u32 at)
{
	sweep_flows(at, ticks_now(get_settings()));
	sweep_templates(at);
	return 0;
}
