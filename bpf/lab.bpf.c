/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two programs for test networks. `pass`: a veth hands on what its peer sends by XDP_TX only if there is an XDP
 * program on it too (drivers/net/veth.c). `floor`: the least that any balancer does, which benches compare with.
 */
#include "link.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int floor_swap(struct xdp_md *ctx)
{
	struct ethernet *ethernet = (void *)(long)ctx->data;
	__u64 destination, source;

	if ((void *)ethernet + ETH_HLEN > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	destination = ethernet->start << 16 >> 16;
	source = ethernet->start >> 48 | (__u64)ethernet->end << 16;
	ethernet->start = source | destination << 48;
	ethernet->end = destination >> 16;
	return XDP_TX;
}
