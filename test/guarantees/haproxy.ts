import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needProgram } from '../support/harness/debian.ts'
import { eventually } from '../support/harness/eventually.ts'
import type { Lifetime } from '../support/harness/lifetime.ts'
import { START_MS } from '../support/harness/processes.ts'

/**
 * The proxy hides no failure. It asks `/readyz` every 200 ms: two failures remove a server, one success adds it. It
 * repeats no request, not even after a refused connection (default: three times), and sends none to another server.
 */
const configOf = (port: number, servers: readonly number[]) => `
global
  maxconn 500
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout check 1s
  retries 0
  retry-on none
  no option redispatch
listen gateway
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 200ms fall 2 rise 1
${servers.map((server, index) => `  server gateway${index} 127.0.0.1:${server}`).join('\n')}
`

/** A load balancer in front of the gateways on these local ports. @returns its address, once a gateway is ready */
export const haproxy = async (
  t: Lifetime,
  folder: string,
  port: number,
  servers: readonly number[]
): Promise<string> => {
  const program = await needProgram(['haproxy'], 'haproxy')
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, configOf(port, servers))
  const child = spawn(program, ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false
    )
  if (!(await eventually(isUp, START_MS))) throw new Error(`haproxy finds no gateway: ${errors}`)
  return url
}
