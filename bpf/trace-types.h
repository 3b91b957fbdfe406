/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `where` and a trace tell: shared with TypeScript, by the rules of types.h.
 */
#pragma once

#include <linux/types.h>

/* What the program `where` writes over the packet that it was asked about. */
struct whereabouts {
	__u32 verdict;			/* enum verdict */
	__u32 reason;			/* enum reason */
	__u32 service;			/* id; 0 where the packet did not get as far */
	__u32 real;			/* id */
	__u32 template_ref;		/* of the template that knows the client, as in struct flow */
};

/* Which decisions a trace tells of: those that fit all that is said here. */
struct trace_filter {
	__u8 client[16];		/* what is left of an address under its mask */
	__u8 client_mask[16];
	__u8 vip[16];
	__u8 vip_mask[16];
	__u64 verdicts;			/* a bit for each that is wanted */
	__u64 room;			/* records that may be written until their reader has looked; signed */
	__be16 port;			/* of the VIP; 0: any */
	__u16 service;			/* id; 0: any */
	__u8 protocol;			/* 0: any */
	__u8 pad[3];
};

struct trace_record {
	__u64 nanoseconds;		/* CLOCK_MONOTONIC */
	__u8 client[16];
	__u8 vip[16];
	__be16 client_port;
	__be16 vip_port;
	__u16 length;			/* of IP; 0, as all before it, where the packet was not looked at as far */
	__u8 protocol;
	__u8 signal;			/* enum signal */
	__u8 verdict;			/* enum verdict */
	__u8 reason;			/* enum reason */
	__u16 service;			/* id */
	__u16 real;			/* id */
	__u16 pad;
};
