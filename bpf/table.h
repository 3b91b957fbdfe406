/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A set-associative table of words: a word lives in its home bucket or, when that was full, in the one other
 * bucket that its signature leads to. The other one is read only if the home bucket has no slot that was never
 * used, so a look-up costs one cache line until the table is about half full.
 *
 * In its home bucket a word has a slot of its own, where most words are and where it is looked for first. Else the
 * processor could not guess which of the eight it will find, would wait for memory to tell, and could not read ahead
 * for the next packet meanwhile: with 131,072 flows that costs twice what the memory itself does.
 *
 * A change is one aligned 64-bit store or compare-and-swap: no lock, nothing torn, and no CPU owns a part of the
 * table, so it does not matter which one the network card hands a packet to.
 */
#pragma once

#include "compiler.h"
#include "maps.h"
#include "state.h"

#define OWN_SLOT_SHIFT 33			/* above what chooses a bucket, below the signature */

/* Where a key lives: from one hash, index and signature from different bits. */
struct place {
	__u32 home;			/* bucket */
	__u32 own;			/* slot in it */
	__u32 other;			/* bucket */
	__u32 signature;		/* never 0 */
};

/* A word found or claimed, and the index of its cold half. */
struct entry {
	__u64 *word;
	__u32 index;
};

/* By value: a pointer into a struct that goes to a look-up would keep the whole struct in memory. */
static __always_inline struct bucket *bucket_at(void *table, __u32 index)
{
	return bpf_map_lookup_elem(table, &index);
}

/* Begin to read a line of memory that will be wanted. */
static __always_inline void touch(void *line)
{
	if (line)
		(void)*(volatile __u64 *)line;
}

static __always_inline struct place place_of(__u64 hash, __u32 mask)
{
	struct place place;

	place.signature = hash >> WORD_SIGNATURE_SHIFT;
	place.signature += ((__u64)place.signature - 1) >> 63;
	place.home = hash & mask;
	place.own = hash >> OWN_SLOT_SHIFT & (LIMIT_WAYS - 1);
	place.other = (place.home ^ (place.signature * 0x9e3779b1U >> 7 | 1)) & mask;
	return place;
}

static __always_inline __u32 word_real(__u64 word)
{
	return word >> WORD_REAL_SHIFT & 0xffff;
}

static __always_inline __u32 word_age(__u64 word)
{
	return word >> WORD_AGE_SHIFT & 0xffff;
}

static __always_inline __u32 word_state(__u64 word)
{
	return word & 0xf;
}

static __always_inline __u64 with_age(__u64 word, __u32 age)
{
	return (word & ~(0xffffULL << WORD_AGE_SHIFT)) | (__u64)(age & 0xffff) << WORD_AGE_SHIFT;
}

static __always_inline __u64 make_word(__u32 signature, __u32 real, __u32 age, __u32 state)
{
	return (__u64)signature << WORD_SIGNATURE_SHIFT | (__u64)(real & 0xffff) << WORD_REAL_SHIFT |
	       (age & 0xffff) << WORD_AGE_SHIFT | state;
}

/*
 * The word with that signature in a bucket; tells in *full whether every slot was used at some time. All eight are
 * looked at, whichever it is: a branch for each would be guessed wrong.
 */
static __always_inline bool find_in(struct bucket *bucket, __u32 signature, __u32 *way, bool *full)
{
	__u64 found = 0, at = 0, unused = 0;

#pragma unroll
	for (__u64 i = 0; i < LIMIT_WAYS; i++) {
		__u64 word = bucket->words[i];
		__u64 is_it = ones_if_negative((word >> WORD_SIGNATURE_SHIFT ^ signature) - 1);

		found |= is_it;
		at |= is_it & i;
		unused |= (word >> 1) - 1;	/* negative for 0, and for no word that was ever stored */
		opaque(at);			/* one after the other, or eight words want registers at a time */
		opaque(unused);
	}
	*way = at;
	*full = !(unused >> 63);
	return found;
}

static __always_inline struct entry entry_at(struct bucket *bucket, __u32 index, __u32 way)
{
	struct entry entry;

	/* As one value, or the verifier would walk the rest of the program once for each way. */
	opaque(way);
	way &= LIMIT_WAYS - 1;
	entry.word = &bucket->words[way];
	entry.index = index * LIMIT_WAYS + way;
	return entry;
}

/* The same where it is not in its own slot. */
static __always_inline bool find_elsewhere(void *table, struct place *place, struct bucket *home, struct entry *entry)
{
	struct bucket *other;
	bool full;
	__u32 way;

	if (find_in(home, place->signature, &way, &full)) {
		*entry = entry_at(home, place->home, way);
		return true;
	}
	if (!full)
		return false;
	other = bucket_at(table, place->other);
	if (!other || !find_in(other, place->signature, &way, &full))
		return false;
	*entry = entry_at(other, place->other, way);
	return true;
}

static __always_inline bool find_word(void *table, struct place *place, struct entry *entry)
{
	struct bucket *home = bucket_at(table, place->home);

	if (!home)
		return false;
	*entry = entry_at(home, place->home, place->own);
	if (likely(*entry->word >> WORD_SIGNATURE_SHIFT == place->signature))
		return true;
	/* A slot that was never used would have been taken before any other. */
	return *entry->word && find_elsewhere(table, place, home, entry);
}

/*
 * Ticks since a word's last packet. The word may be younger than `now`: another CPU read the clock a moment later.
 * That is idle for no time, not for the whole range of an age.
 */
static __always_inline __u32 word_idle(__u64 word, __u32 now)
{
	__u32 idle = (now - word_age(word)) & 0xffff;

	return idle & mask_if_negative(idle - WORD_FUTURE);
}

/*
 * How much a word is worth, the lowest goes first: free or expired, unconfirmed, closing, confirmed, and among
 * equals the one idle longest.
 */
static __always_inline __u32 worth(__u64 word, __u32 age, const __u32 *timeouts)
{
	__u32 state = word_state(word);
	__u32 idle = word_idle(word, age);

	return mask_if_negative(idle - timeouts[state]) & (rank_of(state) << 16 | (0xffff - idle));
}

/* worth << 4 | (way ^ from), of the slot to give up first; among equals the one whose number is `from`. */
static __always_inline __u32 cheapest_in(struct bucket *bucket, __u32 from, __u32 age, const __u32 *timeouts)
{
	__u32 best = ~0U >> 1;

#pragma unroll
	for (__u32 i = 0; i < LIMIT_WAYS; i++) {
		__u32 price = worth(bucket->words[i], age, timeouts) << 4 | (from ^ i);
		__u32 less = mask_if_negative(price - best);

		best = (best & ~less) | (price & less);
	}
	return best;
}

/*
 * The slot for a new word: the cheapest of the home bucket, its own one before others, unless none there is free and
 * the other bucket has a cheaper one.
 */
static __always_inline bool choose(void *table, struct place *place, __u32 age, const __u32 *timeouts,
				   struct entry *entry)
{
	struct bucket *home = bucket_at(table, place->home);
	__u32 best;

	if (!home)
		return false;
	*entry = entry_at(home, place->home, place->own);
	if (word_state(*entry->word)) {
		best = cheapest_in(home, place->own, age, timeouts);
		*entry = entry_at(home, place->home, best ^ place->own);
		if (best >> 4) {
			struct bucket *other = bucket_at(table, place->other);
			__u32 second;

			if (!other)
				return false;
			second = cheapest_in(other, 0, age, timeouts);
			if (second >> 4 < best >> 4)
				*entry = entry_at(other, place->other, second);
		}
	}
	return true;
}

/*
 * Take the slot for a new word. On success *old is the word that had the slot; its cold half is still in place and the
 * caller's to settle.
 */
static __always_inline bool claim(void *table, struct place *place, __u64 word, __u32 age, const __u32 *timeouts,
				  struct entry *entry, __u64 *old)
{
	if (!choose(table, place, age, timeouts, entry))
		return false;
	*old = *entry->word;
	return __sync_val_compare_and_swap(entry->word, *old, word) == *old;
}
