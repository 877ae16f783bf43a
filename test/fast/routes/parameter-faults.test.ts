import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** Path parameters that are not valid, by the name of the parameter. */
const paths: Record<string, string[]> = {
  s3uid: ['', 'a'.repeat(65), 'a.b', 'a%20b', '%00', 'a%2Fb', 'caf%C3%A9', '%22', 'a;b', '*', 'a'.repeat(2000)].map(
    s3uid => `/accounts/${s3uid}`
  ),
  bucket: ['a%00b', '%7F', 'b'.repeat(256), 'a%2Fb'].map(bucket => `/accounts/s3_user_1/buckets/${bucket}/files`),
  planId: ['0', '-1', '01', '1.5', '1e0', '0x1', '+1', '2147483648', '99999999999999999999', 'one', '%201'].map(
    planId => `/plans/${planId}`
  )
}

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

t.test('the parameters of a request', async t => {
  const { get, asked } = await gateway(t)

  for (const [parameter, addresses] of Object.entries(paths)) {
    t.test(`400 invalid-request names the path parameter ${parameter}`, async t => {
      for (const address of addresses) {
        const reply = await get(address)
        fails(t, reply, 400, 'invalid-request')
        t.match(reply.json().errors, [{ in: 'path', parameter }], address.slice(0, 80))
      }
    })
  }

  t.test('400 invalid-request names each query parameter at fault', async t => {
    for (const [query, parameters] of Object.entries(queries)) {
      const reply = await get(`/accounts?${query}`)
      fails(t, reply, 400, 'invalid-request', { retryable: false })
      t.strictSame(
        reply.json().errors.map((fault: { in: string; parameter: string }) => [fault.in, fault.parameter]),
        parameters.map(parameter => ['query', parameter]),
        query
      )
    }
  })

  t.test('400 invalid-request gives the reason', async t => {
    for (const [query, parameter, detail] of [
      ['limit=1&limit=2', 'limit', 'is given more than once'],
      ['s3uid=a&s3uid=b', 's3uid', 'is given more than once'],
      ['sort=id&sort=id', 'sort', 'is given more than once'],
      ['limit=a', 'limit', 'must be a whole number']
    ] as const) {
      const code = query === 'limit=a' ? 'wrong-type' : 'repeated'
      const errors = [{ in: 'query', parameter, code, detail }]
      fails(t, await get(`/accounts?${query}`), 400, 'invalid-request', { errors })
    }
  })

  t.test('400 invalid-request when an operation without a query gets one', async t => {
    for (const path of ['/accounts/s3_user_1', '/plans', '/plans/1/history', '/accounts/s3_user_1/keys/access-key']) {
      fails(t, await get(`${path}?expand=usage`), 400, 'invalid-request', {
        errors: [{ in: 'query', parameter: 'expand', code: 'unknown-member', detail: 'is unknown' }]
      })
    }
  })

  t.test('400 invalid-request when recursive is neither true nor false', async t => {
    for (const value of ['1', 'yes', 'TRUE', '', 'true&recursive=false']) {
      const reply = await get(`/accounts/s3_user_1/buckets/logs/files?recursive=${value}`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'query', parameter: 'recursive' }])
    }
  })

  t.test('400 malformed-url when the URL is not percent-encoded UTF-8', async t => {
    for (const address of [
      ...['%', '%zz', '%E9', '%C0%80', '%ED%A0%80'].map(s3uid => `/accounts/${s3uid}`),
      ...['limit=%', 'limit=%zz', 'email=caf%E9', 'bucketName=%ED%A0%80x', '%ff=1', 'limit=1&bucketName=%C0%80'].map(
        query => `/accounts?${query}`
      ),
      '/accounts/s3_user_1/buckets/logs/files?search=%FF'
    ]) {
      fails(t, await get(address), 400, 'malformed-url', { retryable: false })
    }
  })

  t.test('414 uri-too-long when a segment or the URL is too long', async t => {
    fails(t, await get(`/accounts/${'a'.repeat(5000)}`), 414, 'uri-too-long')
    fails(t, await get(`/accounts?s3uid=${'a'.repeat(8192)}`), 414, 'uri-too-long')
  })

  t.test('none of these requests reaches HOSTKEY', async t => t.strictSame(asked(), []))
})
