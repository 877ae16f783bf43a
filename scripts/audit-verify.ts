import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { verifyAudit } from '../src/observability/audit-verification.ts'

const USAGE = `npm run audit:verify -- [--head HASH] FILE...

Checks that no line of an audit log was changed, cut, moved or removed. Name the files of a rotated log together, the oldest
first. --head is the hash of a line that must be there: the last one, from the line "end of the audit log" of the request log.

Exit code: 0 without a fault, 1 with faults, 2 when a file cannot be read.`

/** The files to check, or why they cannot be. */
const readFiles = () => {
  try {
    const { values, positionals } = parseArgs({
      options: { head: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
      allowPositionals: true
    })
    if (values.help) return { help: true } as const
    if (positionals.length === 0) return { fault: 'Name a file.' } as const
    const files = positionals.map(name => ({ name, text: readFileSync(name, 'utf8').replace(/^\ufeff/, '') }))
    return { files, head: values.head } as const
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'unknown' } as const
  }
}

const read = readFiles()
if (read.help) {
  console.log(USAGE)
} else if (read.fault !== undefined) {
  console.error(`${read.fault}\n\n${USAGE}`)
  process.exitCode = 2
} else {
  const { lines, faults, heads } = verifyAudit(read.files)
  const isHeadMissing =
    read.head !== undefined && !read.files.some(({ text }) => text.includes(`"hash":"${read.head}"`))
  for (const { file, line, detail } of faults) console.error(`${file}:${line} ${detail}`)
  if (isHeadMissing) console.error(`the line with the hash ${read.head} is missing`)
  for (const { chain, seq, hash } of heads) console.log(`chain ${chain} ends with line ${seq}, hash ${hash}`)
  const count = faults.length + (isHeadMissing ? 1 : 0)
  console.log(`${lines} lines, ${heads.length} chains, ${count} faults`)
  if (count > 0 || lines === 0) process.exitCode = 1
}
