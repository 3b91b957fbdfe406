import type { Global, Script } from '../model.js'
import { toggle } from '../rows.js'
import type { Row } from '../schema.js'
import { script } from './script.js'

/** What instances and groups do when their state changes. */
interface Notifies {
  readonly notifyMaster?: Script
  readonly notifyBackup?: Script
  readonly notifyFault?: Script
  readonly notifyStop?: Script
  readonly notify?: Script
  readonly smtpAlert: boolean
}

/** What surrounds everything about VRRP. */
export interface VrrpSurroundings {
  readonly global: Readonly<Partial<Global>>
}

export const notifies = {
  notifyMaster: script('notify_master'),
  notifyBackup: script('notify_backup'),
  notifyFault: script('notify_fault'),
  notifyStop: script('notify_stop'),
  notify: script('notify'),
  smtpAlert: toggle('smtp_alert', {
    honoured: true,
    inherit: (_, { global }) => global.smtpAlertVrrp ?? global.smtpAlert ?? false,
  }),
} satisfies { [K in keyof Notifies]-?: Row<NonNullable<Notifies[K]>, Notifies, VrrpSurroundings> }
