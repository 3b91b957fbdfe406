import type { Codec, MappedArray } from '../libbpf/index.js'
import { FlowTable } from './flow-table.js'
import * as layout from './layout.gen.js'
import { LoadTable } from './load-table.js'
import { MarkTable } from './mark-table.js'
import type { MapName, TableName } from './program-object.js'
import { RealTable } from './real-table.js'
import { ServiceKeys } from './service-keys.js'
import { StructArray } from './struct-array.js'
import { TemplateTable } from './template-table.js'
import { VipTable } from './vip-table.js'
import { Words } from './words.js'

/** `struct service` in words of 64 bits; the first is its schedule. */
export const SERVICE_WORDS = layout.service.size / 8

/** The mapped maps of one balancer, typed. What is written here, the program sees at once. */
export class Tables {
  readonly settings: StructArray<layout.Settings>
  readonly vips: VipTable
  readonly keys: ServiceKeys
  readonly marks: MarkTable
  readonly services: StructArray<layout.Service>
  /** Their schedules, by id times {@link SERVICE_WORDS}: switched by one store, which the program sees whole. */
  readonly schedules: BigUint64Array
  readonly cursors: StructArray<layout.Cursor>
  /** Ids of reals, by place. */
  readonly slots: Uint16Array
  readonly reals: RealTable
  readonly loads: LoadTable
  readonly ports: StructArray<layout.Port>
  readonly flows: FlowTable
  readonly templates: TemplateTable

  /** @param mapped the memory of a map; whoever maps it closes it */
  constructor(mapped: (name: MapName | TableName) => MappedArray) {
    const array = <T>(name: MapName | TableName, codec: Codec<T>) => new StructArray(mapped(name), codec)
    const words = (name: MapName) => new Words(mapped(name).bytes)
    this.settings = array('settings', layout.settings)
    this.vips = new VipTable(mapped('vips'))
    this.keys = new ServiceKeys(mapped('service_keys').u64)
    this.marks = new MarkTable(mapped('markings').u32, array('marks', layout.mark))
    this.services = array('services', layout.service)
    this.schedules = mapped('services').u64
    this.cursors = array('cursors', layout.cursor)
    this.slots = new Uint16Array(mapped('slots').bytes.buffer, 0, layout.limit.places)
    this.reals = new RealTable(array('reals', layout.real))
    this.loads = new LoadTable(mapped('loads'))
    this.ports = array('ports', layout.port)
    const { timeouts } = this.settings.read(0)
    this.flows = new FlowTable(words('flow_words'), array('flows', layout.flow), timeouts)
    this.templates = new TemplateTable(words('template_words'), array('templates', layout.template))
  }
}
