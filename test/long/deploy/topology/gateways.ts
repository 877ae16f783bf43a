import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { eventually } from '../../../support/harness/eventually.ts'
import type { Lifetime } from '../../../support/harness/lifetime.ts'
import { launch, type Program, START_MS } from '../../../support/harness/processes.ts'
import { stablePort } from '../../../support/harness/stable-port.ts'

const compose = parse(readFileSync('deploy/compose.yml', 'utf8'), { merge: true })

/** The flags of Redis in the compose file, without its password. */
export const redisFlags: string[] = String(compose.services.redis.command.at(-1))
  .replace(/^.*?valkey-server /s, '')
  .replace(/--requirepass.*$/s, '')
  .trim()
  .split(/\s+/)

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false
  )

/** The two gateways of the compose file, with its settings and the start command of the image. @param env what differs */
export const composeGateways = async (t: Lifetime, folder: string, env: Record<string, string>) => {
  const secret = (name: string, value: string) => {
    const file = join(folder, name)
    writeFileSync(file, value)
    return file
  }
  const settings = {
    ...compose.services['gateway-1'].environment,
    TRUST_PROXY: '127.0.0.1',
    MANAGEMENT_HOST: '127.0.0.1',
    SESSION_SECRET_FILE: secret('session-secret', randomBytes(32).toString('hex')),
    REDIS_PASSWORD_FILE: secret('redis-password', env['REDIS_PASSWORD'] ?? ''),
    AUDIT_LOG: '/dev/null',
    ...env
  }
  delete settings.REDIS_PASSWORD
  const ports = [await stablePort(), await stablePort()]
  let publicUrl = ''
  const start = async (port: number): Promise<Program> => {
    const own = { ...settings, PORT: String(port), PUBLIC_URL: publicUrl }
    const program = launch(t, 'src/server.ts', own)
    const isUp = async () => program.child.exitCode !== null || (await isReady(port))
    if (!(await eventually(isUp, START_MS)) || program.child.exitCode !== null) {
      throw new Error(`no start: ${program.printed.out.slice(-500)} ${program.printed.err.slice(-500)}`)
    }
    return program
  }
  const running: Program[] = []
  return {
    ports,
    /** Starts one after the other: the first makes the bundle. @param url at which callers reach them */
    async startAll(url: string) {
      publicUrl = url
      for (const port of ports) running.push(await start(port))
    },
    /** Drains one and starts it again. @returns how the old one has ended */
    async restart(index: number) {
      const [old, port] = [running[index], ports[index]]
      if (!old || port === undefined) throw new TypeError(`there is no gateway ${index}`)
      old.signal('SIGTERM')
      const ended = await old.ended
      running[index] = await start(port)
      return ended
    },
    areReady: async () => (await Promise.all(ports.map(isReady))).every(Boolean)
  }
}
