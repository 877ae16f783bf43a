import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine } from '../src/core/command-line.ts'
import { BEARER, startGateway } from './gateway.ts'
import { install } from './install.ts'
import { load } from './load.ts'
import { describeProfile, nowUs } from './owners.ts'
import type { Running } from './process.ts'
import { startUpstream } from './upstream.ts'
import { workloadOf } from './workloads.ts'

const { values, positionals } = readCommandLine({
  usage: `npm run profile -- [WORKLOAD] [--warm 20] [--seconds 10]

Prints whose functions the gateway's time goes to, once it is warm. The default workload is W1.

  --warm SECONDS     of load before the profile
  --seconds SECONDS  of the profile
`,
  options: { warm: { type: 'string', default: '20' }, seconds: { type: 'string', default: '10' } },
  maxArguments: 1
})
const workload = workloadOf(positionals[0] ?? 'W1')
const folder = mkdtempSync(join(tmpdir(), 'hks-profile-'))
const started: Running[] = []
try {
  await install()
  const upstream = await startUpstream(folder)
  started.push(upstream)
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${folder}`]
  const gateway = await startGateway({ upstream: upstream.url, folder, nodeArgs })
  started.push(gateway)
  await upstream.delay(workload.upstreamMs)
  await load(gateway.url, workload, { heads: [BEARER], seconds: Number(values.warm), folder })
  const from = nowUs()
  const { requests, refused, broken } = await load(gateway.url, workload, {
    heads: [BEARER],
    seconds: Number(values.seconds),
    folder
  })
  const to = nowUs()
  // The profile is written when the process ends.
  await gateway.stop()
  process.stdout.write(
    `${workload.id}: ${requests} requests, ${refused + broken} of them refused or broken. Self time of the gateway:\n\n${describeProfile(folder, from, to)}`
  )
} finally {
  for (const running of started) await running.stop()
  rmSync(folder, { recursive: true })
}
