import fastify from 'fastify'
import t from 'tap'
import { writeInTurns } from '../../../src/http/long-lists.ts'
import { VERSION } from '../../../src/http/versions.ts'

const COUNT = 3000

t.test('a long list is written in several turns of the event loop, and is the same text', async t => {
  let turn = 0
  let isOver = false
  const count = () => {
    turn += 1
    if (!isOver) setImmediate(count)
  }
  const turns = new Set<number>()
  /** An entry that takes 20 µs to write. */
  const entry = (id: number) => ({
    get id() {
      turns.add(turn)
      const until = performance.now() + 0.02
      while (performance.now() < until);
      return id
    }
  })
  const entries = Array.from({ length: COUNT }, (_, id) => entry(id))
  const app = fastify()
  app.decorateRequest(VERSION)
  const item = { type: 'object', properties: { id: { type: 'integer' } } }
  const list = { type: 'object', properties: { items: { type: 'array', items: item }, truncated: { type: 'boolean' } } }
  app.get('/', { schema: { response: { 200: list } }, preSerialization: writeInTurns }, async () => {
    count()
    return { items: entries, truncated: true, more: 'left out' }
  })
  const { payload } = await app.inject('/')
  isOver = true
  const expected = { items: Array.from({ length: COUNT }, (_, id) => ({ id })), truncated: true }
  t.equal(payload, JSON.stringify(expected))
  t.ok(turns.size >= 4, `${turns.size} turns`)
})
