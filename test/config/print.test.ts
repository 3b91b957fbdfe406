import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { parseConfig, printConfig, validateConfig } from '../../lib/config/index.js'
import { configInput } from './arbitrary.js'

t.test('what is printed reads as people write it, without what holds anyway', t => {
  const text = readFileSync(new URL('../fixtures/seed/master.conf', import.meta.url), 'utf8')
  t.equal(
    printConfig(parseConfig(text).config),
    `global_defs {
    notification_email {
        root@mydomain.com
    }
    notification_email_from svr1@mydomain.com
    smtp_server localhost 25
}

vrrp_instance external {
    state MASTER
    interface enp0s8
    virtual_router_id 91
    priority 200
    authentication {
        auth_type PASS
        auth_pass 1215
    }
    virtual_ipaddress {
        10.0.0.1/24
    }
}

virtual_server 10.0.0.1 80 {
    delay_loop 10
    protocol TCP
    lb_algo rr
    lb_kind DR
    persistence_timeout 7200
    real_server 10.0.0.71 80 {
        TCP_CHECK {
        }
    }
    real_server 10.0.0.72 80 {
        TCP_CHECK {
        }
    }
}
`,
  )
  t.end()
})

/** What is wrong with a configuration itself, however it is said. */
const LASTING: ReadonlySet<string> = new Set(['not-honoured', 'not-run', 'incomplete'])

t.test('every configuration, printed and read, is itself, and nothing new is wrong with it', t => {
  const property = fc.property(configInput, input => {
    const { config } = validateConfig(input)
    const text = config === undefined ? '' : printConfig(config)
    const read = parseConfig(text)
    const complaints = read.diagnostics.filter(({ code }) => !LASTING.has(code))
    assert.deepStrictEqual({ config: read.config, complaints }, { config, complaints: [] })
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 25 }))
  t.end()
})
