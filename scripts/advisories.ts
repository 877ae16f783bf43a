import { spawnSync } from 'node:child_process'
import { readCommandLine, runCommand } from '../src/core/command-line.ts'

readCommandLine({
  usage: `npm run advisories

Asks the registry for advisories about the production packages. Fails when there is one; a registry that does not answer is no
success: it says SKIPPED.
`
})

interface Audit {
  vulnerabilities?: Record<string, { severity: string; range: string }>
}

await runCommand(() => {
  // The command line is fixed: on Windows npm is a script, which needs a shell.
  const { stdout } = spawnSync('npm audit --omit=dev --json', { encoding: 'utf8', shell: true, timeout: 60_000 })
  let audit: Audit = {}
  try {
    audit = JSON.parse(stdout)
  } catch {
    // The registry has answered something else.
  }
  if (!audit.vulnerabilities) {
    console.log('SKIPPED: the registry does not answer npm audit. Nothing is known about advisories.')
    return
  }
  const found = Object.entries(audit.vulnerabilities)
  for (const [name, { severity, range }] of found) console.log(`${name} ${range}: ${severity}`)
  console.log(`${found.length} production packages with an advisory`)
  if (found.length > 0) process.exitCode = 1
})
