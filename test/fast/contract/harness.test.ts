import t from 'tap'
import { createContract } from '../../support/assert/contract.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('the harness sees every reply that is beside the document', async t => {
  const { url, get, send } = await gateway(t)
  const { violations } = await createContract(url)
  const operation = 'GET /accounts/s3_user_1/buckets'
  const reply = await get('/accounts/s3_user_1/buckets')
  const told = (change: object) => violations(operation, { ...reply, ...change })
  const body = reply.json()
  const [first, ...rest] = body.items

  t.same(told({}), [], 'the true reply is in it')
  t.match(told({ statusCode: 418 }), [/418 is not documented/])
  t.match(told({ text: JSON.stringify({ ...body, extra: 1 }) }), [/must NOT have additional properties/])
  t.match(told({ text: JSON.stringify({ ...body, items: [{ ...first, extra: 1 }, ...rest] }) }), [
    /items\/0 must NOT have additional properties/
  ])
  t.match(told({ text: JSON.stringify({ ...body, items: undefined }) }), [/required property 'items'/])
  t.match(told({ text: JSON.stringify({ ...body, bandwidth: -1 }) }), [/bandwidth must be >= 0/])
  t.match(told({ headers: { ...reply.headers, 'content-type': 'text/plain' } }), [/as text\/plain is not documented/])
  t.match(told({ headers: { ...reply.headers, 'x-request-id': undefined } }), [/comes without X-Request-Id/])
  t.match(told({ headers: { ...reply.headers, etag: undefined } }), [/comes without ETag/])
  t.match(told({ headers: { ...reply.headers, ratelimit: 'plenty' } }), [/comes with RateLimit: plenty/])
  t.match(told({ headers: { ...reply.headers, location: '/x' } }), [/comes with Location, which is not documented/])

  const failed = await get('/accounts/nobody/buckets')
  const problem = (change: object) =>
    violations(operation, { ...failed, text: JSON.stringify({ ...failed.json(), ...change }) })
  t.same(problem({}), [], 'the true problem is in it')
  t.match(problem({ type: '/problems/price-changed' }), [/price-changed is not documented/])
  t.match(problem({ stack: 'at …' }), [/must NOT have additional properties/])

  const elsewhere = await send('PUT', '/accounts')
  t.same(violations('PUT /accounts', elsewhere), [], 'what is no operation is in it, too')
  t.match(violations('PUT /accounts', { ...elsewhere, headers: { ...elsewhere.headers, allow: undefined } }), [
    /comes without Allow/
  ])
})
