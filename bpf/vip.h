/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is this address one of ours? Asked of every packet, before anything may be dropped: an open-addressed table that
 * ends at the first slot never used. lib/dataplane/vip-table.ts writes it by the same rule.
 */
#pragma once

#include "compiler.h"
#include "hash.h"
#include "maps.h"

#define NO_VIP LIMIT_VIPS

static __always_inline __u32 find_vip(const struct address *address)
{
	__u32 slot = mix_known(address->high ^ address->low);

	if (!(address->high | address->low))
		return NO_VIP;			/* it would be found where no address is */
#pragma unroll
	for (int i = 0; i < LIMIT_PROBES; i++, slot++) {
		__u32 index = slot & (LIMIT_VIPS - 1);
		const __u64 *found = (const __u64 *)tables.vips[index].address;

		opaque(found);
		if (found[1] == address->low && found[0] == address->high)
			return index;
		if ((found[0] | found[1]) == 0)
			break;
	}
	return NO_VIP;
}

/* Does this node balance what is for that VIP? */
static __always_inline bool balances(__u32 vip, const struct settings *settings)
{
	return likely(tables.vips[vip & (LIMIT_VIPS - 1)].role == ROLE_MASTER) || (settings->rules & RULE_ANY_ROLE);
}
