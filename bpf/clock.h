/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Time in ticks of a quarter second, from jiffies: bpf_jiffies64() is inlined and free, a clock read costs 17 to
 * 32 ns. The loader finds out HZ and sets the factor. 32 bits of ticks last 34 years.
 */
#pragma once

#include "maps.h"

#define TICKS_PER_SECOND 4

static __always_inline __u32 ticks_now(const struct settings *settings)
{
	return (bpf_jiffies64() * settings->ticks_per_jiffy) >> 32;
}
