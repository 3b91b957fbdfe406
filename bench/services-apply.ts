import { limit } from '../lib/dataplane/layout.gen.js'
import { ServiceDescriber } from '../lib/dataplane/service-describer.js'
import { TrafficMeter } from '../lib/dataplane/traffic.js'
import { serviceSpec } from '../test/tools/service-spec.js'
import { startBalancer } from './balancer.js'
import type { Table } from './table.js'
import { thousandServices } from './thousand-services.js'
import { timeTasks } from './timing.js'

/** Of so many services of 10 reals each is told in one go. */
const SLICE = 25

/** How long does a large configuration take to come into force, once and when it is reloaded; and to say how it is? */
export async function timeServicesApply(): Promise<Table> {
  using balancer = startBalancer(65_536)
  const { services } = balancer
  const specs = thousandServices.map(serviceSpec)
  const changed = specs.map((spec, index) => (index === 500 ? { ...spec, reals: spec.reals.slice(1) } : spec))
  const others = [changed, specs]
  const someService = serviceSpec(thousandServices[500])
  const empty = () => {
    services.apply([])
    // what left before a walk over all flows began is given up when it ends
    for (let walk = 0; walk < 2; walk++) services.forget(new Uint8Array(limit.reals))
  }
  let weight = 1
  using meter = new TrafficMeter(balancer.loaded.map('stats'), () => balancer.tables.reals.ids())
  const describer = new ServiceDescriber(services, balancer.tables.reals, meter, balancer.tables.loads)
  const tell = (count: number) => JSON.stringify(describer.describe(services.running.slice(0, count)))
  return await timeTasks('Services.apply(): 1,000 services of 10 reals', [
    { name: 'into empty tables', run: () => services.apply(specs), beforeEach: empty },
    { name: 'again, nothing changed', run: () => services.apply(specs) },
    {
      name: 'again, one real of one service changed',
      run: () => {
        others.reverse()
        services.apply(others[0] ?? [])
      },
    },
    {
      name: 'one weight of one service changed, by update()',
      run: () => {
        weight = 1 + (weight % 100)
        const [first, ...others] = someService.reals
        if (first) services.update({ ...someService, reals: [{ ...first, weight }, ...others] })
      },
      beforeAll: () => services.apply(specs),
    },
    { name: 'status of 10,000 reals, as JSON', run: () => tell(specs.length) },
    { name: 'status of 250 of them, in one go', run: () => tell(SLICE) },
    {
      name: 'take all away',
      run: () => services.apply([]),
      beforeEach: () => {
        empty()
        services.apply(specs)
      },
    },
  ])
}
