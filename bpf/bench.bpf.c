/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets for benches, and what counts them. A run of BPF_PROG_TEST_RUN repeats with one and the same packet, as the
 * last one left it; so whatever a balancer changes is written anew each time, for the next packet of another flow:
 *
 *   front     then goes on into the program that is measured, by a tail call with a constant index, which the kernel
 *             patches into a jump
 *   generate  then sends it (BPF_F_TEST_XDP_LIVE_FRAMES) out of the interface that it is said to have come in by
 *   sink      sits where packets come back: counts those that were made here and drops them, passes all others
 *
 * No helper is called. Each field is written at least as wide as any program reads it, or store forwarding would
 * fail in the measured program.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define FIRST_PORT 1024			/* in place of 0, which no client has and IPVS takes for any */
#define SAME_CLIENT_BITS 17		/* flows this far apart in number have one client, if `clients` says so */

/* The frames of lib/bench/frame.ts: no VLAN tag, no options, and four bytes at the end that tell them from others. */
#define IPV4_FRAME 60
#define IPV6_FRAME 80
#define MARK bpf_htonl(0x78647062)	/* "xdpb" */

#define FIELD(frame, type, at) (*(type *)((void *)(frame) + (at)))

/* Whose packet is next, and what all packets have in common. lib/bench/walk.ts writes it by the same order. */
struct walk {
	__u32 flow;			/* the number of the next packet's; then flow * factor + step & mask */
	__u32 factor;
	__u32 step;
	__u32 mask;
	__u32 clients;			/* mask of the flow's number that says which client it is */
	__be32 hosts;			/* bits of the client's address (its last four bytes) that are not the frame's */
	__u32 destinations;		/* how many addresses from the frame's on, a power of two - 1 */
	__u32 sum;			/* of the IPv4 header without checksum and addresses */
	__u32 buckets;			/* of the flow table, a power of two - 1 */
	__u8 frame[IPV6_FRAME];
	__u8 pad[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/* Packets that came back, by the last byte of the station that they were sent on to. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} arrived SEC(".maps");

/* The balancer's own flow table. */
struct bucket {
	__u64 words[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} flow_words SEC(".maps");

static __always_inline struct walk *get_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/* A bijection that leaves no trace of the order (lowbias32, Chris Wellons): addresses as random as clients' are. */
static __always_inline __u32 scatter(__u32 number)
{
	number ^= number >> 16;
	number *= 0x7feb352d;
	number ^= number >> 15;
	number *= 0x846ca68b;
	return number ^ number >> 16;
}

static __always_inline __u32 next_flow(struct walk *walk)
{
	__u32 flow = walk->flow;

	walk->flow = (flow * walk->factor + walk->step) & walk->mask;
	return flow;
}

static __always_inline __be32 source_of(const struct walk *walk, __u32 client, __u32 at)
{
	return FIELD(walk->frame, __be32, at) | (client & walk->hosts);
}

static __always_inline __be32 destination_of(const struct walk *walk, __u32 client, __u32 at)
{
	return FIELD(walk->frame, __be32, at) + bpf_htonl(client & walk->destinations);
}

static __always_inline __u32 ports_of(const struct walk *walk, __u32 client, __u32 flow, __u32 at)
{
	__u16 port = client ^ flow >> SAME_CLIENT_BITS;

	return FIELD(walk->frame, __u32, at) | (port ? port : FIRST_PORT);
}

/* RFC 1071, in the machine's byte order, which the sum does not depend on. */
static __always_inline __u32 checksum(__u32 sum, __be32 source, __be32 destination)
{
	sum += (source & 0xffff) + (source >> 16) + (destination & 0xffff) + (destination >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static __always_inline void write_stations(void *data, const struct walk *walk)
{
	FIELD(data, __u64, 0) = FIELD(walk->frame, __u64, 0);
	FIELD(data, __u32, 8) = FIELD(walk->frame, __u32, 8);
}

/* Addresses, TTL and checksum, ports; at 22: TTL 8 | protocol 8 | checksum 16. */
static __always_inline void write_ipv4(void *data, struct walk *walk)
{
	__u32 flow = next_flow(walk);
	__u32 client = scatter(flow & walk->clients);
	__be32 source = source_of(walk, client, 26);
	__be32 destination = destination_of(walk, client, 30);

	write_stations(data, walk);
	FIELD(data, __u32, 22) = FIELD(walk->frame, __u16, 22) | checksum(walk->sum, source, destination) << 16;
	FIELD(data, __u64, 26) = source | (__u64)destination << 32;
	FIELD(data, __u32, 34) = ports_of(walk, client, flow, 34);
}

/* At 18: length 16 | next header 8 | hop limit 8; only the last four bytes of an address are ever others. */
static __always_inline void write_ipv6(void *data, struct walk *walk)
{
	__u32 flow = next_flow(walk);
	__u32 client = scatter(flow & walk->clients);

	write_stations(data, walk);
	FIELD(data, __u32, 18) = FIELD(walk->frame, __u32, 18);
	FIELD(data, __u64, 22) = FIELD(walk->frame, __u64, 22);
	FIELD(data, __u64, 30) = FIELD(walk->frame, __u32, 30) | (__u64)source_of(walk, client, 34) << 32;
	FIELD(data, __u64, 38) = FIELD(walk->frame, __u64, 38);
	FIELD(data, __u64, 46) = FIELD(walk->frame, __u32, 46) | (__u64)destination_of(walk, client, 50) << 32;
	FIELD(data, __u32, 54) = ports_of(walk, client, flow, 54);
}

static __always_inline bool write_packet(struct xdp_md *ctx, bool is_ipv6)
{
	void *data = (void *)(long)ctx->data;
	struct walk *walk = get_walk();

	if (!walk || data + (is_ipv6 ? IPV6_FRAME : IPV4_FRAME) > (void *)(long)ctx->data_end)
		return false;
	if (is_ipv6)
		write_ipv6(data, walk);
	else
		write_ipv4(data, walk);
	return true;
}

SEC("xdp.frags")
int front_ipv4(struct xdp_md *ctx)
{
	if (write_packet(ctx, false))
		bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int front_ipv6(struct xdp_md *ctx)
{
	if (write_packet(ctx, true))
		bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int generate_ipv4(struct xdp_md *ctx)
{
	return write_packet(ctx, false) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp.frags")
int generate_ipv6(struct xdp_md *ctx)
{
	return write_packet(ctx, true) ? XDP_TX : XDP_ABORTED;
}

static __always_inline bool is_ours(void *data, void *data_end)
{
	if (data + IPV4_FRAME > data_end)
		return false;
	if (FIELD(data, __be16, 12) == bpf_htons(ETH_P_IP))
		return FIELD(data, __be32, IPV4_FRAME - sizeof(__be32)) == MARK;
	if (FIELD(data, __be16, 12) == bpf_htons(ETH_P_IPV6) && data + IPV6_FRAME <= data_end)
		return FIELD(data, __be32, IPV6_FRAME - sizeof(__be32)) == MARK;
	return false;
}

SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	__u64 *count;
	__u32 station;

	if (!is_ours(data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	station = FIELD(data, __u8, 5);
	count = bpf_map_lookup_elem(&arrived, &station);
	if (count)
		*count += 1;
	return XDP_DROP;
}

/* The floor of whatever keeps flows in memory: a line of the table for each flow, as scattered as they are. */
SEC("xdp.frags")
int miss(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct walk *walk = get_walk();
	struct bucket *bucket;
	__u32 index;

	if (!walk || data + IPV4_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	/* of the client's address and port: bytes 26 to 37 have them in both families */
	index = (FIELD(data, __u32, 26) * 0x9e3779b1 + FIELD(data, __u32, 34) * 0x85ebca6b) >> 1 & walk->buckets;
	bucket = bpf_map_lookup_elem(&flow_words, &index);
	if (!bucket)
		return XDP_ABORTED;
	FIELD(data, __u64, 0) = bucket->words[0];
	return XDP_TX;
}
