import t from 'tap'
import { Value } from 'typebox/value'
import type { Action, Params } from '../../../../src/upstream/actions/action.ts'
import { type ActionName, actions } from '../../../../src/upstream/actions/index.ts'
import * as sessions from '../../../../src/upstream/actions/sessions.ts'
import type { Drift } from '../../../../src/upstream/protocol/verdict.ts'
import { clientOf, fakeUpstream } from '../../../support/fakes/upstream.ts'
import { actionNames, sendSample } from '../../../support/harness/action-requests.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { gateway } from '../../../support/harness/gateway.ts'

/** What PHP may print for a member that is absent, and other kinds. */
const VALUES = ['', false, [], null, {}, 0, 'x']

interface Shape {
  type?: string
  properties?: Record<string, Shape>
  required?: string[]
  items?: Shape
}

type Tree = Record<string, unknown>

/** An optional member: where its parents are in a payload, and what it must be. */
interface Optional {
  member: string
  key: string
  schema: Shape
  parents: (payload: Tree) => Tree[]
}

const optionalsOf = (shape: Shape, place = '', parents: Optional['parents'] = payload => [payload]): Optional[] =>
  Object.entries(shape.properties ?? {}).flatMap(([key, schema]) => {
    const member = place === '' ? key : `${place}.${key}`
    const children = (payload: Tree) => parents(payload).flatMap(parent => (parent[key] ? [parent[key] as Tree] : []))
    const rows = (payload: Tree) => children(payload).flat() as Tree[]
    return [
      ...(shape.required?.includes(key) ? [] : [{ member, key, schema, parents }]),
      ...(schema.type === 'object' ? optionalsOf(schema, member, children) : []),
      ...(schema.items?.type === 'object' ? optionalsOf(schema.items, `${member}[]`, rows) : [])
    ]
  })

const all: Action[] = [...Object.values<Action>(actions), ...Object.values<Action>(sessions)]

/** Every optional member of every action that has a kind, and is no refusal. */
const cells = all.flatMap(action => optionalsOf(action.result as Shape).map(optional => ({ action, ...optional })))
const typed = cells.filter(
  ({ schema, key }) => Object.keys(schema).some(name => !name.startsWith('~')) && key !== '2fa'
)

const paramsOf = ({ params }: Action) => Value.Create(params) as Params<Action>

t.test('an optional member of another kind is left out, and nothing else is: every member of every action', async t => {
  let payload: Tree = {}
  const { url } = await fakeUpstream(t, () => payload)
  const drifts: Drift[] = []
  const upstream = clientOf(t, url, drift => drifts.push(drift))
  t.ok(typed.length > 40)
  for (const { action, member, key, schema, parents } of typed) {
    for (const value of VALUES) {
      payload = structuredClone(action.example) as Tree
      for (const parent of parents(payload)) parent[key] = value
      drifts.length = 0
      const name = `${action.name} ${member} ${JSON.stringify(value)}`
      const result = (await upstream
        .call(action, paramsOf(action), contextOf({ id: name }))
        .catch(error => error)) as Tree
      const expected = structuredClone(action.example) as Tree
      const found = parents(result)
      for (const [index, parent] of parents(expected).entries()) {
        const read = found[index]?.[key]
        t.ok(read === undefined || Value.Check(schema as never, read), `${name}: of its kind, or absent`)
        if (read === undefined) delete parent[key]
        else parent[key] = read
      }
      const { result: _, ...own } = result
      t.strictSame(own, expected, name)
      const isLeftOut = found.some(parent => parent[key] === undefined)
      const wanted = isLeftOut && value !== null ? [{ action: action.name, member }] : []
      t.match(drifts, wanted, `${name}: counted`)
      t.equal(drifts.length, wanted.length, name)
    }
  }
})

t.test('a file without original_key is named by its key; without both the reply is refused', async t => {
  for (const [file, path] of [
    [{ key: 'a b', size: 1 }, 'a b'],
    [{ key: 'a b', original_key: '' }, 'a b'],
    [{ key: 'a b', original_key: false }, 'a b'],
    [{ key: 'shown', original_key: 'kept' }, 'kept'],
    [{ size: 1 }, undefined]
  ] as const) {
    const { upstream } = await fakeUpstream(t, () => ({ files: [file] }))
    const params = { s3uid: 'a', bucket_name: 'b', max_keys: 1 }
    const answer = await upstream.call(actions.get_files, params, contextOf()).catch(error => error)
    if (path === undefined) t.equal(answer.problem, 'upstream-bad-response')
    else t.equal(answer.files[0].original_key, path)
  }
})

t.test('200, as documented, when every optional member is of another kind: counted, and logged once', async t => {
  let value: unknown
  const { url } = await fakeUpstream(t, ({ action = '' }) => {
    if (action === 'info') return sessions.tokenInfo.example
    const payload = structuredClone(actions[action as ActionName].example) as Tree
    for (const { action: of, key, parents } of typed) {
      // A token that is the same on each page is a circle.
      const given = key === 'next_token' && value === 'x' ? '' : value
      if (of.name === action)
        for (const parent of parents(payload)) if (typeof parent === 'object') parent[key] = structuredClone(given)
    }
    return payload
  })
  const g = await gateway(t, { UPSTREAM_URL: url })
  const reads = actionNames.filter(name => /read/.test(actions[name].effect) && name !== 'history')
  for (value of VALUES) {
    for (const name of reads) {
      const reply = await sendSample(g, name)
      // A plan without a location cannot be found by one.
      t.equal(reply.statusCode, 200, `${name} ${JSON.stringify(value)}: ${reply.text}`)
    }
  }
  value = 'x'
  for (const name of reads) await sendSample(g, name)
  const logged = g.lines.map(line => JSON.parse(line)).filter(({ member }) => member === 's3_users[].quota')
  t.strictSame(logged.map(({ kind }) => kind).sort(), ['boolean', 'empty text', 'list', 'map', 'text'])
  const metrics = await (await fetch(`${g.managementUrl}/metrics`)).text()
  t.match(metrics, /^gateway_upstream_drift_total\{action="get_users",member="s3_users\[\]\.quota"\} 6$/m)
})
