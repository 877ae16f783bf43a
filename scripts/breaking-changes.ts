import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { CommandFault, readCommandLine, runCommand } from '../src/core/command-line.ts'
import { breakingChanges } from './breaking/changes.ts'

const { values } = readCommandLine({
  usage: `node scripts/breaking-changes.ts [--since REF]

Compares openapi.yaml with that of the last release, and fails when a change breaks callers and CHANGELOG.md does not say so:
a line under "Unreleased" that begins "- *callers*: **breaking**".

  --since REF  a tag or commit (default: the last tag v*)
`,
  options: { since: { type: 'string' } }
})

const git = (...args: string[]): string | undefined => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64e6 }).trim()
  } catch {
    return undefined
  }
}

await runCommand(() => {
  const since = values.since ?? git('describe', '--tags', '--abbrev=0', '--match', 'v*')
  if (since === undefined) return console.log('There is no release yet: nothing to compare with.')
  const before = git('show', `${since}:openapi.yaml`)
  if (before === undefined) throw new CommandFault(`${since} has no openapi.yaml.`)
  const changes = breakingChanges(parse(before), parse(readFileSync('openapi.yaml', 'utf8')))
  for (const change of changes) console.log(change)
  const [unreleased = ''] = readFileSync('CHANGELOG.md', 'utf8').split(/^## \[(?!Unreleased)/m)
  if (changes.length > 0 && !/^- \*callers\*: \*\*breaking\*\*/m.test(unreleased)) {
    throw new CommandFault(`${changes.length} changes since ${since} break callers, and CHANGELOG.md does not say so.`)
  }
  console.log(`${changes.length} breaking changes since ${since}.`)
})
