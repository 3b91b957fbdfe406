/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet asks for that is still in the former tables comes along into the present ones first. All else is moved
 * one by one meanwhile, by the program `move`.
 */
#pragma once

#include "move.h"

/* The slot of the packet's flow in the former table, and one; 0 if it is not there. Its template is moved already. */
PROVED_ONCE int find_former_flow(struct decision *decision)
{
	struct settings *settings = get_settings();
	void *words = former_flow_mask ? map_in(&former_flow_words) : NULL;
	struct place place;
	struct entry entry;
	struct flow *flow;

	if (!decision || !words)
		return 0;
	place = place_of(flow_hash(settings, &decision->packet), former_flow_mask);
	if (!find_word(words, &place, &entry))
		return 0;
	flow = value_in(&former_flows, entry.index);
	if (!flow || !is_same_flow(flow, &decision->packet, decision->vip))
		return 0;
	if (flow->template_ref)
		move_template(flow->template_ref);
	return entry.index + 1;
}

/* The reference of the former template of a client that begins a flow; 0 if it has none. Global, as follow() is. */
PROVED_ONCE int find_former_template(struct decision *decision)
{
	struct settings *settings = get_settings();
	void *words = former_flow_mask ? map_in(&former_template_words) : NULL;
	struct template_key key;
	struct template *template;
	struct service *service;
	struct place place;
	struct entry entry;

	if (!decision || !words || !may_begin(&decision->packet, settings->rules))
		return 0;
	decision->service = find_service(decision->vip, &decision->packet);
	service = service_at(decision->service);
	if (!decision->service || !service->persistence_s)
		return 0;
	key = template_key_of(decision, service);
	place = place_of(template_hash(settings, &key), former_template_mask);
	if (!find_word(words, &place, &entry))
		return 0;
	template = value_in(&former_templates, entry.index);
	return template && is_same_client(template, &key) ? make_ref(template, entry.index) : 0;
}

/* What the packet asks for comes along. The real, if its flow is in hand elsewhere. */
static __always_inline void bring_along(struct decision *decision)
{
	__u32 slot = find_former_flow(decision);
	__u32 ref;

	if (slot) {
		decision->real = move_flow(slot - 1);
		return;
	}
	ref = find_former_template(decision);
	if (ref)
		move_template(ref);
}

/* follow() in all tables that there are. */
static __always_inline void follow_all(struct decision *decision)
{
	if (former_flow_mask)
		bring_along(decision);
	if (!decision->real)
		follow(decision);
}

/* recall() in all of them. */
static __always_inline void recall_all(struct decision *decision)
{
	if (former_flow_mask)
		bring_along(decision);
	if (!decision->real)
		recall(decision);
}
