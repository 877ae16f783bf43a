import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { runCommand } from '../../../src/core/command-line.ts'
import { version } from '../../../src/core/version.ts'
import { type OldStore, recordStore } from './store.ts'

/** The session that is recorded must not have expired when the next version reads it. */
const AHEAD_MS = Date.UTC(2090, 0) - Date.now()
const realNow = Date.now

/** `node test/long/store-upgrade/record.ts`, with each release: what this version leaves to the next one. */
await runCommand(async () => {
  const ends: (() => Promise<void>)[] = []
  Date.now = () => realNow() + AHEAD_MS
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
  const old: OldStore = { commit, ...(await recordStore({ after: end => ends.push(end) })) }
  writeFileSync(`test/regressions/stores/${version}.json`, `${JSON.stringify(old, undefined, 1)}\n`)
  for (const end of ends.reverse()) await end()
})
