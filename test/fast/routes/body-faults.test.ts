import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const planFault = (code: string, detail: string) => [{ in: 'body', pointer: '/planId', code, detail }]
const bucketFault = (code: string, detail = NAME) => [{ in: 'body', pointer: '/bucketName', code, detail }]
const NAME = '3 to 63 characters: a-z, 0-9, dot, hyphen; begins and ends with a letter or a digit'
const unreadable = [
  { in: 'body', pointer: '', code: 'unreadable', detail: 'is not JSON, or has a member named __proto__ or constructor' }
]

const duplicateMember = [{ in: 'body', pointer: '', code: 'repeated', detail: 'has a duplicate member' }]

/** Bodies of POST /accounts, byte for byte, and the faults of each. */
const bodies: Record<string, { body: string; errors: object[] }> = {
  'planId is true': {
    body: '{"planId":true,"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is text': {
    body: '{"planId":"1","bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is a list': {
    body: '{"planId":[1],"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is null': {
    body: '{"planId":null,"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is an object': {
    body: '{"planId":{},"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is 1.5': {
    body: '{"planId":1.5,"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is 0': { body: '{"planId":0,"bucketName":"photos"}', errors: planFault('too-small', 'must be at least 1') },
  'planId is negative': {
    body: '{"planId":-1,"bucketName":"photos"}',
    errors: planFault('too-small', 'must be at least 1')
  },
  'planId is 2^31': {
    body: '{"planId":2147483648,"bucketName":"photos"}',
    errors: planFault('too-large', 'must be at most 2147483647')
  },
  'planId is infinite': {
    body: '{"planId":1e999,"bucketName":"photos"}',
    errors: planFault('wrong-type', 'must be a whole number')
  },
  'planId is missing': { body: '{"bucketName":"photos"}', errors: planFault('missing', 'is missing') },
  'bucketName is null': { body: '{"planId":1,"bucketName":null}', errors: bucketFault('wrong-type', 'must be text') },
  'bucketName is empty': {
    body: '{"planId":1,"bucketName":""}',
    errors: bucketFault('too-short')
  },
  'bucketName is too long': {
    body: `{"planId":1,"bucketName":"${'x'.repeat(64)}"}`,
    errors: bucketFault('too-long')
  },
  ...Object.fromEntries(
    ['a..b', 'a.-b', 'a-.b', '.ab', 'ab.', '-ab', 'ab-', '192.168.5.4', '999.1.1.1'].map(name => [
      `bucketName is ${name}`,
      { body: `{"planId":1,"bucketName":"${name}"}`, errors: bucketFault('pattern') }
    ])
  ),
  'bucketName has capitals': { body: '{"planId":1,"bucketName":"Photos"}', errors: bucketFault('pattern') },
  'bucketName holds a lone surrogate': {
    body: '{"planId":1,"bucketName":"pho\\ud800tos"}',
    errors: bucketFault('pattern')
  },
  'bucketName holds NUL': { body: '{"planId":1,"bucketName":"pho\\u0000tos"}', errors: bucketFault('pattern') },
  'bucketName ends with a line break': {
    body: '{"planId":1,"bucketName":"photos\\n"}',
    errors: bucketFault('pattern')
  },
  'bucketName holds DEL': { body: '{"planId":1,"bucketName":"pho\\u007ftos"}', errors: bucketFault('pattern') },
  'a member is unknown': {
    body: '{"planId":1,"bucketName":"photos","plan_id":2}',
    errors: [{ in: 'body', pointer: '/plan_id', code: 'unknown-member', detail: 'is unknown' }]
  },
  'a member is called token': {
    body: '{"planId":1,"bucketName":"photos","token":"x"}',
    errors: [{ in: 'body', pointer: '/token', code: 'unknown-member', detail: 'is unknown' }]
  },
  'the name of a member needs escaping in the pointer': {
    body: '{"planId":1,"bucketName":"photos","a/b~c":2}',
    errors: [{ in: 'body', pointer: '/a~1b~0c', code: 'unknown-member', detail: 'is unknown' }]
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
    errors: bucketFault('pattern')
  },
  'the body is a list': {
    body: '[]',
    errors: [{ in: 'body', pointer: '', code: 'wrong-type', detail: 'must be an object' }]
  },
  'the body is text': {
    body: '"photos"',
    errors: [{ in: 'body', pointer: '', code: 'wrong-type', detail: 'must be an object' }]
  },
  'the body is null': {
    body: 'null',
    errors: [{ in: 'body', pointer: '', code: 'wrong-type', detail: 'must be an object' }]
  },
  'several members are at fault, each listed once': {
    body: '{"planId":true,"location":"N L","token":"x","action":"y"}',
    errors: [
      { in: 'body', pointer: '/bucketName', code: 'missing', detail: 'is missing' },
      { in: 'body', pointer: '/token', code: 'unknown-member', detail: 'is unknown' },
      { in: 'body', pointer: '/action', code: 'unknown-member', detail: 'is unknown' },
      { in: 'body', pointer: '/planId', code: 'wrong-type', detail: 'must be a whole number' },
      { in: 'body', pointer: '/location', code: 'pattern', detail: '1 to 32 characters: letters, digits, hyphen' }
    ]
  }
}

t.test('the body of a request', async t => {
  const { post, send, asked } = await gateway(t)

  for (const [what, { body, errors }] of Object.entries(bodies)) {
    // The only fault, unless it has another type.
    const isName = errors.length === 1 && !what.endsWith('null') && /bucketName|only looks/.test(what)
    const [status, problem] = isName ? ([422, 'invalid-bucket-name'] as const) : ([400, 'invalid-request'] as const)
    t.test(`${status} ${problem} when ${what}`, async t => {
      const reply = await post('/accounts', body)
      fails(t, reply, status, problem, { outcome: 'not-applied', retryable: false, errors })
    })
  }

  t.test('400 invalid-request when the expected price of an order is malformed', async t => {
    const headers = { 'idempotency-key': 'a'.repeat(16) }
    const order = { planId: 2, bucketName: 'photos', expectedPrice: { monthlyEur: '4.90', monthlyGbp: 1 } }
    fails(t, await post('/orders', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/expectedPrice/monthlyGbp', code: 'unknown-member', detail: 'is unknown' },
        { in: 'body', pointer: '/expectedPrice/monthlyEur', code: 'wrong-type', detail: 'must be a number' }
      ]
    })
  })

  t.test('400 invalid-request lists the faults of path, body, query and headers together', async t => {
    const order = { planId: '2', bucketName: 'photos' }
    const headers = { 'idempotency-key': 'x' }
    fails(t, await post('/orders?dry=1', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/planId', code: 'wrong-type', detail: 'must be a whole number' },
        { in: 'query', parameter: 'dry', code: 'unknown-member', detail: 'is unknown' },
        {
          in: 'header',
          parameter: 'idempotency-key',
          code: 'too-short',
          detail: '16 to 255 characters: letters, digits, underscore, dot, colon, hyphen'
        }
      ]
    })
    const reply = await send('DELETE', '/accounts/s3.user?x=1', { headers: { 'confirm-delete': '' } })
    t.strictSame(
      reply.json().errors.map((fault: { in: string }) => fault.in),
      ['path', 'query', 'header']
    )
  })

  t.test('400 invalid-request when an operation without a body gets one', async t => {
    const errors = [{ in: 'body', pointer: '', code: 'not-allowed', detail: 'must be absent' }]
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
    fails(t, await post('/accounts', padded(16_384)), 422, 'invalid-bucket-name')
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
