/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many flows each real has, as IPVS counts them, and when they are too many. Every change of a flow's state that
 * changes a count is a compare-and-swap of its word, so each is counted once.
 */
#pragma once

#include "compiler.h"
#include "maps.h"
#include "state.h"

#define ACTIVE_CONNECTION (1ULL << 32)
#define INACTIVE_CONNECTION 1ULL

static __always_inline struct load *load_of(__u32 real)
{
	return &tables.loads[real & (LIMIT_REALS - 1)];
}

static __always_inline __u64 connection_in(__u32 state)
{
	return is_active(state) ? ACTIVE_CONNECTION : INACTIVE_CONNECTION;
}

static __always_inline __u64 count_connections(__u64 connections)
{
	return (connections >> 32) + (__u32)connections;
}

/* A flow begins: ip_vs_bind_dest() of ip_vs_conn.c. */
static __always_inline void enter_load(__u32 real, __u32 state)
{
	struct load *load = load_of(real);

	__sync_fetch_and_add(&load->connections, connection_in(state));
	if (unlikely(load->upper) && count_connections(load->connections) >= load->upper)
		load->overloaded = 1;
}

/* A flow is over: ip_vs_unbind_dest(). Below three quarters of the upper threshold where no lower one is set. */
static __always_inline void leave_load(__u32 real, __u32 state)
{
	struct load *load = load_of(real);
	__u64 left;

	__sync_fetch_and_add(&load->connections, -connection_in(state));
	if (likely(!load->overloaded))
		return;
	left = count_connections(load->connections);
	if (load->lower ? left < load->lower : left * 4 < load->upper * 3ULL)
		load->overloaded = 0;
}

static __always_inline void change_load(__u32 real, __u32 before, __u32 after)
{
	__sync_fetch_and_add(&load_of(real)->connections, connection_in(after) - connection_in(before));
}
