/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sh, dh and mh: the real that an address leads to, in a table that TypeScript has laid out. Hashes and probes are
 * IPVS's (net/netfilter/ipvs/ip_vs_sh.c, _dh.c, _mh.c), so that two directors agree without a word.
 */
#pragma once

#include <bpf/bpf_endian.h>

#include "packet.h"
#include "schedule-list.h"

#define HASH_BUCKETS 256
#define MAGLEV_PLACES 4093
#define MAGLEV_KEY 2654435761ULL		/* both halves */
#define GOLDEN_RATIO_32 0x61c88647U		/* include/linux/hash.h */

/* An address in 32 bits: IPv6 as its four words exclusive-ored. */
static __always_inline __u32 fold_address(const struct address *address)
{
	__u64 words = address->high ^ address->low;

	if (is_mapped_ipv4(address))
		return bpf_ntohl(address->low >> 32);
	return bpf_ntohl(words ^ words >> 32);
}

/* Where a client whose real takes no flows goes on to. */
struct probe {
	struct stretch table;
	__u32 service;
	__u32 hashed;
	__u32 home;			/* place that was tried first */
	__u32 real;
};

/* What the first place gives; or else, with a fallback, the first real on the probe's way that takes flows. */
static __always_inline __u32 first_taker(struct probe *probe, long (*step)(void *, const __u32 *, void *,
									   struct probe *), __u32 fallback)
{
	__u32 real = real_in(&probe->table, probe->home);

	if (likely(takes_flows(real, probe->service)))
		return real;
	if (fallback)
		walk(step, probe);
	return probe->real;
}

static __always_inline bool try_place(struct probe *probe, __u32 place)
{
	__u32 real = real_in(&probe->table, place);

	if (!takes_flows(real, probe->service))
		return false;
	probe->real = real;
	return true;
}

static long try_bucket(void *map, const __u32 *tried, void *step, struct probe *probe)
{
	__u32 further = (*tried + probe->home) % HASH_BUCKETS;

	return *tried >= HASH_BUCKETS || try_place(probe, (probe->home + further) % HASH_BUCKETS);
}

PROVED_ONCE int real_of_bucket(__u32 id, __u32 hashed, __u32 fallback)
{
	struct probe probe = { stretch_of(service_at(id)), .service = id, .home = hashed * GOLDEN_RATIO_32 >> 24 };

	return probe.table.count == HASH_BUCKETS ? first_taker(&probe, try_bucket, fallback) : 0;
}

static __always_inline __u64 rotate(__u64 word, int bits)
{
	return word << bits | word >> (64 - bits);
}

struct sip {
	__u64 a, b, c, d;
};

static __always_inline void sip_round(struct sip *sip)
{
	sip->a += sip->b;
	sip->b = rotate(sip->b, 13) ^ sip->a;
	sip->a = rotate(sip->a, 32);
	sip->c += sip->d;
	sip->d = rotate(sip->d, 16) ^ sip->c;
	sip->a += sip->d;
	sip->d = rotate(sip->d, 21) ^ sip->a;
	sip->c += sip->b;
	sip->b = rotate(sip->b, 17) ^ sip->c;
	sip->c = rotate(sip->c, 32);
}

/* SipHash-1-3 of one word of 32 bits, cut to as many: hsiphash() of a 64-bit kernel. */
static __always_inline __u32 short_sip_hash(__u32 value)
{
	struct sip sip = {
		0x736f6d6570736575ULL ^ MAGLEV_KEY,
		0x646f72616e646f6dULL ^ MAGLEV_KEY,
		0x6c7967656e657261ULL ^ MAGLEV_KEY,
		0x7465646279746573ULL ^ MAGLEV_KEY,
	};
	__u64 block = 4ULL << 56 | value;

	sip.d ^= block;
	sip_round(&sip);
	sip.a ^= block;
	sip.c ^= 0xff;
	sip_round(&sip);
	sip_round(&sip);
	sip_round(&sip);
	return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

static long try_further_hash(void *map, const __u32 *tried, void *step, struct probe *probe)
{
	__u32 further = (*tried + probe->home) % MAGLEV_PLACES;

	if (*tried >= MAGLEV_PLACES)
		return 1;
	return try_place(probe, short_sip_hash(probe->hashed + further) % MAGLEV_PLACES);
}

PROVED_ONCE int real_of_place(__u32 id, __u32 hashed, __u32 fallback)
{
	struct probe probe = { stretch_of(service_at(id)), .service = id, .hashed = hashed };

	probe.home = short_sip_hash(hashed) % MAGLEV_PLACES;
	return probe.table.count == MAGLEV_PLACES ? first_taker(&probe, try_further_hash, fallback) : 0;
}
