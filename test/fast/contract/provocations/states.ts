import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { COOKIE } from '../../../../src/auth/cookie.ts'
import { MAX_PRESSURE } from '../../../../src/http/plugins/load-shedding.ts'
import { classOf } from '../../../../src/upstream/resilience/call-classes.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import type { Gateway, Reply } from '../../../support/harness/gateway.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'
import { documentedGateway, type Pair, type Provocation, type Provocations, sendChanged } from './provocation.ts'

/** The quota of an address with the default settings. */
const ADDRESS_QUOTA = 1200

/** One request more than an address may send in a minute. */
const limitUsedUp: Provocation = async ({ t }) => {
  const gateway = await documentedGateway(t, { RATE_LIMIT_MAX: '600' })
  let left = ADDRESS_QUOTA
  while (left > 0) {
    const batch = Math.min(left, 50)
    await Promise.all(Array.from({ length: batch }, () => gateway.get('/problems/rate-limited', { token: null })))
    left -= batch
  }
  return pair => sendChanged(gateway, pair)
}

/** What ends credentials. */
const ESSENTIAL = ['deleteSessions', 'deleteSessionById', 'deleteToken']

/** The gateway is overloaded. Ending sessions is served nevertheless: there all look-ups are taken. */
const underPressure: Provocation = async ({ t }) => {
  const pressure = { level: 0, stop: () => undefined }
  const gateway = await documentedGateway(t, {}, { pressure })
  const calm = await documentedGateway(t, { TRUST_PROXY: '127.0.0.1' })
  pressure.level = MAX_PRESSURE
  return pair =>
    ESSENTIAL.includes(pair.operation.operationId) ? besideLookups(calm, pair) : sendChanged(gateway, pair)
}

/** The look-ups last longer than a caller waits for others. */
const besideLookups = async (gateway: Gateway, pair: Pair): Promise<Reply> => {
  const { slots, maxWaitMs } = classOf['token-lookup']
  gateway.sandbox.control.fault({ kind: 'latency', action: 'info', ms: 2 * maxWaitMs, count: slots })
  const others = Array.from({ length: slots }, (_, n) =>
    gateway.get('/session', {
      token: `made-up-token-${randomUUID()}`,
      headers: { 'x-forwarded-for': `192.0.2.${n % 2}` }
    })
  )
  await pause(100)
  const reply = await sendChanged(gateway, pair)
  gateway.sandbox.control.clearFaults()
  await Promise.all(others)
  return reply
}

/** An unexpected error in the gateway. */
const internalError: Provocation = async ({ t }) => {
  let isFailing = false
  const pressure = {
    get level() {
      if (isFailing) throw new Error('unexpected')
      return 0
    },
    stop: () => undefined
  }
  const gateway = await documentedGateway(t, {}, { pressure })
  return async pair => {
    isFailing = true
    const reply = await sendChanged(gateway, pair)
    isFailing = false
    return reply
  }
}

/** Another process locks the session store, and the caller has a session. */
const withoutStore: Provocation = async ({ t }) => {
  const folder = temporaryFolder(t)
  const settings = { SESSION_STORE: 'sqlite', DATA_DIR: folder, SESSION_SECRET: 's'.repeat(40) }
  const gateway = await documentedGateway(t, settings)
  const browser = createBrowser(gateway)
  await browser.logIn({ apiKey: gateway.sandbox.demo.apiKey })
  const holder = new DatabaseSync(join(folder, 'store.sqlite'))
  holder.exec('BEGIN IMMEDIATE')
  t.after(() => holder.close())
  const headers = { cookie: `${COOKIE}=${browser.cookie()}`, 'x-csrf': '1' }
  return pair => sendChanged(gateway, pair, { token: null, headers })
}

/** States of the gateway in which it refuses requests. */
export const states: Provocations = {
  'endpoint-not-configured': async ({ t }) => {
    const gateway = await documentedGateway(t, { STORAGE_ENDPOINTS: '' })
    return pair => sendChanged(gateway, pair)
  },
  'switched-off': async ({ t }) => {
    const gateway = await documentedGateway(t, { WRITES: 'off' })
    return pair => sendChanged(gateway, pair, { body: { operation: 'upload', path: 'picture-001.jpg' } })
  },
  'rate-limited': limitUsedUp,
  overloaded: underPressure,
  internal: internalError,
  'store-unavailable': withoutStore
}
