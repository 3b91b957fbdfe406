/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is decided about a packet, step by step. No pointers in it: a function that the verifier proves once, for all
 * its callers, gets this and nothing else.
 */
#pragma once

#include "clock.h"
#include "packet.h"

struct decision {
	struct packet packet;
	__u32 now;			/* ticks */
	__u32 vip;			/* id */
	__u32 service;			/* id; known where a flow begins */
	__u32 real;			/* id; 0: none, the verdict says why */
	__u32 template_ref;		/* of the template that chose the real, as in struct flow */
	__u32 verdict;
	__u32 is_new;			/* a flow begins */
	__u32 by_template;		/* a template knew the client that begins it */
};

/*
 * Of the packet that takes its whole way: where a trace finds it, in whichever step that ends. One that was on its
 * steady way when the trace began, and is diverted, is told as the packet before it.
 */
PERCPU(decisions, struct decision, 1);

/* What led to the real of a decision. */
static __always_inline __u32 reason_of(const struct decision *decision)
{
	if (!decision->real)
		return REASON_NONE;
	if (!decision->is_new)
		return REASON_FLOW;
	return decision->by_template ? REASON_TEMPLATE : REASON_SCHEDULER;
}
