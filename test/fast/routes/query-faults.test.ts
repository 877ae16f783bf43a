import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

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

  t.test('400 invalid-request says of a parameter that is given twice that it is', async t => {
    for (const query of ['limit=1&limit=2', 's3uid=a&s3uid=b', 'sort=id&sort=id']) {
      const reply = await get(`/accounts?${query}`)
      const parameter = query.split('=', 1)[0]
      fails(t, reply, 400, 'invalid-request', {
        errors: [{ in: 'query', parameter, detail: 'is given more than once' }]
      })
    }
    fails(t, await get('/accounts?limit=a'), 400, 'invalid-request', { errors: [{ detail: 'must be integer' }] })
  })

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
