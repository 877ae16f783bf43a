import t from 'tap'
import { fails } from '../support/expect.ts'
import { gateway } from '../support/gateway.ts'

const planFault = (detail: string) => [{ in: 'body', pointer: '/planId', detail }]
const bucketFault = (detail: string) => [{ in: 'body', pointer: '/bucketName', detail }]
const NAME = 'must match pattern "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"'
const unreadable = [{ in: 'body', pointer: '', detail: 'is not JSON, or has a member named __proto__ or constructor' }]

const twins = [{ in: 'body', pointer: '', detail: 'has a member twice' }]

/** Bodies of POST /accounts, as they are sent, and what is wrong with each. */
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
  'a member’s name needs escaping': {
    body: '{"planId":1,"bucketName":"photos","a/b~c":2}',
    errors: [{ in: 'body', pointer: '/a~1b~0c', detail: 'is unknown' }]
  },
  'a member is called __proto__': { body: '{"planId":1,"bucketName":"photos","__proto__":{}}', errors: unreadable },
  'a member poisons the constructor': {
    body: '{"planId":1,"bucketName":"photos","constructor":{"prototype":{}}}',
    errors: unreadable
  },
  'the JSON is cut off': { body: '{"planId":1,', errors: unreadable },
  'the JSON has a trailing comma': { body: '{"planId":1,"bucketName":"photos",}', errors: unreadable },
  'the JSON is two values': { body: '{"planId":1,"bucketName":"photos"}{}', errors: unreadable },
  'a member comes twice': { body: '{"planId":1,"bucketName":"photos","planId":2}', errors: twins },
  'a member comes twice, once escaped': { body: '{"planId":1,"bucketName":"photos","plan\\u0049d":1}', errors: twins },
  'a member of a member comes twice': { body: '{"planId":1,"bucketName":"photos","a":[{"b":1,"b":1}]}', errors: twins },
  'a text looks like a member that comes twice': {
    body: '{"planId":1,"bucketName":"\\",\\"bucketName\\":\\"x"}',
    errors: bucketFault(NAME)
  },
  'the body is a list': { body: '[]', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'the body is text': { body: '"photos"', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'the body is null': { body: 'null', errors: [{ in: 'body', pointer: '', detail: 'must be object' }] },
  'several things are wrong, each once': {
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

t.test('a body is taken as it is sent', async t => {
  const { post, send, asked } = await gateway(t)

  for (const [what, { body, errors }] of Object.entries(bodies)) {
    t.test(`400 invalid-request when ${what}, and nothing is asked`, async t => {
      const reply = await post('/accounts', body)
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied', retryable: false, errors })
      t.strictSame(asked(), [])
    })
  }

  t.test('400 invalid-request when an order expects a price that is none, and nothing is asked', async t => {
    const headers = { 'idempotency-key': 'a'.repeat(16) }
    const order = { planId: 2, bucketName: 'photos', expectedPrice: { monthlyEur: '4.90', monthlyGbp: 1 } }
    fails(t, await post('/orders', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/expectedPrice/monthlyGbp', detail: 'is unknown' },
        { in: 'body', pointer: '/expectedPrice/monthlyEur', detail: 'must be number' }
      ]
    })
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request names the faults of path, body, query and headers at once', async t => {
    const order = { planId: '2', bucketName: 'photos' }
    const headers = { 'idempotency-key': 'x' }
    fails(t, await post('/orders?validateOnly=1', order, { headers }), 400, 'invalid-request', {
      errors: [
        { in: 'body', pointer: '/planId', detail: 'must be integer' },
        { in: 'query', parameter: 'validateOnly', detail: 'must be boolean' },
        { in: 'header', parameter: 'idempotency-key', detail: 'must NOT have fewer than 16 characters' }
      ]
    })
    const reply = await send('DELETE', '/accounts/s3.user?x=1', { headers: { 'confirm-delete': '' } })
    t.strictSame(
      reply.json().errors.map((fault: { in: string }) => fault.in),
      ['path', 'query', 'header']
    )
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when a GET has a body, and nothing is asked', async t => {
    fails(t, await send('GET', '/plans', { body: '{}' }), 400, 'invalid-request', {
      errors: [{ in: 'body', pointer: '', detail: 'must be absent' }]
    })
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when the body is empty, and nothing is asked', async t => {
    for (const headers of [{ 'content-type': 'application/json' }, {}]) {
      const reply = await send('POST', '/accounts', { headers: headers as Record<string, string> })
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied' })
      t.equal(reply.json().errors.length, 1)
      t.hasStrict(reply.json().errors[0], { in: 'body', pointer: '' })
    }
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when an operation that takes no body gets one, and nothing is asked', async t => {
    const headers = { 'confirm-delete': 's3_user_1', 'content-type': 'application/json' }
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers, body: '{"s3uid":"s3_user_2"}' })
    fails(t, reply, 400, 'invalid-request', { errors: [{ in: 'body', pointer: '', detail: 'must be absent' }] })
    t.strictSame(asked(), [])
  })

  t.test('428, not 400, when a deletion names a type and sends no body', async t => {
    const reply = await send('DELETE', '/accounts/s3_user_1', { headers: { 'content-type': 'application/json' } })
    t.equal(reply.statusCode, 428, reply.text)
  })

  for (const type of [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/merge-patch+json'
  ]) {
    t.test(`415 unsupported-media-type when the body is ${type}, and nothing is asked`, async t => {
      const options = { headers: { 'content-type': type } }
      const reply = await post('/accounts', '{"planId":1,"bucketName":"photos"}', options)
      fails(t, reply, 415, 'unsupported-media-type', { outcome: 'not-applied', retryable: false })
      t.strictSame(asked(), [])
    })
  }

  t.test('413 body-too-large when the body is larger than 16 KiB, and nothing is asked', async t => {
    const fat = (bytes: number) => `{"planId":1,"bucketName":"Photos"${' '.repeat(bytes - 34)}}`
    t.equal(fat(16_384).length, 16_384)
    fails(t, await post('/accounts', fat(16_384)), 400, 'invalid-request')
    fails(t, await post('/accounts', fat(16_385)), 413, 'body-too-large', { outcome: 'not-applied' })
    t.strictSame(asked(), [])
  })
})

/** Queries of GET /accounts, and the parameters at fault. */
const queries: Record<string, string[]> = {
  'limit=0x10': ['limit'],
  'limit=1e1': ['limit'],
  'limit=%201': ['limit'],
  'limit=1%20': ['limit'],
  'limit=+1': ['limit'],
  'limit=%2B1': ['limit'],
  'limit=01': ['limit'],
  'limit=-0': ['limit'],
  'limit=1.0': ['limit'],
  'limit=1_0': ['limit'],
  'limit=%D9%A1': ['limit'],
  'limit=': ['limit'],
  limit: ['limit'],
  'limit=0': ['limit'],
  'limit=1001': ['limit'],
  'limit=true': ['limit'],
  'limit=null': ['limit'],
  'limit=1&limit=2': ['limit'],
  'limit[]=1': ['limit[]'],
  'planId=2147483648': ['planId'],
  'planId=99999999999999999999': ['planId'],
  's3uid=a&s3uid=b': ['s3uid'],
  's3uid=a%2Fb': ['s3uid'],
  's3uid=a%00': ['s3uid'],
  'bucketName=%0A': ['bucketName'],
  'sort=size': ['sort'],
  'sort=storage_usage': ['sort'],
  'sort=--id': ['sort'],
  'sort=+id': ['sort'],
  'sort=': ['sort'],
  'periodFrom=2023-13-01': ['periodFrom'],
  'periodFrom=2023-02-30': ['periodFrom'],
  'periodFrom=01.10.2023': ['periodFrom'],
  'foo=1': ['foo'],
  'a%2Fb=1': ['a/b'],
  'Limit=1': ['Limit'],
  'action=delete_account&token=x': ['action', 'token'],
  '__proto__=1': ['__proto__'],
  'constructor=1': ['constructor'],
  'limit=0x10&foo=1&sort=x': ['foo', 'limit', 'sort']
}

t.test('a query is text, read strictly', async t => {
  const { get, asked } = await gateway(t)

  for (const [query, parameters] of Object.entries(queries)) {
    t.test(`400 invalid-request for ?${query} names ${parameters.join(', ')}, and nothing is asked`, async t => {
      const reply = await get(`/accounts?${query}`)
      fails(t, reply, 400, 'invalid-request', { retryable: false })
      const { errors } = reply.json()
      t.strictSame(
        errors.map((fault: { in: string; parameter: string }) => [fault.in, fault.parameter]),
        parameters.map(parameter => ['query', parameter])
      )
      t.strictSame(asked(), [])
    })
  }

  for (const query of [
    'limit=%',
    'limit=%zz',
    'email=caf%E9',
    'bucketName=%ED%A0%80x',
    '%ff=1',
    'limit=1&bucketName=%C0%80'
  ]) {
    t.test(`400 malformed-url for ?${query}, and nothing is asked`, async t => {
      fails(t, await get(`/accounts?${query}`), 400, 'malformed-url', { retryable: false })
      t.strictSame(asked(), [])
    })
  }

  t.test('400 invalid-request when an operation without a query gets one, and nothing is asked', async t => {
    for (const address of [
      '/accounts/s3_user_1',
      '/plans',
      '/plans/1/history',
      '/accounts/s3_user_1/keys/access-key'
    ]) {
      fails(t, await get(`${address}?expand=usage`), 400, 'invalid-request', {
        errors: [{ in: 'query', parameter: 'expand', detail: 'is unknown' }]
      })
    }
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when validateOnly is no plain boolean, and nothing is ordered', async t => {
    const { post } = await gateway(t)
    for (const value of ['1', 'yes', 'TRUE', '', 'true&validateOnly=false']) {
      const reply = await post(
        `/orders?validateOnly=${value}`,
        { planId: 2, bucketName: 'photos' },
        { headers: { 'idempotency-key': 'a'.repeat(16) } }
      )
      fails(t, reply, 400, 'invalid-request', { outcome: 'not-applied' })
      t.match(reply.json().errors, [{ in: 'query', parameter: 'validateOnly' }])
    }
  })
})

t.test('a path is text, read strictly', async t => {
  const { get, asked } = await gateway(t)

  for (const s3uid of [
    '',
    'a'.repeat(65),
    'a.b',
    'a%20b',
    '%00',
    'a%2Fb',
    'caf%C3%A9',
    '%22',
    'a;b',
    '*',
    'a'.repeat(2000)
  ]) {
    t.test(`400 invalid-request for the account ${s3uid.slice(0, 70)}, and nothing is asked`, async t => {
      const reply = await get(`/accounts/${s3uid}`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'path', parameter: 's3uid' }])
      t.strictSame(asked(), [])
    })
  }

  for (const bucket of ['a%00b', '%7F', `${'b'.repeat(256)}`, 'a%2Fb']) {
    t.test(`400 invalid-request for the bucket ${bucket.slice(0, 20)}, and nothing is asked`, async t => {
      const reply = await get(`/accounts/s3_user_1/buckets/${bucket}/files`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'path', parameter: 'bucket' }])
      t.strictSame(asked(), [])
    })
  }

  for (const s3uid of ['%', '%zz', '%E9', '%C0%80', '%ED%A0%80']) {
    t.test(`400 malformed-url for the account ${s3uid}, and nothing is asked`, async t => {
      fails(t, await get(`/accounts/${s3uid}`), 400, 'malformed-url')
      t.strictSame(asked(), [])
    })
  }

  t.test('414 uri-too-long for an account of thousands of characters, and nothing is asked', async t => {
    fails(t, await get(`/accounts/${'a'.repeat(5000)}`), 414, 'uri-too-long')
    fails(t, await get(`/accounts?s3uid=${'a'.repeat(8192)}`), 414, 'uri-too-long')
    t.strictSame(asked(), [])
  })
})
