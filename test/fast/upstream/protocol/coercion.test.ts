import t from 'tap'
import { type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { FaultKind } from '../../../../src/sandbox/index.ts'
import { actions } from '../../../../src/upstream/actions/index.ts'
import { coerce } from '../../../../src/upstream/protocol/coercion.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const names = Type.Array(Type.String())
const sizes = Type.Array(Type.Object({ size: Type.Integer() }))
const map = Type.Object({ a: Type.Optional(Type.Integer()) })
const flags = Type.Object({ on: Type.Boolean() })
const either = Type.Union([Type.Object({ status: Type.Integer() }), Type.String()])
const end = Type.Object({ next: Type.Optional(Type.Union([Type.String(), Type.Literal(false), Type.Null()])) })

/** Values as PHP prints them, and as the schema wants them; see docs/explanation/vendor-behaviour.md. */
const read: [name: string, schema: TSchema, theirs: unknown, ours: unknown][] = [
  ['an integer as text', Type.Integer(), '12', 12],
  ['a negative integer as text', Type.Integer(), '-5', -5],
  ['a number as text', Type.Number(), '10.50', 10.5],
  ['a number with blanks around it', Type.Integer(), ' 7 ', 7],
  ['a boolean for a number', Type.Integer(), true, 1],
  ['text as a number', Type.String(), 98765, '98765'],
  ['a name that looks like a number stays text', Type.String(), '007', '007'],
  ['1 for a boolean', flags, { on: 1 }, { on: true }],
  ['0 for a boolean', flags, { on: 0 }, { on: false }],
  ['"0" for a boolean', flags, { on: '0' }, { on: false }],
  ['"true" for a boolean', flags, { on: 'true' }, { on: true }],
  ['[] for an empty map', map, [], {}],
  ['a map inside a map as []', Type.Object({ m: map }), { m: [] }, { m: {} }],
  ['a list as an object with numeric keys', sizes, { 1: { size: 1 }, 2: { size: 2 } }, [{ size: 1 }, { size: 2 }]],
  ['numeric keys in numeric order', names, { 10: 'c', 2: 'b', 1: 'a' }, ['a', 'b', 'c']],
  ['a list with gaps', names, { 0: 'a', 7: 'b' }, ['a', 'b']],
  ['{} for an empty list', names, {}, []],
  ['null for an empty list', names, null, []],
  ['a single element for a list', sizes, { size: '3' }, [{ size: 3 }]],
  ['a comma string for a list of text', names, 'NL, DE,,FI', ['NL', 'DE', 'FI']],
  ['an empty text for a list of text', names, '', []],
  ['null for what is optional', map, { a: null }, {}],
  ['null where null is allowed', end, { next: null }, { next: null }],
  ['false where false is allowed', end, { next: false }, { next: false }],
  ['one of several shapes', either, { status: '409' }, { status: 409 }],
  ['another of several shapes', either, 'done', 'done'],
  ['members that are not declared are dropped', map, { a: '1', b: 2, __proto__: 3 }, { a: 1 }],
  ['a list of lists', Type.Array(names), { 1: 'a,b' }, [['a', 'b']]]
]

t.test('tolerated reads what PHP prints', async t => {
  for (const [name, schema, theirs, ours] of read) {
    const value = coerce(schema, theirs)
    t.strictSame(value, ours, name)
    t.ok(Value.Check(schema, value), name)
  }
})

/** What cannot be meant is left for the check to refuse. */
const refused: [name: string, schema: TSchema, theirs: unknown][] = [
  ['a text for a list of maps', sizes, 'none'],
  ['a number for a list', names, 5],
  ['a word for an integer', Type.Integer(), 'twelve'],
  ['a hexadecimal number', Type.Integer(), '0x10'],
  ['a number with an exponent', Type.Integer(), '1e3'],
  ['a fraction for an integer', Type.Integer(), '1.5'],
  ['an empty text for a number', Type.Number(), ''],
  ['a full list for a map', map, [1]],
  ['null for what is required', sizes, [{ size: null }]],
  ['2 for a boolean', flags, { on: 2 }],
  ['an object for a text', Type.String(), {}]
]

t.test('tolerated leaves alone what cannot be meant', async t => {
  for (const [name, schema, theirs] of refused) t.notOk(Value.Check(schema, coerce(schema, theirs)), name)
})

t.test('coerce does not change the example of any action', async t => {
  for (const { name, result, example } of Object.values(actions)) t.strictSame(coerce(result, example), example, name)
})

const kinds: FaultKind[] = [
  'ints-as-strings',
  'money-as-strings',
  'empty-map-as-list',
  'list-as-numeric-object',
  'single-instead-of-list',
  'locations-as-comma-string',
  'null-lists',
  'extra-fields',
  'sql-dates'
]

t.test('a caller cannot tell how PHP prints it', async t => {
  const { get, post, sandbox } = await gateway(t)
  const { control } = sandbox
  const reads = [
    '/accounts',
    '/accounts/s3_user_1',
    '/accounts/s3_user_1/buckets?expand=usage',
    '/accounts/s3_user_1/usage',
    '/accounts/s3_user_1/buckets/logs/files?limit=3',
    '/accounts/s3_user_1/buckets/empty-bucket/files',
    '/plans',
    '/plans/2',
    '/plans/1/history',
    '/plans/4/history'
  ]
  const answers = async () => {
    const replies = []
    for (const address of reads) replies.push(await get(address))
    return replies.map(({ statusCode, text }) => ({ statusCode, body: JSON.parse(text) }))
  }
  const plain = await answers()
  t.ok(plain.every(({ statusCode }) => statusCode === 200))
  t.afterEach(() => control.reset())

  for (const kind of kinds) {
    t.test(`200, and the same, with ${kind}`, async t => {
      control.fault({ kind })
      t.strictSame(await answers(), plain)
    })
  }

  // Together these two make a list that no reader could tell from a map.
  for (const without of ['extra-fields', 'list-as-numeric-object']) {
    t.test(`200, and the same, with all of them at once but ${without}`, async t => {
      for (const kind of kinds) if (kind !== without) control.fault({ kind })
      t.strictSame(await answers(), plain)
    })
  }

  for (const behaviours of [
    { gzip: true },
    { bom: true },
    { contentType: 'application/json' },
    { contentType: 'text/plain; charset=windows-1251' }
  ]) {
    t.test(`200, and the same, with ${JSON.stringify(behaviours)}`, async t => {
      control.setBehaviours(behaviours)
      t.strictSame(await answers(), plain)
    })
  }

  t.test('200 without a moment where HOSTKEY prints 0000-00-00', async t => {
    control.fault({ kind: 'zero-dates' })
    for (const { statusCode, body } of await answers()) {
      t.equal(statusCode, 200)
      t.notMatch(JSON.stringify(body), /0000-00-00|createdAt|modifiedAt|changedAt/)
    }
  })

  t.test('201 when create_bucket prints its numbers as text and its map as a list', async t => {
    control.setBehaviours({ createBucketHeaders: 'list' })
    control.fault({ kind: 'ints-as-strings' })
    t.equal((await post('/accounts/s3_user_1/buckets', { name: 'photos' })).statusCode, 201)
  })

  t.test('the same problems when the code is text, or the status is honest', async t => {
    control.fault({ kind: 'code-as-string' })
    t.equal((await get('/accounts/s3_user_2/buckets')).statusCode, 404)
    t.equal((await get('/accounts', { token: 'x' })).statusCode, 401)
    control.clearFaults()
    control.setBehaviours({ refusalStatus: 400 })
    t.equal((await get('/accounts/s3_user_2/buckets')).statusCode, 404)
    const taken = await post('/accounts/s3_user_1/buckets', { name: 'logs' })
    t.equal(taken.statusCode, 409, taken.text)
    t.equal(taken.json().outcome, 'not-applied')
  })
})
