import { once } from 'node:events'
import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { FaultKind } from '../../../src/sandbox/index.ts'
import { harness, objectOf, type SandboxHarness } from './support.ts'

const s3uid = 's3_user_1'

/** Status, headers and undecoded body of a reply. */
const rawReply = async ({ url, demo }: SandboxHarness, action: string) => {
  const sent = request(`${url}s3.php`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'identity' }
  })
  sent.end(`action=${action}&token=${demo.token}`)
  const [answer] = await once(sent, 'response')
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(await answer.toArray()) }
}

interface Variant {
  kind: FaultKind
  action: string
  fields?: Record<string, string | number>
  /** Path of the changed value in the reply. */
  at: readonly string[]
  plain: unknown
  changed: unknown
}

const free = { monthly_rub: 0, monthly_eur: 0, monthly_usd: 0 }
const extra = { x_new: 'field', x_more: { deep: [1] } }
const inEmpty = { s3uid, bucket_name: 'empty-bucket' }

const variants: Variant[] = [
  { kind: 'ints-as-strings', action: 'get_users', at: ['s3_users', '0', 'plan_id'], plain: 2, changed: '2' },
  { kind: 'money-as-strings', action: 'list_plans', at: ['plans', '1', 'monthly_eur'], plain: 4.9, changed: '4.90' },
  { kind: 'empty-map-as-list', action: 'info', at: ['result', 'deploy_keys'], plain: {}, changed: [] },
  {
    kind: 'list-as-numeric-object',
    action: 'list_plans',
    at: ['plans', '1', 'locations'],
    plain: ['NL'],
    changed: { 1: 'NL', 2: 'DE' }
  },
  { kind: 'single-instead-of-list', action: 'get_users', at: ['s3_users', 's3uid'], plain: undefined, changed: s3uid },
  {
    kind: 'locations-as-comma-string',
    action: 'list_plans',
    at: ['plans', '0', 'locations'],
    plain: ['NL', 'DE'],
    changed: 'NL,DE'
  },
  { kind: 'null-lists', action: 'get_files', fields: inEmpty, at: ['files'], plain: [], changed: null },
  {
    kind: 'extra-fields',
    action: 'list_plans',
    at: ['plans', '0', 'price'],
    plain: free,
    changed: { ...free, ...extra }
  },
  { kind: 'extra-fields', action: 'list_plans', at: ['x_more'], plain: undefined, changed: extra.x_more },
  { kind: 'code-as-string', action: 'history', fields: { id: 99 }, at: ['code'], plain: -1, changed: '-1' },
  { kind: 'code-as-string', action: 'login', at: ['result'], plain: -2, changed: '-2' },
  {
    kind: 'sql-dates',
    action: 'history',
    fields: { id: 1 },
    at: ['data', '0', 'date'],
    plain: '2023-10-27T10:00:00Z',
    changed: '2023-10-27 10:00:00'
  },
  {
    kind: 'zero-dates',
    action: 'get_buckets',
    fields: { s3uid },
    at: ['message', '0', 'creation_date'],
    plain: '2023-10-01T12:00:00Z',
    changed: '0000-00-00 00:00:00'
  }
]

for (const { kind, action, fields = {}, at, plain, changed } of variants) {
  t.test(`${kind} changes ${at.join('.')} of ${action}`, async t => {
    const { s3, auth, demo, control } = await harness(t)
    const call = action === 'info' || action === 'login' ? auth : s3
    const valueNow = async () => {
      const answer: unknown = await call(action, { token: demo.token, ...fields })
      return at.reduce((value, name) => objectOf(value)[name], answer)
    }
    t.strictSame(await valueNow(), plain)
    control.fault({ action, kind })
    t.strictSame(await valueNow(), changed)
  })
}

t.test('variants do not change result and action', async t => {
  const { s3, control } = await harness(t)
  for (const kind of ['ints-as-strings', 'extra-fields', 'single-instead-of-list', 'null-lists'] as const)
    control.fault({ kind })
  t.match(await s3('list_plans', { token: 'invalid' }), { result: -2 })
  t.match(await s3('list_plans'), { result: 'OK', action: 'list_plans' })
})

t.test('contentType, gzip, bom and refusalStatus change the encoding and status of replies', async t => {
  const b = await harness(t)
  const plain = await rawReply(b, 'list_plans')
  t.equal(plain.headers['content-encoding'], undefined)
  b.control.setBehaviours({ contentType: 'application/json', gzip: true, bom: true })
  const packed = await rawReply(b, 'list_plans')
  t.equal(packed.headers['content-type'], 'application/json')
  t.equal(packed.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(packed.body).toString(), `\ufeff${plain.body}`)
  t.equal((await rawReply(b, 'nope')).status, 200)
  b.control.setBehaviours({ refusalStatus: 400 })
  t.equal((await rawReply(b, 'nope')).status, 400)
})
