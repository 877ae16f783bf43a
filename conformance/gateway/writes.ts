import { randomBytes, randomUUID } from 'node:crypto'
import { check, expect, Mismatch, Unchecked } from '../report.ts'
import { type Answer, createSender } from '../sender.ts'
import { jsonIn } from './document.ts'
import { itemsIn } from './reads.ts'
import { type Ask, assertAllowed, expectProblem, type Stage } from './stage.ts'

/** What stands at the end of paths that servers like to tidy up. No file has such a name: it is looked for, not found. */
const ODD = ['a b', 'a//b', './a', '../a', '/a', 'a%2Fb', 'a+b', 'a?b#c', 'ä', 'a/']

/** Makes, orders and deletes things of its own, and nothing else. */
export const checkWrites = async (stage: Stage) => {
  const { report, options, known } = stage
  if (options.sandbox && !(await isProven(stage, options.sandbox))) return
  if (known.s3uid === undefined) return report.skip('writes', 'the customer has no account')
  const account = `accounts/${encodeURIComponent(known.s3uid)}`
  await checkBodies(stage, account)
  await checkBucket(stage, account)
  await checkOrder(stage)
}

/** The sandbox keeps a log of calls: a name that nobody else asks for must appear in it when the gateway is asked. */
const isProven = async ({ send, report }: Stage, url: URL): Promise<boolean> => {
  const marker = `s3_user_${randomBytes(8).toString('hex')}`
  const sandbox = createSender({ url, ratePerSecond: 50, maxRequests: 1, timeoutMs: 5000 })
  await check(report, 'the sandbox behind the gateway', async () => {
    await send({ path: `accounts/${marker}` })
    const { text } = await sandbox.send({ method: 'GET', path: 'control/calls' })
    expect(text.includes(marker), 'the gateway does not speak to this sandbox: nothing is written')
    return 'proven'
  })
  return report.findings().at(-1)?.verdict === 'pass'
}

const json = { 'content-type': 'application/json' }
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Ask => ({
  method: 'POST',
  path,
  headers: { ...json, ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body)
})

/** A refusal that says the write was not applied. */
const refused = (stage: Stage, subject: string, ask: Ask, status: number, ...names: string[]) =>
  check(stage.report, subject, async () => {
    const answer = await stage.send(ask)
    const got = expectProblem(stage, answer, status, names)
    const { outcome } = JSON.parse(answer.text)
    expect(outcome === 'not-applied', 'it does not say that nothing was applied')
    return got
  })

const checkBodies = async (stage: Stage, account: string): Promise<void> => {
  const address = `${account}/buckets`
  const text = { ...post(address, 'name=x'), headers: { 'content-type': 'text/plain' } }
  await refused(stage, 'a body of another type', text, 415, 'unsupported-media-type')
  await refused(stage, 'a body that is no JSON', post(address, '{'), 400, 'invalid-request')
  await refused(stage, 'an unknown member', post(address, { name: 'conformance', x: 1 }), 400, 'invalid-request')
  await refused(stage, 'a member given twice', post(address, '{"name":"a1b","name":"a2b"}'), 400, 'invalid-request')
  await refused(stage, 'a name that no bucket has', post(address, { name: 'A_B' }), 400, 'invalid-request')
  const unconfirmed: Ask = { method: 'DELETE', path: account }
  await refused(stage, 'deleting an account unconfirmed', unconfirmed, 428, 'confirmation-required')
}

const checkBucket = async (stage: Stage, account: string): Promise<void> => {
  const name = `conformance-${randomBytes(5).toString('hex')}`
  let made: string | undefined
  await check(stage.report, 'createBucket', async () => {
    const answer = held(stage, 'createBucket', await stage.send(post(`${account}/buckets`, { name })), 201)
    made = String((jsonIn(answer.text) as { name: string }).name)
    expect(
      answer.headers['location']?.endsWith(`/buckets/${encodeURIComponent(made)}`) ?? false,
      '`Location` leads elsewhere'
    )
    const list = await stage.send({ path: `${account}/buckets` })
    expect(
      itemsIn(list.text).some(bucket => bucket['name'] === made),
      'the new bucket is not in the list'
    )
    return '201, `Location`, and in the list'
  })
  if (made === undefined) return
  const bucket = `${account}/buckets/${encodeURIComponent(made)}`
  await check(stage.report, 'deleteFile by odd paths', () => checkOddPaths(stage, bucket))
  await refused(
    stage,
    'a file path that is not UTF-8',
    { method: 'DELETE', path: `${bucket}/files?path=%ff` },
    400,
    'file-path-encoding'
  )
  await check(stage.report, 'deleteBucket', async () => {
    held(stage, 'deleteBucket', await stage.send({ method: 'DELETE', path: bucket }), 204)
    const again = await stage.send({ method: 'DELETE', path: bucket })
    // A deletion that was made a moment ago may be answered as what it is: done.
    if (again.status === 204) return '204, and 204 once more'
    return `204, then ${expectProblem(stage, again, 404, ['bucket-not-found'])}`
  })
}

/** In the query every path is taken as it is: each must be looked for, and none be found. */
const checkOddPaths = async (stage: Stage, bucket: string): Promise<string> => {
  for (const path of ODD) {
    const answer = await stage.send({ method: 'DELETE', path: `${bucket}/files?path=${encodeURIComponent(path)}` })
    expectProblem(stage, answer, 404, ['file-not-found'])
  }
  return `${ODD.length} odd paths looked for, 404 file-not-found`
}

/** Orders a paid account twice with one key, sees one account, and deletes whatever was made, also when that failed. */
const checkOrder = async (stage: Stage) => {
  const bucketName = `conformance-${randomBytes(5).toString('hex')}`
  const made = new Set<string>()
  await check(stage.report, 'createOrder', async () => {
    const order = { planId: await paidPlan(stage), bucketName }
    const key = { 'idempotency-key': randomUUID() }
    stage.report.say(`orders plan ${order.planId} with the bucket ${bucketName}, and deletes the account again`)
    const send = async () => {
      const answer = await stage.send(post('orders', order, key))
      if (answer.status === 201) made.add(String((jsonIn(answer.text) as { s3uid: string }).s3uid))
      return held(stage, 'createOrder', answer, 201)
    }
    await send()
    const again = await send()
    expect(again.headers['idempotency-replayed'] === 'true', 'the second reply does not say that it is a replay')
    expect(made.size === 1, 'two orders were made for one key')
    return '201, and replayed with its key'
  })
  for (const s3uid of made) {
    await check(stage.report, `deleteAccount of the account with ${bucketName}`, async () => {
      const headers = { 'confirm-delete': s3uid }
      const path = `accounts/${encodeURIComponent(s3uid)}`
      held(stage, 'deleteAccount', await stage.send({ method: 'DELETE', path, headers }), 204)
      return '204'
    })
  }
  await refused(
    stage,
    'an order without a key',
    post('orders', { planId: 1, bucketName: 'conformance' }),
    400,
    'idempotency-key-required'
  )
}

const paidPlan = async ({ send }: Stage): Promise<number> => {
  const plans = itemsIn((await send({ path: 'plans' })).text)
  const paid = plans.find(({ price }) => Object.values(price ?? {}).some(amount => Number(amount) > 0))
  if (!paid) throw new Unchecked('no plan is paid')
  return Number(paid['id'])
}

const held = ({ contract }: Stage, operationId: string, answer: Answer, status: number): Answer => {
  assertAllowed(answer)
  const described = contract.operation(operationId)
  if (!described) throw new Mismatch(`the document has no ${operationId}`)
  contract.hold(described, answer)
  expect(answer.status === status, `answers ${answer.status} instead of ${status}`)
  return answer
}
