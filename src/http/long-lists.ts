import type { FastifyReply, FastifyRequest } from 'fastify'
import { doInTurns, isLong, piecesOf } from '../core/turns.ts'
import { createVersion, VERSION } from './versions.ts'

type List = { items: readonly unknown[] }

/** A hook of a route whose list may be long: writes it in pieces, as its schema would write it at once. */
export const writeInTurns = (
  request: FastifyRequest,
  reply: FastifyReply,
  list: unknown,
  done: (error: Error | null, payload?: unknown) => void
): void => {
  const write = isList(list) && isLong(list.items) && reply.getSerializationFunction('200')
  if (!write) done(null, list)
  else {
    doInTurns(textOf(list, write)).then(({ text, version }) => {
      request.setDecorator(VERSION, version)
      reply.serializer(() => text)
      done(null, list)
    }, done)
  }
}

const isList = (payload: unknown): payload is List =>
  typeof payload === 'object' && payload !== null && 'items' in payload && Array.isArray(payload.items)

/** The text of a list, and its version. */
function* textOf(list: List, write: (list: List) => string): Generator<void, { text: string; version: string }> {
  // What stands before and after the items.
  const empty = write({ ...list, items: [] })
  const at = empty.indexOf('[]') + 1
  const version = createVersion()
  const pieces: string[] = []
  const add = (piece: string) => {
    version.add(piece)
    pieces.push(piece)
  }
  add(empty.slice(0, at))
  for (const items of piecesOf(list.items)) {
    if (pieces.length > 1) add(',')
    add(write({ ...list, items }).slice(at, at - empty.length))
    yield
  }
  add(empty.slice(at))
  return { text: pieces.join(''), version: version.end() }
}
