import { UNKNOWN_MESSAGE } from '../../../../src/openapi/problems.ts'
import {
  bodyWith,
  byRequest,
  type Pair,
  type Provocation,
  type Provocations,
  placeOf,
  sendChanged
} from './provocation.ts'

/** HOSTKEY refuses with the message of the example. */
export const byMessage: Provocation =
  async ({ plain }) =>
  pair => {
    const { upstream } = pair.example
    if (!upstream)
      throw new TypeError(`${pair.name} needs a row in provocations/: its example has no message of HOSTKEY`)
    plain.sandbox.control.fault({ kind: 'refusal', action: upstream.action, text: upstream.message ?? UNKNOWN_MESSAGE })
    return sendChanged(plain, pair)
  }

/** By a request that the sandbox refuses by itself; otherwise by the message. */
const byRequestOrMessage =
  (isByRequest: (pair: Pair) => boolean, change: Parameters<typeof byRequest>[0]): Provocation =>
  async (stage, pairs) => {
    const [send, refuse] = await Promise.all([byRequest(change)(stage, pairs), byMessage(stage, pairs)])
    return pair => (isByRequest(pair) ? send(pair) : refuse(pair))
  }

const isOperation =
  (...ids: string[]) =>
  ({ operation }: Pair) =>
    ids.includes(operation.operationId)

/** Refusals of HOSTKEY that the sandbox has a reason for. All others are provoked by their message. */
export const refusals: Provocations = {
  'account-not-found': byRequestOrMessage(
    pair => placeOf(pair, 's3uid') === 'path',
    () => ({ parameters: { s3uid: 's3_user_2', 'confirm-delete': 's3_user_2' } })
  ),
  'bucket-exists': byRequestOrMessage(isOperation('createBucket'), pair => ({
    body: bodyWith(pair, { name: 'logs' })
  })),
  'bucket-not-empty': byRequestOrMessage(isOperation('deleteBucket'), () => ({ parameters: { bucket: 'logs' } })),
  'scope-exceeds-caller': byRequest(pair => ({ body: bodyWith(pair, { scopes: ['admin'] }) })),
  'token-not-found': byRequest(() => ({ parameters: { tokenId: 'A'.repeat(22) } })),
  'session-not-found': byRequest(() => ({ parameters: { sessionId: 'A'.repeat(22) } })),
  'too-many-tokens': async ({ plain }) => {
    let token = plain.sandbox.demo.token
    for (let seconds = 600; seconds >= 360; seconds -= 60) {
      const body = {
        name: 'a step',
        scopes: ['files:read', 'buckets:read', 'files:download'],
        expiresInSeconds: seconds
      }
      token = (await plain.post('/tokens', body, { token })).json().token
    }
    return pair => sendChanged(plain, pair, { token, body: bodyWith(pair, { expiresInSeconds: 60 }) })
  }
}
