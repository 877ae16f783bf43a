import { once } from 'node:events'
import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { FaultKind } from '../../../src/sandbox/index.ts'
import { type Bench, bench, objectOf } from './support.ts'

const s3uid = 's3_user_1'

/** The bytes and headers of an answer, as they came: nothing is unpacked. */
const raw = async ({ url, demo }: Bench, action: string) => {
  const sent = request(`${url}s3.php`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'identity' }
  })
  sent.end(`action=${action}&token=${demo.token}`)
  const [answer] = await once(sent, 'response')
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(await answer.toArray()) }
}

interface Quirky {
  kind: FaultKind
  action: string
  fields?: Record<string, string | number>
  /** Where in the answer the quirk shows. */
  at: readonly string[]
  plain: unknown
  quirky: unknown
}

const free = { monthly_rub: 0, monthly_eur: 0, monthly_usd: 0 }
const extra = { x_new: 'field', x_more: { deep: [1] } }
const inEmpty = { s3uid, bucket_name: 'empty-bucket' }

const all: Quirky[] = [
  { kind: 'ints-as-strings', action: 'get_users', at: ['s3_users', '0', 'plan_id'], plain: 2, quirky: '2' },
  { kind: 'money-as-strings', action: 'list_plans', at: ['plans', '1', 'monthly_eur'], plain: 4.9, quirky: '4.90' },
  { kind: 'empty-map-as-list', action: 'info', at: ['result', 'deploy_keys'], plain: {}, quirky: [] },
  {
    kind: 'list-as-numeric-object',
    action: 'list_plans',
    at: ['plans', '1', 'locations'],
    plain: ['NL'],
    quirky: { 1: 'NL', 2: 'DE' }
  },
  { kind: 'single-instead-of-list', action: 'get_users', at: ['s3_users', 's3uid'], plain: undefined, quirky: s3uid },
  {
    kind: 'locations-as-comma-string',
    action: 'list_plans',
    at: ['plans', '0', 'locations'],
    plain: ['NL', 'DE'],
    quirky: 'NL,DE'
  },
  { kind: 'null-lists', action: 'get_files', fields: inEmpty, at: ['files'], plain: [], quirky: null },
  {
    kind: 'extra-fields',
    action: 'list_plans',
    at: ['plans', '0', 'price'],
    plain: free,
    quirky: { ...free, ...extra }
  },
  { kind: 'extra-fields', action: 'list_plans', at: ['x_more'], plain: undefined, quirky: extra.x_more },
  { kind: 'code-as-string', action: 'history', fields: { id: 99 }, at: ['code'], plain: -1, quirky: '-1' },
  { kind: 'code-as-string', action: 'login', at: ['result'], plain: -2, quirky: '-2' },
  {
    kind: 'sql-dates',
    action: 'history',
    fields: { id: 1 },
    at: ['data', '0', 'date'],
    plain: '2023-10-27T10:00:00Z',
    quirky: '2023-10-27 10:00:00'
  },
  {
    kind: 'zero-dates',
    action: 'get_buckets',
    fields: { s3uid },
    at: ['message', '0', 'creation_date'],
    plain: '2023-10-01T12:00:00Z',
    quirky: '0000-00-00 00:00:00'
  }
]

for (const { kind, action, fields = {}, at, plain, quirky } of all) {
  t.test(`${kind} shows in ${action} at ${at.join('.')}`, async t => {
    const { s3, auth, demo, control } = await bench(t)
    const ask = action === 'info' || action === 'login' ? auth : s3
    const shown = async () => {
      const answer: unknown = await ask(action, { token: demo.token, ...fields })
      return at.reduce((value, name) => objectOf(value)[name], answer)
    }
    t.strictSame(await shown(), plain)
    control.fault({ action, kind })
    t.strictSame(await shown(), quirky)
  })
}

t.test('quirks leave result and action as they are', async t => {
  const { s3, control } = await bench(t)
  for (const kind of ['ints-as-strings', 'extra-fields', 'single-instead-of-list', 'null-lists'] as const)
    control.fault({ kind })
  t.match(await s3('list_plans', { token: 'dead' }), { result: -2 })
  t.match(await s3('list_plans'), { result: 'OK', action: 'list_plans' })
})

t.test('contentType, gzip, bom and httpStyle change how answers travel', async t => {
  const b = await bench(t)
  const plain = await raw(b, 'list_plans')
  t.equal(plain.headers['content-encoding'], undefined)
  b.control.set({ contentType: 'application/json', gzip: true, bom: true })
  const packed = await raw(b, 'list_plans')
  t.equal(packed.headers['content-type'], 'application/json')
  t.equal(packed.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(packed.body).toString(), `\ufeff${plain.body}`)
  t.equal((await raw(b, 'nope')).status, 200)
  b.control.set({ httpStyle: 'honest' })
  t.equal((await raw(b, 'nope')).status, 400)
})
