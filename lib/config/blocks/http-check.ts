import { blocks } from '../block-rows.js'
import { type Codec, choice, integer, text } from '../codec.js'
import type { HttpCheck, HttpUrl, StatusRange } from '../model.js'
import { constant, toggle, value, words } from '../rows.js'
import { type Block, defineBlock } from '../schema.js'
import { type CheckSurroundings, networkCheck } from './common-check.js'
import { md5 } from './hex.js'

interface UrlSurroundings {
  readonly check: Readonly<Partial<HttpCheck>>
}

const statusCode = integer(100, 599)

/** `N` or `N-M` */
const statusRange: Codec<StatusRange> = {
  expected: '{ from, to } within 100..599',
  parse(word) {
    const [from, to = from] = word.split('-').map(part => statusCode.parse(part).value)
    const range = statusRange.accept({ from, to })
    return range === undefined ? { problem: `Invalid HTTP_GET status code '${word}'` } : { value: range }
  },
  accept(value) {
    if (typeof value !== 'object' || value === null || !('from' in value) || !('to' in value))
      return undefined
    const from = statusCode.accept(value.from)
    const to = statusCode.accept(value.to)
    return from === undefined || to === undefined || from > to ? undefined : { from, to }
  },
  print: ({ from, to }) => (from === to ? String(from) : `${from}-${to}`),
}

const url = defineBlock<HttpUrl, UrlSurroundings>('url', {
  fields: {
    path: value('path', text(), { required: 'HTTP/SSL_GET checker url has no path - ignoring' }),
    digest: value('digest', md5),
    statusCodes: words('status_code', statusRange, { default: [{ from: 200, to: 299 }] }),
    virtualHost: value('virtualhost', text(), { inherit: (_, { check }) => check.virtualHost }),
  },
  unread: 'regex regex_max_offset regex_min_offset regex_no_match regex_options regex_stack tls_compliant',
})

const protocols = choice<HttpCheck['httpProtocol']>(
  new Map([
    ['1.0', '1.0'],
    ['1.0C', '1.0C'],
    ['1.1', '1.1'],
  ]),
  { ignoreCase: true },
)

function httpCheck(keyword: string, type: HttpCheck['type']): Block<HttpCheck, CheckSurroundings> {
  return defineBlock<HttpCheck, CheckSurroundings>(keyword, {
    fields: {
      type: constant(type),
      httpProtocol: value('http_protocol', protocols, { default: '1.0' }),
      virtualHost: value('virtualhost', text(), { inherit: (_, { real }) => real.virtualHost }),
      enableSni: toggle('enable_sni', { inherit: self => self.sniName !== undefined }),
      sniName: value('sni_name', text()),
      fastRecovery: toggle('fast_recovery', { default: false }),
      ...networkCheck({ delayBeforeRetrySeconds: 3, retryKeywords: ['retry', 'nb_get_retry'] }),
      urls: blocks(url, self => ({ check: self })),
    },
    unread: 'tls_compliant',
    settle(check, { report, places }) {
      if (check.urls.length > 0) return check
      report.error(
        places.of(check),
        'incomplete',
        `${keyword}: HTTP/SSL_GET checker has no urls specified - ignoring`,
      )
      return undefined
    },
  })
}

export const httpGet = httpCheck('HTTP_GET', 'http')
export const sslGet = httpCheck('SSL_GET', 'ssl')
