import { randomBytes, randomUUID } from 'node:crypto'
import { check, expect, Mismatch, NotChecked } from '../report.ts'
import { createSender, type HttpResponse } from '../sender.ts'
import { assertAllowed, type CheckContext, expectProblem, type GatewayRequest } from './context.ts'
import { jsonIn } from './document.ts'
import { itemsIn } from './reads.ts'

/** Paths that servers often normalise. No file has one of them. */
const UNUSUAL_PATHS = ['a b', 'a//b', './a', '../a', '/a', 'a%2Fb', 'a+b', 'a?b#c', 'ä', 'a/']

/** Creates, orders and deletes resources of its own only. */
export const checkWrites = async (context: CheckContext) => {
  const { report, options, discovered } = context
  if (options.sandbox && !(await isSandboxVerified(context, options.sandbox))) return
  if (discovered.s3uid === undefined) return report.skip('writes', 'the customer has no account')
  const account = `accounts/${encodeURIComponent(discovered.s3uid)}`
  await checkBodies(context, account)
  await checkBucket(context, account)
  await checkOrder(context)
}

/** Requests a random name from the gateway, and looks for it in the call log of the sandbox. */
const isSandboxVerified = async ({ send, report }: CheckContext, url: URL): Promise<boolean> => {
  const marker = `s3_user_${randomBytes(8).toString('hex')}`
  const sandbox = createSender({ url, ratePerSecond: 50, maxRequests: 1, timeoutMs: 5000 })
  await check(report, 'the sandbox of the gateway', async () => {
    await send({ path: `accounts/${marker}` })
    const { text } = await sandbox.send({ method: 'GET', path: 'control/calls' })
    expect(text.includes(marker), 'the gateway does not use this sandbox: nothing is written')
    return 'verified'
  })
  return report.findings().at(-1)?.verdict === 'pass'
}

const json = { 'content-type': 'application/json' }
const post = (path: string, body: unknown, headers: Record<string, string> = {}): GatewayRequest => ({
  method: 'POST',
  path,
  headers: { ...json, ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body)
})

/** Checks that a write is refused and not applied. */
const checkRefused = (
  context: CheckContext,
  subject: string,
  request: GatewayRequest,
  status: number,
  ...names: string[]
) =>
  check(context.report, subject, async () => {
    const response = await context.send(request)
    const received = expectProblem(context, response, status, names)
    const { outcome } = JSON.parse(response.text)
    expect(outcome === 'not-applied', '`outcome` is not `not-applied`')
    return received
  })

const checkBodies = async (context: CheckContext, account: string): Promise<void> => {
  const address = `${account}/buckets`
  const text = { ...post(address, 'name=x'), headers: { 'content-type': 'text/plain' } }
  await checkRefused(context, 'a body of an unsupported media type', text, 415, 'unsupported-media-type')
  await checkRefused(context, 'a body that is not JSON', post(address, '{'), 400, 'invalid-request')
  await checkRefused(context, 'an unknown member', post(address, { name: 'conformance', x: 1 }), 400, 'invalid-request')
  await checkRefused(
    context,
    'a duplicate member',
    post(address, '{"name":"a1b","name":"a2b"}'),
    400,
    'invalid-request'
  )
  await checkRefused(context, 'an invalid bucket name', post(address, { name: 'A_B' }), 422, 'invalid-bucket-name')
  const unconfirmed: GatewayRequest = { method: 'DELETE', path: account }
  await checkRefused(context, 'deleting an account without confirmation', unconfirmed, 428, 'confirmation-required')
}

const checkBucket = async (context: CheckContext, account: string): Promise<void> => {
  const name = `conformance-${randomBytes(5).toString('hex')}`
  let created: string | undefined
  await check(context.report, 'createBucket', async () => {
    const response = assertStatus(
      context,
      'createBucket',
      await context.send(post(`${account}/buckets`, { name })),
      201
    )
    created = String((jsonIn(response.text) as { name: string }).name)
    expect(
      response.headers['location']?.endsWith(`/buckets/${encodeURIComponent(created)}`) ?? false,
      '`Location` is not the new bucket'
    )
    const list = await context.send({ path: `${account}/buckets` })
    expect(
      itemsIn(list.text).some(bucket => bucket['name'] === created),
      'the new bucket is not in the list'
    )
    return '201, `Location`, and in the list'
  })
  if (created === undefined) return
  const bucket = `${account}/buckets/${encodeURIComponent(created)}`
  await check(context.report, 'deleteFile with unusual paths', () => checkUnusualPaths(context, bucket))
  await checkRefused(
    context,
    'a file path that is not UTF-8',
    { method: 'DELETE', path: `${bucket}/files?path=%ff` },
    400,
    'malformed-url'
  )
  await check(context.report, 'deleteBucket', async () => {
    assertStatus(context, 'deleteBucket', await context.send({ method: 'DELETE', path: bucket }), 204)
    const again = await context.send({ method: 'DELETE', path: bucket })
    // The gateway may reply 204 again shortly after a deletion.
    if (again.status === 204) return '204, then 204'
    return `204, then ${expectProblem(context, again, 404, ['bucket-not-found'])}`
  })
}

/** The gateway must not change a path in the query: each of these files is missing. */
const checkUnusualPaths = async (context: CheckContext, bucket: string): Promise<string> => {
  for (const path of UNUSUAL_PATHS) {
    const response = await context.send({ method: 'DELETE', path: `${bucket}/files?path=${encodeURIComponent(path)}` })
    expectProblem(context, response, 404, ['file-not-found'])
  }
  return `${UNUSUAL_PATHS.length} unusual paths: 404 file-not-found`
}

/** Orders a paid account twice with one key, expects one account, and deletes every account it created. */
const checkOrder = async (context: CheckContext) => {
  const bucketName = `conformance-${randomBytes(5).toString('hex')}`
  const created = new Set<string>()
  await check(context.report, 'createOrder', async () => {
    const order = { planId: await paidPlan(context), bucketName }
    const key = { 'idempotency-key': randomUUID() }
    context.report.print(`Orders plan ${order.planId} with the bucket ${bucketName}, then deletes the account.`)
    const send = async () => {
      const response = await context.send(post('orders', order, key))
      if (response.status === 201) created.add(String((jsonIn(response.text) as { s3uid: string }).s3uid))
      return assertStatus(context, 'createOrder', response, 201)
    }
    await send()
    const again = await send()
    expect(again.headers['idempotency-replayed'] === 'true', 'the second reply lacks Idempotency-Replayed')
    expect(created.size === 1, 'one key created two orders')
    return '201, then replayed with its key'
  })
  for (const s3uid of created) {
    await check(context.report, `deleteAccount of the account with ${bucketName}`, async () => {
      const headers = { 'confirm-delete': s3uid }
      const path = `accounts/${encodeURIComponent(s3uid)}`
      assertStatus(context, 'deleteAccount', await context.send({ method: 'DELETE', path, headers }), 204)
      return '204'
    })
  }
  await checkRefused(
    context,
    'an order without a key',
    post('orders', { planId: 1, bucketName: 'conformance' }),
    400,
    'idempotency-key-required'
  )
}

const paidPlan = async ({ send }: CheckContext): Promise<number> => {
  const plans = itemsIn((await send({ path: 'plans' })).text)
  const paid = plans.find(({ price }) => Object.values(price ?? {}).some(amount => Number(amount) > 0))
  if (!paid) throw new NotChecked('there is no paid plan')
  return Number(paid['id'])
}

/** Checks that a reply is documented and has this status. */
const assertStatus = (
  { contract }: CheckContext,
  operationId: string,
  response: HttpResponse,
  status: number
): HttpResponse => {
  assertAllowed(response)
  const documented = contract.operation(operationId)
  if (!documented) throw new Mismatch(`the document has no ${operationId}`)
  contract.assertDocumented(documented, response)
  expect(response.status === status, `${response.status} instead of ${status}`)
  return response
}
