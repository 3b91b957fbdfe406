import type { Address } from '../address.js'
import type { Config, DnsCheck, VirtualServer } from './model.js'

/** A {@link Config} as a program writes it: addresses are plain strings, what has a default may be absent. */
export type ConfigInput = InputOf<Config>

/** Fields that have no default in whatever object they are. */
type Required =
  | 'address'
  | 'argv'
  | 'entries'
  | 'host'
  | 'instances'
  | 'method'
  | 'password'
  | 'path'
  | 'protocol'
  | 'realServers'
  | 'scheduler'
  | 'type'
  | 'urls'
  | 'user'
  | 'value'
  | 'virtualAddresses'
  | 'virtualRouterId'

/** Those of one kind of object, and names: only the query of a DNS check has a default. */
type RequiredOf<T> =
  | Required
  | (T extends VirtualServer ? 'forwarding' : never)
  | (T extends DnsCheck ? never : 'name')

type InputOf<T> = T extends Address
  ? string
  : T extends readonly (infer E)[]
    ? readonly InputOf<E>[]
    : T extends object
      ? ObjectOf<T, RequiredOf<T>>
      : T

type ObjectOf<T, R> = { readonly [K in keyof T as K extends R ? K : never]: InputOf<T[K]> } & {
  readonly [K in keyof T as K extends R ? never : K]?: InputOf<T[K]> | undefined
}
