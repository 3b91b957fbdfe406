/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sits before the program that is measured. BPF_PROG_TEST_RUN repeats with one and the same packet, as the last run
 * left it; so this makes it the next packet again, of another flow, and goes on into the unmodified program by a tail
 * call with a constant index, which the kernel patches into a jump.
 *
 * It calls no helper. Each field is written at least as wide as any program reads it, or store forwarding would fail
 * in the measured program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SAME_CLIENT_BITS 17		/* flows this far apart in number have one client, if `clients` says so */

#define FIELD(type, at) (*(type *)(data + (at)))
#define DESTINATION_MAC FIELD(__u64, 0)	/* and the first two bytes of the source's */
#define SOURCE_MAC_END FIELD(__u32, 8)
#define TTL_TO_CHECKSUM FIELD(__u32, 22)
#define SOURCE FIELD(__be32, 26)
#define DESTINATION FIELD(__be32, 30)
#define SOURCE_PORT FIELD(__be16, 34)
#define WRITTEN 36

/* Whose packet is next, and what all packets have in common. bench/front.ts writes it by the same order. */
struct walk {
	__u32 flow;			/* the number of the next packet's; then flow * factor + step & mask */
	__u32 factor;
	__u32 step;
	__u32 mask;
	__u32 clients;			/* mask of the flow's number that says which client it is */
	__be32 destination;		/* the first of `destinations` */
	__u32 destinations;		/* a power of two - 1 */
	__u32 ttl_to_checksum;		/* as they stand in the packet */
	__u64 macs;
	__u32 macs_end;
	__u32 buckets;			/* of the flow table, a power of two - 1 */
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

/* A bijection that leaves no trace of the order (lowbias32, Chris Wellons): addresses as random as clients' are. */
static __always_inline __u32 scatter(__u32 number)
{
	number ^= number >> 16;
	number *= 0x7feb352d;
	number ^= number >> 15;
	number *= 0x846ca68b;
	return number ^ number >> 16;
}

SEC("xdp.frags")
int front(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	__u32 zero = 0, flow, client;
	struct walk *walk = bpf_map_lookup_elem(&walks, &zero);

	if (!walk || data + WRITTEN > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	flow = walk->flow;
	walk->flow = (flow * walk->factor + walk->step) & walk->mask;
	client = scatter(flow & walk->clients);
	DESTINATION_MAC = walk->macs;
	SOURCE_MAC_END = walk->macs_end;
	TTL_TO_CHECKSUM = walk->ttl_to_checksum;
	SOURCE = client;
	DESTINATION = walk->destination + bpf_htonl(client & walk->destinations);
	SOURCE_PORT = client >> 16 ^ flow >> SAME_CLIENT_BITS;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

/* The floor of whatever keeps flows in memory: a line of the table for each flow, as scattered as they are. */
SEC("xdp.frags")
int miss(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct walk *walk;
	struct bucket *bucket;
	__u32 zero = 0, index;

	walk = bpf_map_lookup_elem(&walks, &zero);
	if (!walk || data + WRITTEN > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	index = SOURCE & walk->buckets;
	bucket = bpf_map_lookup_elem(&flow_words, &index);
	if (!bucket)
		return XDP_ABORTED;
	DESTINATION_MAC = bucket->words[0];
	return XDP_TX;
}
