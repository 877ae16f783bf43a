import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createJobCredentials } from '../../../src/auth/job-credentials.ts'
import { createSealer } from '../../../src/auth/seal.ts'
import { createTokenRecords } from '../../../src/auth/token-records.ts'
import type { Caller } from '../../../src/core/caller.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { RECORD_FORMAT } from '../../../src/store/record-format.ts'
import { contextOf } from '../../support/harness/contexts.ts'

const job = { jobId: '6a8b0a57-9f5e-4b51-8d7e-0c1d7c1f2b11', tenant: '1002', s3uid: 's3_user_1', bucket: 'logs' }
const sealer = createSealer([new Secret(randomBytes(32).toString('hex'))])
const sealed = (record: object) => sealer.seal(JSON.stringify(record), `job:${job.jobId}`, job.jobId)

interface KeptLimits {
  accounts?: readonly string[]
  buckets?: readonly string[]
  pathPrefix?: string
}

const limitsOf = ({ accounts, buckets, pathPrefix }: KeptLimits) => ({
  accounts: accounts && new Set(accounts),
  buckets: buckets && new Set(buckets),
  pathPrefix
})

/** A service of the registry, which the test changes. */
const harness = () => {
  const store = createMemoryStore()
  const registry: { service: Caller | undefined; hashes: string[] } = {
    service: { ...contextOf({ id: 'service:logs' }).caller, authScheme: 'service' },
    hashes: ['now']
  }
  const credentials = createJobCredentials(sealer, createTokenRecords(store, sealer), (_, secretHash = 'now') =>
    registry.hashes.includes(secretHash) ? registry.service : undefined
  )
  const limit = (limits: KeptLimits) => {
    registry.service = registry.service && { ...registry.service, ...limitsOf(limits) }
  }
  return { store, registry, credentials, limit }
}

/** A token of the gateway that a service has made. */
const tokenOf = (secretHash: string): Caller => ({
  ...contextOf({ id: 'hkt:1' }).caller,
  authScheme: 'token',
  ...limitsOf({ buckets: ['s3_user_1/logs', 's3_user_1/old'], pathPrefix: 'a/' }),
  origin: { needs: ['token:1', 'token:0'], service: { id: 'logs', secretHash } }
})

t.test('a job stays within the limits of its maker, and pauses when its service reaches less', async t => {
  const { credentials, limit } = harness()
  const kept = await credentials.keep(tokenOf('now'), job.jobId)
  const isOpened = () => credentials.open(kept, job) !== undefined
  t.match(credentials.open(kept, job), { pathPrefix: 'a/', share: 'job:1002', authScheme: 'service' })
  for (const [limits, expected] of [
    [{ pathPrefix: 'a/' }, true],
    [{ pathPrefix: 'a/b/' }, false],
    [{ pathPrefix: 'b/' }, false],
    [{ buckets: ['s3_user_1/logs'] }, true],
    [{ buckets: ['s3_user_1/log', 's3_user_1/logs-2', 's3_user_2/logs'] }, false],
    [{ accounts: ['s3_user_1'] }, true],
    [{ accounts: ['s3_user_2'] }, false]
  ] as const) {
    limit(limits)
    t.equal(isOpened(), expected, JSON.stringify(limits))
  }
})

t.test('401 invalid-token once its token, a parent, its secret or its service has ended', async t => {
  for (const end of ['token:1', 'token:0', 'secret', 'service']) {
    const { store, registry, credentials } = harness()
    await store.put('token:1', 'record', 60_000)
    await store.put('token:0', 'record', 60_000)
    const kept = await credentials.keep(tokenOf('now'), job.jobId)
    const caller = credentials.open(kept, job)
    t.equal((await caller?.token())?.reveal(), 'one')
    if (end === 'secret') registry.hashes = ['next']
    else if (end === 'service') registry.service = undefined
    else await store.remove(end)
    await t.rejects(async () => caller?.token(), { message: /has ended|was removed/ }, end)
  }
})

t.test('credentials of earlier versions are opened, and those of later ones are left to them', async t => {
  const { credentials } = harness()
  const identity = { customerId: 1002 }
  const first = credentials.open(sealed({ id: 'customer:1002', token: 'a token', identity, within: {} }), job)
  t.equal((await first?.token())?.reveal(), 'a token')
  t.match(credentials.open(sealed({ id: 'service:logs', service: 'logs' }), job), { id: 'service:logs' })
  const kept = JSON.parse(
    sealer.open(await credentials.keep(tokenOf('now'), job.jobId), `job:${job.jobId}`, job.jobId) ?? ''
  )
  t.equal(kept.format, 2)
  t.throws(() => credentials.open(sealed({ ...kept, format: RECORD_FORMAT + 1 }), job), { name: 'NewerRecord' })
})
