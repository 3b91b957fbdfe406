/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A set-associative table of words: a word lives in its home bucket or, when that was full, in the one other
 * bucket that its signature leads to. The other one is read only if the home bucket has no slot that was never
 * used, so a look-up costs one cache line until the table is about half full.
 *
 * A change is one aligned 64-bit store or compare-and-swap: no lock, nothing torn, and no CPU owns a part of the
 * table, so it does not matter which one the network card hands a packet to.
 */
#pragma once

#include "maps.h"

/* Where a key lives: from one hash, index and signature from different bits. */
struct place {
	__u32 home;			/* bucket */
	__u32 other;			/* bucket */
	__u32 signature;		/* never 0 */
};

/* A word found or claimed, and the index of its cold half. */
struct entry {
	__u64 *word;
	__u32 index;
};

static __always_inline struct place place_of(__u64 hash, __u32 mask)
{
	struct place place;

	place.signature = hash >> WORD_SIGNATURE_SHIFT;
	place.signature += !place.signature;
	place.home = hash & mask;
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

static __always_inline __u64 make_word(__u32 signature, __u32 real, __u32 age, __u32 state)
{
	return (__u64)signature << WORD_SIGNATURE_SHIFT | (__u64)(real & 0xffff) << WORD_REAL_SHIFT |
	       (age & 0xffff) << WORD_AGE_SHIFT | state;
}

/* The word with that signature in a bucket; tells in *full whether every slot was used at some time. */
static __always_inline bool find_in(struct bucket *bucket, __u32 signature, __u32 *way, bool *full)
{
	bool unused = false;

#pragma unroll
	for (int i = 0; i < LIMIT_WAYS; i++) {
		__u64 word = bucket->words[i];

		if (word >> WORD_SIGNATURE_SHIFT == signature) {
			*way = i;
			return true;
		}
		unused |= !word;
	}
	*full = !unused;
	return false;
}

static __always_inline struct entry entry_at(struct bucket *bucket, __u32 index, __u32 way)
{
	struct entry entry;

	/* As one value, or the verifier would walk the rest of the program once for each way. */
	asm volatile("" : "+r"(way));
	way &= LIMIT_WAYS - 1;
	entry.word = &bucket->words[way];
	entry.index = index * LIMIT_WAYS + way;
	return entry;
}

static __always_inline bool find_word(void *table, struct place *place, struct entry *entry)
{
	struct bucket *bucket = bpf_map_lookup_elem(table, &place->home);
	bool full;
	__u32 way;

	if (!bucket)
		return false;
	if (find_in(bucket, place->signature, &way, &full)) {
		*entry = entry_at(bucket, place->home, way);
		return true;
	}
	if (!full)
		return false;
	bucket = bpf_map_lookup_elem(table, &place->other);
	if (!bucket || !find_in(bucket, place->signature, &way, &full))
		return false;
	*entry = entry_at(bucket, place->other, way);
	return true;
}

/*
 * All ones if a number is negative, else 0. The compiler must not see that these are the only two, or it turns what
 * is masked with them into branches, and the verifier walks two to the power of 16 paths.
 */
static __always_inline __u32 mask_if_negative(__u32 number)
{
	__u32 mask = (__s32)number >> 31;

	asm volatile("" : "+r"(mask));
	return mask;
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

	return mask_if_negative(idle - timeouts[state]) & ((1 + (state >> 2)) << 16 | (0xffff - idle));
}

/* worth << 4 | way, of the slot to give up first. */
static __always_inline __u32 cheapest_in(struct bucket *bucket, __u32 from, __u32 age, const __u32 *timeouts)
{
	__u32 best = ~0U >> 1;

#pragma unroll
	for (__u32 i = 0; i < LIMIT_WAYS; i++) {
		__u32 price = worth(bucket->words[i], age, timeouts) << 4 | from | i;
		__u32 less = mask_if_negative(price - best);

		best = (best & ~less) | (price & less);
	}
	return best;
}

/*
 * Take a slot for a new word. The home bucket if anything in it is free, else the cheapest of both. On success
 * *old is the word that had the slot; its cold half is still in place and the caller's to settle.
 */
static __always_inline bool claim(void *table, struct place *place, __u64 word, __u32 age, const __u32 *timeouts,
				  struct entry *entry, __u64 *old)
{
	struct bucket *home = bpf_map_lookup_elem(table, &place->home);
	struct bucket *other;
	__u32 best;

	if (!home)
		return false;
	best = cheapest_in(home, 0, age, timeouts);
	if (best >> 4 == 0) {
		*entry = entry_at(home, place->home, best);
	} else {
		__u32 second;

		other = bpf_map_lookup_elem(table, &place->other);
		if (!other)
			return false;
		second = cheapest_in(other, LIMIT_WAYS, age, timeouts);
		if (second >> 4 < best >> 4)
			*entry = entry_at(other, place->other, second);
		else
			*entry = entry_at(home, place->home, best);
	}
	*old = *entry->word;
	return __sync_val_compare_and_swap(entry->word, *old, word) == *old;
}
