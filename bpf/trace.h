/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The decisions on live packets, told to whoever traces them. While somebody does, all packets take their whole way,
 * which keeps its decision where the step that ends it finds it; else they pay for one branch.
 */
#pragma once

#include "compiler.h"
#include "decision.h"

static __always_inline bool is_traced(void)
{
	return unlikely(get_settings()->traced_until);
}

static __always_inline bool is_alike(const struct address *address, const __u8 *wanted, const __u8 *mask)
{
	const __u64 *halves = (const __u64 *)wanted, *masks = (const __u64 *)mask;

	return (address->high & masks[0]) == halves[0] && (address->low & masks[1]) == halves[1];
}

/* The service that was found, or that of the real. */
static __always_inline __u32 service_of(const struct decision *decision)
{
	return decision->real ? real_at(decision->real)->service : decision->service;
}

static __always_inline bool is_wanted(const struct trace_filter *filter, const struct decision *decision,
				      __u32 verdict)
{
	const struct packet *packet = &decision->packet;

	if (!(filter->verdicts >> (verdict & 63) & 1))
		return false;
	if (filter->port && filter->port != vip_port(packet))
		return false;
	if (filter->protocol && filter->protocol != packet->protocol)
		return false;
	if (filter->service && filter->service != service_of(decision))
		return false;
	return is_alike(&packet->client, filter->client, filter->client_mask) &&
	       is_alike(&packet->vip, filter->vip, filter->vip_mask);
}

/* Ends a trace that nobody has renewed: its reader has died. */
static __always_inline bool is_over_due(struct settings *settings)
{
	if ((__s32)(settings->traced_until - ticks_now(settings)) >= 0)
		return false;
	settings->traced_until = 0;
	return true;
}

static __always_inline void write_record(struct trace_record *record, const struct decision *decision, __u32 verdict)
{
	const struct packet *packet = &decision->packet;

	record->nanoseconds = bpf_ktime_get_ns();
	write_address(record->client, &packet->client);
	write_address(record->vip, &packet->vip);
	record->client_port = client_port(packet);
	record->vip_port = vip_port(packet);
	record->length = packet->length;
	record->protocol = packet->protocol;
	record->signal = packet->signal;
	record->verdict = verdict;
	record->reason = reason_of(decision);
	record->service = service_of(decision);
	record->real = decision->real;
	record->pad = 0;
}

/* Tells what was decided, if it is wanted and there is room. Whoever reads looks often enough not to be woken. */
PROVED_ONCE int trace(__u32 verdict)
{
	struct settings *settings = get_settings();
	__u32 zero = 0;
	struct trace_filter *filter = &tables.trace_filter;
	struct decision *decision = bpf_map_lookup_elem(&decisions, &zero);
	struct trace_record *record = NULL;

	if (!decision || is_over_due(settings) || !is_wanted(filter, decision, verdict))
		return 0;
	if ((__s64)filter->room > 0 && (__s64)__sync_fetch_and_add(&filter->room, -1) > 0)
		record = bpf_ringbuf_reserve(&traces, sizeof(*record), 0);
	if (!record) {
		count_event(EVENT_TRACE_LOST);
		return 0;
	}
	write_record(record, decision, verdict);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}
