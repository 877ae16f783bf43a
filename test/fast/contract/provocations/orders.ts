import { randomUUID } from 'node:crypto'
import { eventually } from '../../../support/harness/eventually.ts'
import {
  bodyWith,
  documentedGateway,
  type Pair,
  type Provocation,
  type Provocations,
  sendChanged
} from './provocation.ts'

/** The action that creates the account. */
const actionOf = ({ operation }: Pair) => (operation.operationId === 'createOrder' ? 'create_order' : 'create_account')

const isDeletion = ({ operation }: Pair) => operation.operationId === 'createFileDeletion'

/** Longer than sending the same request again takes. */
const CREATION_MS = 400

/** After an order of the same customer, in a ledger of its own. */
const afterOne =
  (
    again: (pair: Pair, key: string) => Parameters<typeof sendChanged>[2],
    status: (pair: Pair) => number = () => 201
  ): Provocation =>
  async ({ t }) =>
  async pair => {
    const gateway = await documentedGateway(t)
    const key = randomUUID()
    const first = await sendChanged(gateway, pair, { parameters: { 'idempotency-key': key } })
    t.equal(first.statusCode, status(pair), first.text)
    return sendChanged(gateway, pair, again(pair, key))
  }

const whileOneRuns: Provocation =
  async ({ t }) =>
  async pair => {
    const gateway = await documentedGateway(t)
    const { control } = gateway.sandbox
    const parameters = { 'idempotency-key': randomUUID() }
    const action = actionOf(pair)
    control.fault({ kind: 'latency', action, ms: CREATION_MS })
    const first = sendChanged(gateway, pair, { parameters })
    t.ok(await eventually(() => control.counters()[action] === 1), 'the first request is running')
    const second = await sendChanged(gateway, pair, { parameters })
    await first
    return second
  }

/** The account is created, its bucket is not, and no list shows the account. */
const createdWithoutBucket: Provocation =
  async ({ t }) =>
  async pair => {
    const gateway = await documentedGateway(t)
    gateway.sandbox.control.setBehaviours({ accountLag: 100 })
    return sendChanged(gateway, pair, { body: bodyWith(pair, { bucketName: 'other-bucket' }) })
  }

/** Refusals and unknown outcomes of the order ledger. */
export const orders: Provocations = {
  'idempotency-in-progress': whileOneRuns,
  'idempotency-key-reused': afterOne(
    (pair, key) => ({
      parameters: { 'idempotency-key': key },
      body: isDeletion(pair) ? { paths: ['another'] } : bodyWith(pair, { bucketName: 'another' })
    }),
    pair => (isDeletion(pair) ? 202 : 201)
  ),
  'probable-duplicate-order': afterOne(() => ({})),
  'account-state-unknown': createdWithoutBucket
}
