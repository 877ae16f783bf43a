import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { needProgram } from '../../../support/harness/debian.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import type { Lifetime } from '../../../support/harness/lifetime.ts'
import { START_MS } from '../../../support/harness/processes.ts'
import { stablePort } from '../../../support/harness/stable-port.ts'
import { untilListening } from '../../../support/harness/until-listening.ts'

/** Caddy renews after two thirds of this, while the other tests run. */
const CERTIFICATE_LIFE = '30s'

/** An authority of Caddy's own signs, instead of a public one; certificates are renewed by Caddy in both cases. */
const OPTIONS = `{
	admin off
	auto_https disable_redirects
	skip_install_trust
	renew_interval 1s
}

`
const TLS = `tls {
		issuer internal {
			lifetime ${CERTIFICATE_LIFE}
		}
	}
	`

/**
 * Caddy with `deploy/compose/Caddyfile`, on other addresses.
 * @param gateways ports on this machine
 */
export const caddyFront = async (t: Lifetime, folder: string, gateways: readonly number[]) => {
  const program = await needProgram(['caddy'], 'caddy')
  const port = await stablePort()
  const own = gateways.reduce(
    (text, gateway, index) => text.replaceAll(`gateway-${index + 1}:8080`, `127.0.0.1:${gateway}`),
    readFileSync('deploy/compose/Caddyfile', 'utf8')
  )
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, OPTIONS + own.replace('{$SITE} {\n\t', `{$SITE} {\n\t${TLS}`))

  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const site = `localhost:${port}`
  const child = spawn(program, ['run', '--config', file], {
    env: { ...env, SITE: site },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let log = ''
  child.stderr.on('data', chunk => (log += chunk))
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await untilListening(port, child).catch(error => Promise.reject(new Error(log, { cause: error })))
  const caFile = join(folder, 'caddy/pki/authorities/local/root.crt')
  const readCa = () => {
    try {
      return readFileSync(caFile, 'utf8')
    } catch {
      return ''
    }
  }
  await eventually(() => readCa() !== '', START_MS)
  const ca = readCa()

  return {
    url: `https://${site}`,
    ca,
    caFile,
    /** How many of its checks found this gateway not ready. */
    refusals: (index: number) =>
      log.split('\n').filter(line => line.includes('out of tolerances') && line.includes(`:${gateways[index]}"`))
        .length,
    /** What a new connection is shown. */
    async certificate(): Promise<string> {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    }
  }
}
