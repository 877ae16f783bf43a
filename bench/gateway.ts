import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { ENVIRONMENT, nodeFlags } from '../scripts/start.cjs'
import { freePort, type Running, SERVER_CORE, start } from './process.ts'

/** Any 32 hexadecimal digits: the upstream accepts all. */
export const TOKEN = '0123456789abcdef0123456789abcdef'
export const BEARER = `Authorization: Bearer ${TOKEN}`

const SERVICE_SECRET = 'bench-secret-of-more-than-twenty-characters'

/** More sessions than needed: each may have 8 requests at the same time. */
const SESSIONS = 50

/** The gateway as an operator starts it. All limits are on, and so high that none is reached. */
export const startGateway = async ({
  upstream,
  folder,
  nodeArgs = [],
  hasChannel = false
}: {
  upstream: string
  folder: string
  nodeArgs?: readonly string[]
  hasChannel?: boolean
}): Promise<Running> => {
  const servicesFile = `${folder}/services.json`
  const service = {
    id: 'bench',
    secrets: [`sha256:${createHash('sha256').update(SERVICE_SECRET).digest('hex')}`],
    scopes: ['buckets:read'],
    apiKey: { env: 'BENCH_API_KEY' }
  }
  writeFileSync(servicesFile, JSON.stringify({ services: [service] }))
  const port = await freePort()
  const managementPort = await freePort()
  return await start({
    name: 'gateway',
    // What `npm start` runs, or its sources with the same arguments of Node and more.
    command:
      nodeArgs.length === 0
        ? [process.execPath, 'scripts/start.cjs', 'src/server.ts']
        : [process.execPath, ...nodeFlags({}), ...nodeArgs, 'src/server.ts'],
    env: {
      ...ENVIRONMENT,
      NODE_ENV: 'development',
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
      UPSTREAM_URL: `${upstream}/`,
      // 1,000,000 a second, of which a class of requests may have a tenth or less.
      RATE_LIMIT_MAX: '1000000',
      RATE_LIMIT_WINDOW_MS: '1000',
      SERVICES_FILE: servicesFile,
      BENCH_API_KEY: 'bench-key',
      DATA_DIR: `${folder}/data`
    },
    core: SERVER_CORE,
    folder,
    port,
    hasChannel
  })
}

/** The headers of each authentication scheme; several where one credential would reach a limit. */
export const headsOf = async (gateway: Running): Promise<Record<'session' | 'service', string[]>> => {
  const tokens = Array.from({ length: SESSIONS }, (_, index) => `${TOKEN.slice(0, -4)}${String(1000 + index)}`)
  const session: string[] = []
  for (const token of tokens) {
    const reply = await fetch(`${gateway.url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf': '1' },
      body: JSON.stringify({ token })
    })
    const cookie = reply.headers.get('set-cookie')?.split(';')[0]
    if (cookie === undefined) throw new Error(`The gateway refuses a login: ${await reply.text()}`)
    session.push(`Cookie: ${cookie}\r\nX-CSRF: 1`)
  }
  return { session, service: [`Authorization: Bearer hks_bench_${SERVICE_SECRET}`] }
}
