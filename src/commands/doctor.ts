import { loadConfig } from '../config/config.ts'
import { baseUrl } from '../config/setting.ts'
import { CommandFault, readCommandLine, runCommand } from '../core/command-line.ts'
import { exitCodeOf, type Finding, finding } from './diagnosis/finding.ts'
import { connectionFaults } from './diagnosis/inside.ts'
import { examineKeepAlive } from './diagnosis/keep-alive.ts'
import { examineFromOutside } from './diagnosis/outside.ts'
import { examineSettings } from './diagnosis/settings.ts'

const { values } = readCommandLine({
  usage: `npm run doctor -- --url URL [--inside]

Checks a deployment and says what to mend. It changes nothing. Exit code: 0 all is well, 1 a warning, 2 a fault.

  --url URL  address of the gateway for callers, through its proxy: TLS, redirect, clock, PUBLIC_URL, whether paths and
             headers arrive unchanged, whether callers can forge their address, sizes of bodies and URLs, slow bodies. With a
             token or the credential of a service in DOCTOR_TOKEN it also asks HOSTKEY and, while a job works, whether
             streams arrive as they are sent
  --inside   with the settings of this environment: store, order ledger (append-only file, eviction), clock of the store,
             HOSTKEY, TRUST_PROXY, the times that the proxy and the orchestrator must keep, and, from the metrics of a
             gateway that runs, which side closes idle connections
`,
  options: { url: { type: 'string' }, inside: { type: 'boolean', default: false } }
})

const examineInside = async (url: URL | undefined): Promise<Finding[]> => {
  const config = loadConfig(process.env)
  const faults = await connectionFaults(config, process.env)
  return [
    ...faults.map(detail => finding('fault', 'inside', detail)),
    ...(faults.length === 0 ? [finding('ok', 'inside', 'The store, the order ledger and HOSTKEY are reachable.')] : []),
    ...examineSettings(config, url),
    ...(await examineKeepAlive(config))
  ]
}

await runCommand(async () => {
  if (values.url === undefined && !values.inside) throw new CommandFault('Give --url, --inside or both.')
  const url = values.url === undefined ? undefined : baseUrl(values.url)
  const found = [
    ...(url ? await examineFromOutside({ url, token: process.env['DOCTOR_TOKEN'] }) : []),
    ...(values.inside ? await examineInside(url) : [])
  ]
  for (const { severity, subject, detail } of found) console.log(`${severity.padEnd(7)}  ${subject}: ${detail}`)
  process.exitCode = exitCodeOf(found)
})
