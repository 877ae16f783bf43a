import { bodyWith, byRequest, type Pair, type Provocations, placeOf, sendChanged, sendRaw } from './provocation.ts'

/** Above the limits: 8 KiB for the target, 16 KiB for head and body. */
const TOO_LONG = 'x'.repeat(8192)
const TOO_LARGE = 'x'.repeat(17_000)
/** Above the limit of operations that take a list. */
const HUGE = 'x'.repeat(2 ** 21 + 1)

/** A file path with a NUL, wherever the operation takes it. */
const withNul = (target: string) => target.replace(/(\/files(\/|\?path=)).*$/, '$1%00')

/** Probes and pages ignore their query. */
const isService = ({ operation }: Pair) => operation.tags.includes('Service')

/** Requests that are refused because of their content. */
export const requests: Provocations = {
  'invalid-request': byRequest(pair =>
    isService(pair) ? { headers: { x_large: 'no' } } : { query: { colour: 'red' } }
  ),
  'malformed-url':
    async ({ plain }) =>
    pair =>
      isService(pair)
        ? sendRaw(plain, pair, { target: path => `${path}#x` })
        : sendChanged(plain, pair, { target: path => `${path}${path.includes('?') ? '&' : '?'}colour=%FF` }),
  'uri-too-long': byRequest(() => ({ query: { colour: TOO_LONG } })),
  'headers-too-large':
    async ({ plain }) =>
    pair =>
      sendRaw(plain, pair, { headers: { 'x-large': TOO_LARGE } }),
  'body-too-large': byRequest(pair => ({ body: { large: pair.example.detail.includes('MiB') ? HUGE : TOO_LARGE } })),
  'unsupported-media-type': byRequest(() => ({ body: 'text', headers: { 'content-type': 'text/plain' } })),
  'not-acceptable': byRequest(() => ({ headers: { accept: 'text/csv' } })),
  'route-not-found': byRequest(() => ({ parameters: { name: 'nothing' } })),

  'file-path-required': byRequest(() => ({ parameters: { path: undefined } })),
  'file-path-encoding': byRequest(() => ({ target: withNul })),
  'invalid-cursor': byRequest(() => ({ parameters: { cursor: 'made-up' } })),
  'confirmation-required': byRequest(() => ({ parameters: { 'confirm-delete': undefined } })),
  'confirmation-mismatch': byRequest(pair =>
    placeOf(pair, 'confirm-delete')
      ? { parameters: { 'confirm-delete': 's3_user_2' } }
      : { body: { all: true, confirm: 'another' } }
  ),
  'idempotency-key-required': byRequest(() => ({ parameters: { 'idempotency-key': undefined } })),

  'plan-not-orderable': byRequest(pair => ({
    body: bodyWith(pair, { planId: pair.operation.operationId === 'createAccount' ? 2 : 1 })
  })),
  'invalid-bucket-name': byRequest(pair => ({
    body: bodyWith(pair, { [pair.operation.operationId === 'createBucket' ? 'name' : 'bucketName']: 'Not-allowed' })
  })),
  'path-not-presignable': byRequest(pair => ({ body: bodyWith(pair, { path: 'a/../b' }) })),
  'location-not-offered': byRequest(pair => ({ body: bodyWith(pair, { location: 'US' }) })),
  'price-changed': byRequest(pair => ({ body: bodyWith(pair, { expectedPrice: { monthlyEur: 3.9 } }) })),

  'plan-not-found': byRequest(() => ({ parameters: { planId: 77 } })),
  'order-not-found': byRequest(() => ({ parameters: { orderId: '00000000-0000-4000-8000-000000000000' } })),
  'file-not-found': byRequest(() => ({ parameters: { path: 'nothing' } })),
  'bucket-not-found': byRequest(pair => ({ parameters: placeOf(pair, 'bucket') ? { bucket: 'nothing' } : {} }))
}
