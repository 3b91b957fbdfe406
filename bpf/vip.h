/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is this address one of ours? Asked of every packet, before anything may be dropped: an open-addressed table that
 * ends at the first slot never used. lib/dataplane/vip-table.ts writes it by the same rule.
 */
#pragma once

#include "compiler.h"
#include "hash.h"
#include "maps.h"

/* The slot of an address; NULL: it is none of ours. */
static __always_inline struct vip *find_vip(const struct address *address)
{
	__u32 slot = mix_known(address->high ^ address->low);

	if (!(address->high | address->low))
		return NULL;			/* it would be found where no address is */
#pragma unroll
	for (int i = 0; i < LIMIT_PROBES; i++, slot++) {
		struct vip *vip = &tables.vips[slot & (LIMIT_VIPS - 1)];
		const __u64 *found;

		opaque(vip);
		found = (const __u64 *)vip->address;
		if (found[1] == address->low && found[0] == address->high)
			return vip;
		if ((found[0] | found[1]) == 0)
			break;
	}
	return NULL;
}

/* What flows and keys call a VIP by. */
static __always_inline __u32 id_of(const struct vip *vip)
{
	return vip - tables.vips;
}

/* Does this node balance what is for that VIP? */
static __always_inline bool balances(const struct vip *vip, const struct settings *settings)
{
	return likely(vip->role == ROLE_MASTER) || (settings->rules & RULE_ANY_ROLE);
}
