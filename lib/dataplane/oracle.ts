import type { PacketQuestion, Whereabouts } from '../decision.js'
import { macFromBytes } from '../net/mac.js'
import { formatEndpoint } from '../service.js'
import { phraseOf, wouldBeSent } from '../verdict-phrases.js'
import { TICKS_PER_SECOND } from './clock.js'
import {
  type Whereabouts as Answer,
  realState,
  reason as reasons,
  verdict as verdicts,
  whereabouts,
} from './layout.gen.js'
import type { LoadedProgram } from './load.js'
import { questionFrame } from './question-frame.js'
import { isTunnel } from './real-table.js'
import type { RunningService } from './services.js'
import type { Tables } from './tables.js'

/** Says where a packet would go, by asking the program itself, which changes nothing. */
export class Oracle {
  readonly #loaded: LoadedProgram
  readonly #tables: Tables
  readonly #services: () => readonly RunningService[]

  constructor(loaded: LoadedProgram, tables: Tables, services: () => readonly RunningService[]) {
    this.#loaded = loaded
    this.#tables = tables
    this.#services = services
  }

  /** Throws `USAGE` for a packet that there cannot be. */
  ask(question: PacketQuestion): Whereabouts {
    const { data } = this.#loaded.where.testRun({ data: questionFrame(question) })
    const answer = whereabouts.read(new DataView(data.buffer, data.byteOffset, data.length), 0)
    const verdict = nameOf(verdicts, answer.verdict)
    return {
      verdict,
      phrase: verdict === 'tx' ? wouldBeSent : phraseOf(verdict),
      ...this.#service(answer),
      ...this.#real(answer, question.destination.port),
      ...this.#persistence(answer),
    }
  }

  #service({ service, real }: Answer): Partial<Whereabouts> {
    const id = real === 0 ? service : this.#tables.reals.identity(real).service
    const running = this.#services().find(candidate => candidate.id === id)
    return running === undefined ? {} : { service: running.spec.name, scheduler: running.spec.scheduler }
  }

  #real({ real: id, reason }: Answer, port: number): Partial<Whereabouts> {
    if (id === 0) return {}
    const { address, port: own } = this.#tables.reals.identity(id)
    const { state, mode, destinationMac } = this.#tables.reals.read(id)
    const mac = state === realState.up ? macFromBytes(destinationMac) : undefined
    return {
      reason: reason === reasons.flow ? 'flow' : reason === reasons.template ? 'template' : 'scheduler',
      real: formatEndpoint({ address, port: own || port }),
      ...(mac && { forwarding: isTunnel(mode) ? 'tun' : 'dr', mac }),
    }
  }

  #persistence({ reason, templateRef }: Answer): Partial<Whereabouts> {
    if (reason !== reasons.template) return {}
    const ticks = this.#tables.templates.left(templateRef, this.#loaded.now())
    return { persistsSeconds: Math.max(0, ticks) / TICKS_PER_SECOND }
  }
}

function nameOf(names: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(names).find(name => names[name] === number) ?? `${number}`
}
