import { randomUUID } from 'node:crypto'
import { MAX_ACCOUNTS } from '../../../schemas/accounts.ts'
import { isRecord } from './record.ts'

/** 64 KiB take less than a millisecond. */
const PIECE = 64 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const isOpening = (code: number) => code === 0x7b || code === 0x5b
const isClosing = (code: number) => code === 0x7d || code === 0x5d
const ARRAY_START = 0x5b
const ARRAY_END = 0x5d

/**
 * Parses a large JSON object as `parse` does, but the long lists among its members piece by piece, and of each at most
 * `MAX_ACCOUNTS` entries: no list of the API is longer. Yields after each piece.
 * @throws what `parse` throws; SyntaxError
 */
export function* parseInPieces(text: string, parse: (text: string) => unknown): Generator<void, unknown> {
  /** Stands for the list with this number in what remains of the text. */
  const placeholder = randomUUID()
  const lists: unknown[][] = []
  const rest: string[] = []
  /** Where the text begins that is in no piece. */
  let restFrom = 0
  let depth = 0
  let isInText = false
  /** The list that is being read: where its next piece begins, and its entries if it is long. */
  let from = -1
  let entries: unknown[] | undefined

  const take = (at: number) => {
    if (entries === undefined) {
      rest.push(text.slice(restFrom, from - 1), `"${placeholder}${lists.length}"`)
      entries = []
      lists.push(entries)
    }
    if (entries.length < MAX_ACCOUNTS) {
      const piece = parse(`[${text.slice(from, at)}]`)
      if (!Array.isArray(piece) || piece.length === 0) throw new SyntaxError('a comma without a value')
      for (const entry of piece.slice(0, MAX_ACCOUNTS - entries.length)) entries.push(entry)
    }
    from = at + 1
  }

  for (let at = 0, yieldAt = 0; at < text.length; at += 1) {
    if (at >= yieldAt) {
      yieldAt = at + PIECE
      yield
    }
    const code = text.charCodeAt(at)
    if (isInText) {
      if (code === BACKSLASH) at += 1
      else if (code === QUOTE) isInText = false
    } else if (code === QUOTE) isInText = true
    else if (isOpening(code)) {
      depth += 1
      if (depth === 2 && code === ARRAY_START) from = at + 1
    } else if (isClosing(code)) {
      depth -= 1
      if (depth !== 1 || from < 0) continue
      if (entries !== undefined) {
        if (code !== ARRAY_END) throw new SyntaxError('a list without an end')
        take(at)
        restFrom = at + 1
        entries = undefined
      }
      from = -1
    } else if (code === COMMA && depth === 2 && from >= 0 && at - from >= PIECE) {
      take(at)
      yieldAt = at
    }
  }
  if (entries !== undefined) throw new SyntaxError('a list without an end')
  const value = parse(rest.join('') + text.slice(restFrom))
  if (isRecord(value)) {
    for (const [index, list] of lists.entries()) {
      const member = Object.keys(value).find(key => value[key] === placeholder + index)
      // A later member of the same name has replaced it.
      if (member !== undefined) value[member] = list
    }
  }
  return value
}
