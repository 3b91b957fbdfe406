import { checkList } from '../block-rows.js'
import { checkBlock, isRecord, show } from '../check-object.js'
import type { Check, RealServer } from '../model.js'
import { optionPlace } from '../places.js'
import { printBlock } from '../print-block.js'
import { readBlock } from '../read-block.js'
import { base, present } from '../rows.js'
import type { Block, Row, Session } from '../schema.js'
import type { Statement } from '../tree.js'
import type { Writer } from '../writer.js'
import { dnsCheck, miscCheck, pingCheck, smtpCheck, tcpCheck, udpCheck } from './check.js'
import type { CheckSurroundings } from './common-check.js'
import { httpGet, sslGet } from './http-check.js'

/** A kind of check whose own type is hidden: a real server has checks of any. */
interface Kind {
  readonly block: Pick<Block<never, CheckSurroundings>, 'keyword' | 'opens' | 'facts'>
  readonly honoured: boolean
  read(statement: Statement, around: CheckSurroundings, session: Session): Check | undefined
  check(given: unknown, path: string, around: CheckSurroundings, session: Session): Check | undefined
}

function kind<C extends Check>(block: Block<C, CheckSurroundings>, { honoured = false } = {}): Kind {
  const inside = (session: Session) => (honoured ? session : { ...session, muted: true })
  return {
    block,
    honoured,
    read: (statement, around, session) => readBlock(block, [statement], around, inside(session)),
    check: (given, path, around, session) => checkBlock(block, given, path, around, inside(session)),
  }
}

const KINDS: Readonly<Record<Check['type'], Kind>> = {
  tcp: kind(tcpCheck, { honoured: true }),
  http: kind(httpGet),
  ssl: kind(sslGet),
  smtp: kind(smtpCheck),
  dns: kind(dnsCheck),
  udp: kind(udpCheck),
  ping: kind(pingCheck),
  misc: kind(miscCheck),
}

/** The checks of a real server, in the order in which they are given. */
export function checks<O>(): Row<readonly Check[], RealServer, O> {
  const byKeyword = new Map(Object.values(KINDS).map(kind => [kind.block.keyword, kind]))
  return {
    ...base<readonly Check[], RealServer, O>([], { default: [] }),
    keywords: [...byKeyword].map(([name, { honoured, block }]) => ({
      name,
      honoured,
      parameters: 0,
      body: block,
    })),
    nested: true,
    read: (statements, { self, session }) =>
      present(
        statements.map(statement =>
          byKeyword.get(statement.keyword.text)?.read(statement, { real: self }, session),
        ),
      ),
    check: (given, place, { self, session }) =>
      checkList(given, place.file, session, (item, path) => checkOne(item, path, { real: self }, session)),
    print(values, writer, real) {
      for (const check of values) printCheck(check, { real }, writer)
    },
  }
}

function checkOne(
  item: unknown,
  path: string,
  around: CheckSurroundings,
  session: Session,
): Check | undefined {
  const type = isRecord(item) ? item.type : undefined
  const known = Object.entries(KINDS).find(([name]) => name === type)?.[1]
  if (known === undefined) {
    const expected = Object.keys(KINDS).map(show).join(' or ')
    session.report.error(optionPlace(`${path}.type`), 'invalid-value', `${show(type)}, expected ${expected}`)
    return undefined
  }
  if (!known.honoured && !session.muted) {
    session.report.warning(optionPlace(path), 'not-honoured', `${known.block.keyword} is not honoured yet`)
  }
  return known.check(item, path, around, session)
}

function printCheck(check: Check, around: CheckSurroundings, writer: Writer): void {
  switch (check.type) {
    case 'tcp':
      printBlock(tcpCheck, check, around, writer)
      break
    case 'http':
      printBlock(httpGet, check, around, writer)
      break
    case 'ssl':
      printBlock(sslGet, check, around, writer)
      break
    case 'smtp':
      printBlock(smtpCheck, check, around, writer)
      break
    case 'dns':
      printBlock(dnsCheck, check, around, writer)
      break
    case 'udp':
      printBlock(udpCheck, check, around, writer)
      break
    case 'ping':
      printBlock(pingCheck, check, around, writer)
      break
    case 'misc':
      printBlock(miscCheck, check, around, writer)
  }
}
