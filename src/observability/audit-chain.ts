import { hash, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** `prev` of the first line of a file. */
export const NO_LINE = '0'.repeat(43)

/** The member that ends a line, and is the hash of all before it. */
const HASH_MEMBER = ',"hash":"'

export const hashOf = (text: string): string => hash('sha256', text, 'base64url')

/** The text of a line that its hash covers, and the hash that the line holds; undefined when it has none. */
export const splitLine = (line: string): { text: string; hash: string } | undefined => {
  const at = line.lastIndexOf(HASH_MEMBER)
  return at === -1 ? undefined : { text: line.slice(0, at), hash: line.slice(at + HASH_MEMBER.length, -2) }
}

/** Longer than any line: names are at most 4 KiB, and escaped six-fold. */
const MAX_LINE_BYTES = 256 * 1024

/** The end of a file: its last complete line, and whether a line was cut. */
const readEnd = (file: string): { last: string | undefined; isCut: boolean } => {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return { last: undefined, isCut: false }
  }
  try {
    const { size } = fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, MAX_LINE_BYTES))
    readSync(fd, buffer, 0, buffer.length, size - buffer.length)
    const text = buffer.toString('latin1')
    return { last: text.split('\n').slice(0, -1).at(-1), isCut: text !== '' && !text.endsWith('\n') }
  } finally {
    closeSync(fd)
  }
}

/** The end of a chain: what a file must contain to be complete. */
export interface ChainHead {
  chain: string
  seq: number
  hash: string
}

/** Adds to each line its place in a chain, so that a cut, changed or missing line is found. */
export interface AuditChain {
  /** @param members the line without its closing brace */
  link(members: string): string
  /** The last line; undefined before the first. */
  head(): ChainHead | undefined
}

/** A chain of this process. @param file where it continues after the last line; undefined where nothing can be read */
export const createAuditChain = (file: string | undefined): AuditChain => {
  const chain = randomBytes(6).toString('hex')
  let head: ChainHead | undefined

  /** Read at the first line: another process may write to the file until then. */
  const begin = () => {
    const { last, isCut } = file === undefined ? { last: undefined, isCut: false } : readEnd(file)
    return { prev: (last === undefined ? undefined : splitLine(last)?.hash) ?? NO_LINE, prefix: isCut ? '\n' : '' }
  }

  return {
    link(members) {
      const { prev, prefix } = head ? { prev: head.hash, prefix: '' } : begin()
      const seq = head ? head.seq + 1 : 0
      const text = `${members},"chain":"${chain}","seq":${seq},"prev":"${prev}"`
      head = { chain, seq, hash: hashOf(text) }
      return `${prefix}${text}${HASH_MEMBER}${head.hash}"}\n`
    },
    head: () => head
  }
}
