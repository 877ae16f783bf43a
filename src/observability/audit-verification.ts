import { type ChainHead, hashOf, NO_LINE, splitLine } from './audit-chain.ts'

/** A fault of an audit log, and where it is. */
export interface AuditFault {
  file: string
  /** From 1. */
  line: number
  detail: string
}

export interface Verification {
  lines: number
  faults: AuditFault[]
  /** The last line of each chain. */
  heads: ChainHead[]
}

interface Line {
  log?: unknown
  event?: unknown
  chain?: unknown
  seq?: unknown
  prev?: unknown
}

const parse = (text: string): Line | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Checks that no line of an audit log was changed, cut, moved or removed. A chain may begin in an earlier file: then its
 * first line here is `audit.opened`. Lines of another log in the same file are skipped.
 * @param files the text of each, the oldest first
 */
export const verifyAudit = (files: readonly { name: string; text: string }[]): Verification => {
  const heads = new Map<string, ChainHead>()
  const seen = new Set<string>([NO_LINE])
  const faults: AuditFault[] = []
  let count = 0

  const check = (line: Line, text: string): string | undefined => {
    const { chain, seq, prev, event } = line
    const parts = splitLine(text)
    if (!parts || typeof chain !== 'string' || typeof seq !== 'number') return 'the line is not part of a chain'
    const before = heads.get(chain)
    heads.set(chain, { chain, seq, hash: parts.hash })
    seen.add(parts.hash)
    if (hashOf(parts.text) !== parts.hash) return 'the line was changed'
    if (before && seq > before.seq + 1) return `lines ${before.seq + 1} to ${seq - 1} of chain ${chain} are missing`
    if (before && seq !== before.seq + 1) return `line ${seq} of chain ${chain} comes after line ${before.seq}`
    if (before && prev !== before.hash) return 'the line before it was changed'
    if (before) return undefined
    if (event !== 'audit.opened') return `the lines of chain ${chain} before it are missing`
    return seq === 0 && !seen.has(String(prev)) ? 'the lines before it are missing' : undefined
  }

  for (const { name, text } of files) {
    for (const [index, each] of text.split('\n').entries()) {
      const line = parse(each)
      const isCut = line === undefined && each.startsWith('{')
      if (!isCut && line?.log !== 'audit') continue
      count += 1
      const detail = line === undefined ? 'the line is cut' : check(line, each)
      if (detail !== undefined) faults.push({ file: name, line: index + 1, detail })
    }
  }
  return { lines: count, faults, heads: [...heads.values()] }
}
