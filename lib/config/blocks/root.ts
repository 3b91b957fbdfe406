import { block, blocks } from '../block-rows.js'
import { emptyObject } from '../check-object.js'
import type { Config, VrrpInstance, VrrpScript, VrrpSyncGroup } from '../model.js'
import { type Block, defineBlock, type Settling } from '../schema.js'
import { serviceLabel } from '../service-name.js'
import { globalDefs } from './global.js'
import { reportLimits } from './service-limits.js'
import { virtualServer } from './virtual-server.js'
import { virtualServerGroup } from './virtual-server-group.js'
import { vrrpInstance } from './vrrp-instance.js'
import { vrrpScript } from './vrrp-script.js'
import { vrrpSyncGroup } from './vrrp-sync-group.js'
import { xdplb } from './xdplb.js'

const nothing = () => undefined
const globalOf = ({ global }: Readonly<Partial<Config>>) => ({ global: global ?? {} })
const groupsOf = ({ virtualServerGroups = [] }: Readonly<Partial<Config>>) => ({
  groups: virtualServerGroups,
})

/** A whole configuration: what stands outside all blocks. */
export const root: Block<Config, undefined> = defineBlock<Config, undefined>('', {
  fields: {
    // The others need these, wherever they stand.
    global: {
      ...block(globalDefs, nothing, { honoured: true, inherit: () => emptyObject(globalDefs, undefined) }),
      nested: false,
    },
    vrrpScripts: blocks(vrrpScript, nothing),
    vrrpInstances: blocks(vrrpInstance, globalOf, { honoured: true }),
    vrrpSyncGroups: blocks(vrrpSyncGroup, globalOf),
    virtualServerGroups: { ...blocks(virtualServerGroup, nothing, { honoured: true }), nested: false },
    virtualServers: blocks(virtualServer, self => ({ ...globalOf(self), ...groupsOf(self) }), {
      honoured: true,
    }),
    xdplb: block(xdplb, nothing, { honoured: true, inherit: () => emptyObject(xdplb, undefined) }),
  },
  unread: `
    child_wait_time instance linkbeat_use_polling namespace_with_ipsets net_namespace net_namespace_ipvs use_pid_dir`,
  unreadBlocks: {
    SSL: 'ca certificate key password',
    bfd_instance: `
      checker hoplimit idle_tx max_hops min_rx min_tx multihop multiplier neighbor_ip neighbour_ip passive source_ip
      ttl vrrp weight`,
    garp_group: 'garp_interval gna_interval interface interfaces',
    interface_up_down_delays: '',
    linkbeat_interfaces: '',
    static_ipaddress: '',
    static_routes: '',
    static_rules: '',
    track_file: 'file init_file weight',
    track_group: 'group',
    vrrp_track_file: 'file init_file weight',
    vrrp_track_process: `
      delay fork_delay full_command param_match process quorum quorum_max terminate_delay weight`,
  },
  settle: settleConfig,
})

/** What blocks say about one another. */
function settleConfig(config: Config, settling: Settling<undefined>): Config {
  const once = <T extends { readonly name: string }>(kind: string, items: readonly T[]) =>
    withoutRepeats(
      items,
      item => item.name,
      item => `${kind} ${item.name} already defined`,
      settling,
    )
  const vrrpInstances = withoutRepeats(
    once('vrrp instance', config.vrrpInstances),
    virtualRouter,
    ({ name, virtualRouterId, interface: device }) =>
      `(${name}) virtual_router_id ${virtualRouterId} is already used on interface ${device} - ignoring the instance`,
    settling,
  )
  const virtualServers = withoutRepeats(
    config.virtualServers,
    serviceLabel,
    service => `virtual server ${serviceLabel(service)} already defined`,
    settling,
  )
  const vrrpScripts = once('vrrp script', config.vrrpScripts)
  const vrrpSyncGroups = once('vrrp sync group', config.vrrpSyncGroups)
  const settled = {
    ...config,
    vrrpScripts,
    vrrpInstances: withKnownScripts(vrrpInstances, vrrpScripts, settling),
    vrrpSyncGroups: withKnownScripts(vrrpSyncGroups, vrrpScripts, settling),
    virtualServerGroups: once('virtual server group', config.virtualServerGroups),
    virtualServers,
  }
  reportLimits(settled, settling)
  return settled
}

/** What VRRP tells instances apart by; with unicast peers there may be several. */
function virtualRouter({
  name,
  interface: device,
  virtualRouterId,
  version,
  unicastPeers,
}: VrrpInstance): string {
  return unicastPeers.length > 0 ? `unicast ${name}` : `${device} ${virtualRouterId} ${version}`
}

function withoutRepeats<T extends object>(
  items: readonly T[],
  keyOf: (item: T) => string,
  message: (item: T) => string,
  { report, places }: Settling<undefined>,
): readonly T[] {
  const seen = new Set<string>()
  return items.filter(item => {
    const key = keyOf(item)
    if (!seen.has(key)) return seen.add(key)
    report.error(places.of(item), 'duplicate', message(item))
    return false
  })
}

/** Trackers of scripts that nothing defines are left out. */
function withKnownScripts<T extends VrrpInstance | VrrpSyncGroup>(
  owners: readonly T[],
  scripts: readonly VrrpScript[],
  { report, places }: Settling<undefined>,
): readonly T[] {
  const known = new Set(scripts.map(({ name }) => name))
  return owners.map(owner => {
    const trackScripts = owner.trackScripts.filter(({ name }) => known.has(name))
    for (const { name } of owner.trackScripts.filter(script => !trackScripts.includes(script))) {
      const message = `(${owner.name}) track script ${name} not found, ignoring...`
      report.error(places.of<VrrpInstance | VrrpSyncGroup>(owner, 'trackScripts'), 'conflict', message)
    }
    return { ...owner, trackScripts }
  })
}
