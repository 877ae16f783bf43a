import {
  bodyWith,
  byRequest,
  type Pair,
  type Provocation,
  type Provocations,
  placeOf,
  sendChanged
} from './provocation.ts'

/** HOSTKEY says to the action what the example quotes. */
const said: Provocation =
  async ({ plain }) =>
  pair => {
    const { upstream } = pair.example
    if (!upstream) throw new TypeError(`the example of ${pair.name} quotes nothing`)
    plain.sandbox.control.fault({ kind: 'refusal', action: upstream.action, text: upstream.message })
    return sendChanged(plain, pair)
  }

/** By a request where one brings it about by itself; otherwise HOSTKEY says it. */
const byRequestOrSaid =
  (isByRequest: (pair: Pair) => boolean, change: Parameters<typeof byRequest>[0]): Provocation =>
  async (stage, pairs) => {
    const [ask, say] = await Promise.all([byRequest(change)(stage, pairs), said(stage, pairs)])
    return pair => (isByRequest(pair) ? ask(pair) : say(pair))
  }

const isOperation =
  (...ids: string[]) =>
  ({ operation }: Pair) =>
    ids.includes(operation.operationId)

/** What HOSTKEY refuses, by itself where the sandbox has a reason for it. */
export const refusals: Provocations = {
  'account-not-found': byRequestOrSaid(
    pair => placeOf(pair, 's3uid') === 'path',
    () => ({ parameters: { s3uid: 's3_user_2', 'confirm-delete': 's3_user_2' } })
  ),
  'bucket-exists': byRequestOrSaid(isOperation('createBucket'), pair => ({ body: bodyWith(pair, { name: 'logs' }) })),
  'bucket-not-empty': byRequestOrSaid(isOperation('deleteBucket'), () => ({ parameters: { bucket: 'logs' } })),
  'invalid-bucket-name': byRequestOrSaid(isOperation('createBucket'), pair => ({
    body: bodyWith(pair, { name: 'two..dots' })
  })),
  'payment-required': said,
  forbidden: said,
  'limit-reached': said,
  'customer-not-found': said,
  'upstream-refused': said,
  'upstream-storage-error': said
}
