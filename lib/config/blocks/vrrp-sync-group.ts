import { wordBlock } from '../block-rows.js'
import { text } from '../codec.js'
import type { VrrpSyncGroup } from '../model.js'
import { flag, head } from '../rows.js'
import { defineBlock, positional } from '../schema.js'
import { notifies, type VrrpSurroundings } from './notify.js'
import { trackInterfaces, trackScripts } from './tracking.js'

export const vrrpSyncGroup = defineBlock<VrrpSyncGroup, VrrpSurroundings>('vrrp_sync_group', {
  head: positional(1, 'name'),
  fields: {
    name: head(text(), { required: 'no name' }),
    instances: wordBlock('group', text()),
    trackInterfaces: trackInterfaces(),
    trackScripts: trackScripts(),
    ...notifies,
    trackingWeight: flag(['sync_group_tracking_weight', 'global_tracking']),
  },
  unread: 'notify_priority_changes',
  unreadBlocks: { track_bfd: '', track_file: '', track_process: '' },
  settle(group, { report, places }) {
    if (group.instances.length > 0) return group
    report.error(places.of(group), 'incomplete', `Sync group ${group.name} has no members - removing`)
    return undefined
  },
})
