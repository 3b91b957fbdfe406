/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every struct and number that the program shares with TypeScript. The codecs are generated from here, by way
 * of the object's BTF, so a change shows up on the other side as a compile error. Padding is always named.
 *
 * These structs live in pinned maps and outlast the process that made them. Whoever changes one raises
 * LAYOUT_VERSION; a start that finds another version does not adopt.
 */
#pragma once

#include <linux/types.h>

#include "flow-types.h"
#include "trace-types.h"
#include "verdict.h"

/* Or clang reads two halves where the program asks for eight bytes. */
#define WORDS_ALIGNED __attribute__((aligned(8)))

enum layout {
	LAYOUT_VERSION = 11,
};

/* How much fits; the sizes of the flow and template tables follow from the configuration instead. */
enum limit {
	LIMIT_VIPS = 8192,		/* slots of the VIP table, a power of two; at most a quarter are used */
	LIMIT_SERVICE_BUCKETS = 2048,	/* 8 {VIP, port, protocol} each, a power of two */
	LIMIT_SERVICES = 4096,
	LIMIT_REALS = 32768,		/* {service, real} pairs, removed ones that flows still name included */
	LIMIT_SLOTS = 1048576,		/* of all schedules together */
	LIMIT_PLACES = 4 * LIMIT_SLOTS,	/* real ids in them */
	LIMIT_PORTS = 1024,		/* interfaces, found by ifindex modulo this */
	LIMIT_STATIONS = 1024,		/* MAC addresses of VLANs that are not their interface's */
	LIMIT_PROBES = 16,		/* slots of the VIP table that a look-up reads at most */
	LIMIT_MARKS = 4096,		/* rules that mark packets, of all VIPs together */
	LIMIT_MARKS_OF_VIP = 16,
	LIMIT_LOCALITIES = 8192,	/* {service, VIP} pairs of lblc and lblcr */
	LIMIT_LOCALITY_REALS = 32,
	LIMIT_STEPS = 4096,		/* reals of one service; places of a table that are looked at */
	LIMIT_SWEPT = 256,		/* buckets that one run of `sweep` looks at */
	LIMIT_MOVED = 512,		/* slots that one run of `move` does */
	LIMIT_WAYS = 8,			/* words in a bucket: one cache line */
};

enum real_state {
	REAL_STATE_FREE = 0,		/* the id may be given out */
	REAL_STATE_UP = 1,		/* its flows are forwarded; new ones come by the schedule only */
	REAL_STATE_UNRESOLVED = 2,	/* in the service, MAC address not known */
	REAL_STATE_REMOVED = 3,		/* left the service; flows may still name it */
};

/* How a real gets its packets. */
enum mode {
	MODE_DIRECT = 0,		/* in a frame to its MAC address */
	MODE_LOCAL = 1,			/* it is this node: up the stack */
	MODE_TUNNEL_IPV4 = 2,		/* in an IPv4 packet to it */
	MODE_TUNNEL_IPV6 = 3,
};

enum role {
	ROLE_BACKUP = 0,		/* packets for the VIP go up the stack */
	ROLE_MASTER = 1,		/* packets for the VIP are balanced */
	ROLE_YIELDED = 2,		/* as backup, but the address may still be on the interface: see yield.h */
};

/* What is in the 16 bits of a VLAN tag in numbers like struct real's `tags`. */
enum tag {
	TAG_ID = 0x0fff,		/* of the VLAN; 0: none, the tag only gives a priority */
	TAG_PRESENT = 0x1000,
	TAG_PROVIDER = 0x2000,		/* of 802.1ad, a provider's; else of 802.1Q */
};

/* One slot of the VIP table: the address, IPv4 as ::ffff:a.b.c.d. The slot's index is the VIP's id. */
struct vip {
	__u8 address[16];		/* all zero: never used, ends a probe; all ones: given up, does not */
	__u32 role;			/* enum role */
	__u32 pad;
	__u64 vouched;			/* see yield.h */
};

/* Eight words in one cache line; what a word says depends on the table. */
struct bucket {
	__u64 words[8];
};

/* A word of the service table: vip 16 | port 16 | protocol 8 | pad 8 | service 16. No service has id 0. */
enum service_word {
	SERVICE_WORD_KEY_SHIFT = 24,
};

struct service {
	__u64 schedule;			/* first place << 32 | number of places in the slots: one store switches */
	__u8 granularity[16];		/* persistence_granularity as a mask over the 16 bytes of the client */
	__u32 persistence_s;		/* persistence_timeout; 0: none */
	__u8 in_use;
	__u8 scheduler;			/* enum scheduler */
	__u16 flags;			/* enum service_flag */
};

enum service_flag {
	SERVICE_FLAG_PORT = 1,		/* sh-port, mh-port: the client's port counts too */
	SERVICE_FLAG_FALLBACK = 2,	/* sh-fallback, mh-fallback: another real if the one that was hashed takes none */
	SERVICE_FLAG_ONE_PACKET = 4,	/* ops: every datagram is scheduled, none is remembered */
};

/* IPVS's schedulers, by its names. */
enum scheduler {
	SCHEDULER_RR = 0,
	SCHEDULER_WRR = 1,
	SCHEDULER_LC = 2,
	SCHEDULER_WLC = 3,
	SCHEDULER_SH = 4,
	SCHEDULER_MH = 5,
	SCHEDULER_DH = 6,
	SCHEDULER_FO = 7,
	SCHEDULER_OVF = 8,
	SCHEDULER_SED = 9,
	SCHEDULER_NQ = 10,
	SCHEDULER_LBLC = 11,
	SCHEDULER_LBLCR = 12,
	SCHEDULER_TWOS = 13,
};

/*
 * Which packets to a VIP have a mark, and so belong to the service of that mark rather than to one of their port. A
 * VIP has a stretch of these.
 */
struct mark {
	__u16 first_port;
	__u16 last_port;
	__u16 service;
	__u8 protocol;
	__u8 pad;
};

/* Which stretch, by VIP id. */
struct marking {
	__u16 first;
	__u16 count;
	__u32 pad;
};

/* Four ids of reals, in the order a schedule gives them out: what an element of an array map has room for. */
struct slot {
	__u16 reals[4];
};

/* Where a service's round robin stands, on a cache line of its own: every new flow of every CPU adds one to `next`. */
struct cursor {
	__u64 next;
	__u64 begun;			/* what it was when the schedule was written; the rest tells how far rr and wrr were */
	__u32 level;			/* of wrr: see lib/dataplane/schedulers/weighted-round.ts */
	__u32 step;
	__u16 last;			/* id of the real that had the turn before; 0: none yet */
	__u16 pad[3];
	__u64 pad2[4];
};

/* A {service, real} pair. It describes itself, so that the next process finds its own again. */
struct real {
	__u8 destination_mac[6];	/* of the next hop */
	__u8 source_mac[6];		/* of the interface it leaves by */
	__u32 ifindex;			/* which that is */
	__u32 tags;			/* VLAN tags it leaves with, see link.h */
	__u16 mtu;			/* bytes of IP that get there in one piece */
	__u8 state;			/* enum real_state */
	__u8 mode;			/* enum mode */
	__u16 service;
	__be16 port;
	__u32 pad;
	__u8 address[16];
	__u8 tunnel_source[16];		/* of packets in a tunnel to it */
} WORDS_ALIGNED;

/* Of lblc and lblcr: which reals an address that packets are for is with, those that joined later behind. */
struct locality_key {
	__u32 service;
	__u32 vip;
};

struct locality {
	__u32 used;			/* ticks */
	__u32 changed;			/* ticks; when the set did */
	__u32 count;
	__u16 reals[LIMIT_LOCALITY_REALS];
};

/* What decides whether, and how often, a real gets new flows. On cache lines of its own: every new flow writes it. */
struct load {
	__u64 connections;		/* active << 32 | inactive, as IPVS counts them: one add changes both */
	__u32 weight;
	__u32 upper;			/* uthreshold, lthreshold; 0: none */
	__u32 lower;
	__u8 overloaded;		/* between the two, after it had the upper one */
	__u8 pad[3];
	__u64 pad2;
};

/* Per CPU. Bytes are of IP, without Ethernet, as ipvsadm counts them. */
struct real_stats {
	__u64 connections;
	__u64 packets;
	__u64 bytes;
	__u64 pad;
};

/* Which VLAN tags a card takes off frames. */
enum stripping {
	STRIPPING_CUSTOMER = 1,		/* of 802.1Q */
	STRIPPING_PROVIDER = 2,		/* of 802.1ad */
};

/* An interface that the program is attached to. */
struct port {
	__u8 mac[6];
	__u16 stripped;			/* enum stripping: what its card did before we came, and is to do again after us */
	__u32 ifindex;			/* 0: none */
	__u32 egress;			/* ifindex that reals behind it carry: its own, or its bond's */
} WORDS_ALIGNED;

/* An address that is ours beside the port's own, in one VLAN: its interface may have an address of its own. */
struct station {
	__u32 port;			/* ifindex that reals behind it carry, see struct port */
	__u32 tags;			/* see link.h */
	__u8 mac[6];
	__u16 pad;
};

/* IPVS's sysctls of net.ipv4.vs, each by its name there. */
enum rule {
	RULE_EXPIRE_NODEST_CONN = 1,
	RULE_EXPIRE_QUIESCENT_TEMPLATE = 2,
	RULE_CONN_REUSE = 4,		/* conn_reuse_mode, its first bit */
	RULE_CONN_REUSE_FIN_WAIT = 8,	/* its second bit */
	RULE_SLOPPY_TCP = 16,
	RULE_SLOPPY_SCTP = 32,
	RULE_ANY_ROLE = 64,		/* backup_only 0: who is not master balances too */
};

/* One tick is a quarter of a second of the kernel's jiffies. */
struct settings {
	__u64 seed[4];
	__u32 layout;			/* enum layout */
	__u32 ticks_per_jiffy;		/* times 2^32 */
	__u32 rules;			/* enum rule */
	__u32 traced_until;		/* ticks; 0: nobody traces */
	__u32 timeouts[16];		/* ticks, by enum flow_state */
	__u32 pad[4];
};

/* What has a fixed size, in one map: see maps.h. */
struct tables {
	struct settings settings;
	struct cursor cursors[LIMIT_SERVICES];
	struct service services[LIMIT_SERVICES];
	struct bucket service_keys[LIMIT_SERVICE_BUCKETS];
	struct real reals[LIMIT_REALS];
	struct load loads[LIMIT_REALS];		/* by real id */
	struct vip vips[LIMIT_VIPS];
	struct marking markings[LIMIT_VIPS];	/* by VIP id */
	struct mark marks[LIMIT_MARKS];
	struct port ports[LIMIT_PORTS];
	struct trace_filter trace_filter;
	__u64 named[LIMIT_REALS / 8];		/* a byte by real id: 1 if the sweeper has seen its name */
};
