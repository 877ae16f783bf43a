import t from 'tap'
import { NewBucketName } from '../../../schemas/scalars.ts'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const planFault = (detail: string) => [{ in: 'body', pointer: '/planId', detail }]
const bucketFault = (detail: string) => [{ in: 'body', pointer: '/bucketName', detail }]
const NAME = `must match pattern "${Object(NewBucketName).pattern}"`
const unreadable = [{ in: 'body', pointer: '', detail: 'is not JSON, or has a member named __proto__ or constructor' }]

const duplicateMember = [{ in: 'body', pointer: '', detail: 'has a duplicate member' }]

/** Bodies of POST /accounts, byte for byte, and the faults of each. */
const bodies: Record<string, { body: string; errors: object[] }> = {
  'planId is true': { body: '{"planId":true,"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is text': { body: '{"planId":"1","bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is a list': { body: '{"planId":[1],"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is null': { body: '{"planId":null,"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is an object': { body: '{"planId":{},"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is 1.5': { body: '{"planId":1.5,"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is 0': { body: '{"planId":0,"bucketName":"photos"}', errors: planFault('must be >= 1') },
  'planId is negative': { body: '{"planId":-1,"bucketName":"photos"}', errors: planFault('must be >= 1') },
  'planId is 2^31': { body: '{"planId":2147483648,"bucketName":"photos"}', errors: planFault('must be <= 2147483647') },
  'planId is infinite': { body: '{"planId":1e999,"bucketName":"photos"}', errors: planFault('must be integer') },
  'planId is missing': { body: '{"bucketName":"photos"}', errors: planFault('is missing') },
  'bucketName is null': { body: '{"planId":1,"bucketName":null}', errors: bucketFault('must be string') },
  'bucketName is empty': {
    body: '{"planId":1,"bucketName":""}',
    errors: bucketFault('must NOT have fewer than 3 characters')
  },
  'bucketName is too long': {
    body: `{"planId":1,"bucketName":"${'x'.repeat(64)}"}`,
    errors: bucketFault('must NOT have more than 63 characters')
  },
  ...Object.fromEntries(
    ['a..b', 'a.-b', 'a-.b', '.ab', 'ab.', '-ab', 'ab-', '192.168.5.4', '999.1.1.1'].map(name => [
      `bucketName is ${name}`,
      { body: `{"planId":1,"bucketName":"${name}"}`, errors: bucketFault(NAME) }
    ])
  ),
  'bucketName has capitals': { body: '{"planId":1,"bucketName":"Photos"}', errors: bucketFault(NAME) },
  'bucketName holds a lone surrogate': { body: '{"planId":1,"bucketName":"pho\\ud800tos"}', errors: bucketFault(NAME) },
  'bucketName holds NUL': { body: '{"planId":1,"bucketName":"pho\\u0000tos"}', errors: bucketFault(NAME) },
  'bucketName ends with a line break': { body: '{"planId":1,"bucketName":"photos\\n"}', errors: bucketFault(NAME) },
  'bucketName holds DEL': { body: '{"planId":1,"bucketName":"pho\\u007ftos"}', errors: bucketFault(NAME) },
  'a member is unknown': {
    body: '{"planId":1,"bucketName":"photos","plan_id":2}',
    errors: [{ in: 'body', pointer: '/plan_id', detail: 'is unknown' }]
  },
  'a member is called token': {
    body: '{"planId":1,"bucketName":"photos","token":"x"}',
    errors: [{ in: 'body', pointer: '/token', detail: 'is unknown' }]
  },
  'the name of a member needs escaping in the pointer': {
    body: '{"planId":1,"bucketName":"photos","a/b~c":2}',
    errors: [{ in: 'body', pointer: '/a~1b~0c', detail: 'is unknown' }]
  },
  'a member is called __proto__': { body: '{"planId":1,"bucketName":"photos","__proto__":{}}', errors: unreadable },
  'a member is called constructor': {
    body: '{"planId":1,"bucketName":"photos","constructor":{"prototype":{}}}',
    errors: unreadable
  },
  'the JSON is truncated': { body: '{"planId":1,', errors: unreadable },
  'the JSON has a trailing comma': { body: '{"planId":1,"bucketName":"photos",}', errors: unreadable },
  'the JSON is two values': { body: '{"planId":1,"bucketName":"photos"}{}', errors: unreadable },
  'a member is repeated': { body: '{"planId":1,"bucketName":"photos","planId":2}', errors: duplicateMember },
  'a member is repeated, once escaped': {
    body: '{"planId":1,"bucketName":"photos","plan\\u0049d":1}',
    errors: duplicateMember
  },
  'a nested member is repeated': {
    body: '{"planId":1,"bucketName":"photos","a":[{"b":1,"b":1}]}',
    errors: duplicateMember
  },
  'a string only looks like a repeated member': {
    body: '{"planId":1,"bucketName":"\\",\\"bucketName\\":\\"x"}',
    errors: bucketFault(NAME)
  },
  'the body is a list': { body: '[]', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'the body is text': { body: '"photos"', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'the body is null': { body: 'null', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'several members are at fault, each listed once': {
    body: '{"planId":true,"location":"N L","token":"x","action":"y"}',
    errors: [
      { in: 'body', pointer: '/bucketName', detail: 'is missing' },
      { in: 'body', pointer: '/token', detail: 'is unknown' },
      { in: 'body', pointer: '/action', detail: 'is unknown' },
      { in: 'body', pointer: '/planId', detail: 'must be integer' },
      { in: 'body', pointer: '/location', detail: 'must match pattern "^[A-Za-z0-9-]{1,32}$"' }
    ]
  }
}

t.test('the body of a request', async t => {
  const { post, send, asked } = await gateway(t)

  for (const [what, { body, errors }] of Object.entries(bodies)) {
    t.test(`400 invalid-request when ${what}`, async t => {
      const reply = await post('/accounts', body)
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied', retryable: false, errors })
    })
  }

  t.test('400 invalid-request when the expected price of an order is malformed', async t => {
    const headers = { 'idempotency-key': 'a'.repeat(16) }
    const order = { planId: 2, bucketName: 'photos', expectedPrice: { monthlyEur: '4.90', monthlyGbp: 1 } }
    fails(t, await post('/orders', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/expectedPrice/monthlyGbp', detail: 'is unknown' },
        { in: 'body', pointer: '/expectedPrice/monthlyEur', detail: 'must be number' }
      ]
    })
  })

  t.test('400 invalid-request lists the faults of path, body, query and headers together', async t => {
    const order = { planId: '2', bucketName: 'photos' }
    const headers = { 'idempotency-key': 'x' }
    fails(t, await post('/orders?dry=1', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/planId', detail: 'must be integer' },
        { in: 'query', parameter: 'dry', detail: 'is unknown' },
        { in: 'header', parameter: 'idempotency-key', detail: 'must NOT have fewer than 16 characters' }
      ]
    })
    const reply = await send('DELETE', '/accounts/s3.user?x=1', { headers: { 'confirm-delete': '' } })
    t.strictSame(
      reply.json().errors.map((fault: { in: string }) => fault.in),
      ['path', 'query', 'header']
    )
  })

  t.test('400 invalid-request when an operation without a body gets one', async t => {
    const errors = [{ in: 'body', pointer: '', detail: 'must be absent' }]
    fails(t, await send('GET', '/plans', { body: '{}' }), 400, 'invalid-request', { errors })
    const headers = { 'confirm-delete': 's3_user_1', 'content-type': 'application/json' }
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers, body: '{"s3uid":"s3_user_2"}' })
    fails(t, reply, 400, 'invalid-request', { errors })
  })

  t.test('400 invalid-request when the body is empty', async t => {
    for (const headers of [{ 'content-type': 'application/json' }, {}]) {
      const reply = await send('POST', '/accounts', { headers })
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied' })
      t.equal(reply.json().errors.length, 1)
      t.hasStrict(reply.json().errors[0], { in: 'body', pointer: '' })
    }
  })

  t.test('413 body-too-large when the body is larger than 16 KiB', async t => {
    const padded = (bytes: number) => `{"planId":1,"bucketName":"Photos"${' '.repeat(bytes - 34)}}`
    t.equal(padded(16_384).length, 16_384)
    fails(t, await post('/accounts', padded(16_384)), 400, 'invalid-request')
    fails(t, await post('/accounts', padded(16_385)), 413, 'body-too-large', { outcome: 'not-applied' })
  })

  t.test('415 unsupported-media-type when the body is not JSON', async t => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'text/json',
      'application/jsonp',
      'application/merge-patch+json'
    ]) {
      const options = { headers: { 'content-type': type } }
      const reply = await post('/accounts', '{"planId":1,"bucketName":"photos"}', options)
      fails(t, reply, 415, 'unsupported-media-type', { outcome: 'not-applied', retryable: false })
    }
  })

  t.test('428, not 400, when a deletion has a Content-Type and no body', async t => {
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 428, reply.text)
  })

  t.test('none of these requests reaches HOSTKEY', async t => t.strictSame(asked(), []))
})
