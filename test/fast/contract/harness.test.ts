import t from 'tap'
import { createContract } from '../../support/assert/contract.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('the harness finds every reply that violates the document', async t => {
  const { url, get, send } = await gateway(t)
  const { violations } = await createContract(url)
  const operation = 'GET /accounts/s3_user_1/buckets'
  const reply = await get('/accounts/s3_user_1/buckets')
  const found = (change: object) => violations(operation, { ...reply, ...change })
  const body = reply.json()
  const [first, ...rest] = body.items

  t.same(found({}), [], 'the real reply is valid')
  t.match(found({ statusCode: 418 }), [/418 is not documented/])
  t.match(found({ text: JSON.stringify({ ...body, extra: 1 }) }), [/must NOT have additional properties/])
  t.match(found({ text: JSON.stringify({ ...body, items: [{ ...first, extra: 1 }, ...rest] }) }), [
    /items\/0 must NOT have additional properties/
  ])
  t.match(found({ text: JSON.stringify({ ...body, items: undefined }) }), [/required property 'items'/])
  t.match(found({ text: JSON.stringify({ ...body, bandwidth: -1 }) }), [/bandwidth must be >= 0/])
  t.match(found({ headers: { ...reply.headers, 'content-type': 'text/plain' } }), [/as text\/plain is not documented/])
  t.match(found({ headers: { ...reply.headers, 'x-request-id': undefined } }), [/comes without X-Request-Id/])
  t.match(found({ headers: { ...reply.headers, etag: undefined } }), [/comes without ETag/])
  t.match(found({ headers: { ...reply.headers, ratelimit: 'plenty' } }), [/comes with RateLimit: plenty/])
  t.match(found({ headers: { ...reply.headers, location: '/x' } }), [/comes with Location, which is not documented/])

  const failed = await get('/accounts/unknown/buckets')
  const problem = (change: object) =>
    violations(operation, { ...failed, text: JSON.stringify({ ...failed.json(), ...change }) })
  t.same(problem({}), [], 'the real problem is valid')
  t.match(problem({ type: '/problems/price-changed' }), [/price-changed is not documented/])
  t.match(problem({ stack: 'at …' }), [/must NOT have additional properties/])

  const elsewhere = await send('PUT', '/accounts')
  t.same(violations('PUT /accounts', elsewhere), [], 'a reply without an operation is valid')
  t.match(violations('PUT /accounts', { ...elsewhere, headers: { ...elsewhere.headers, allow: undefined } }), [
    /comes without Allow/
  ])
})
