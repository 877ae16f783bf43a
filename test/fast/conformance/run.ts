import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import type { Sandbox } from '../../../src/sandbox/index.ts'
import { leaksIn } from '../../support/assert/leaks.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { serving } from '../../support/harness/serving.ts'

const MAIN = fileURLToPath(new URL('../../../conformance/main.ts', import.meta.url))

export interface Run {
  code: number | null
  output: string
  /** The lines of one verdict. */
  lines(verdict: 'pass' | 'fail' | 'drift' | 'skip'): string[]
}

/** Runs the suite as its user does. @throws when any secret of the sandbox is in what it prints */
export const conformance = async (
  args: readonly string[],
  { sandbox, env }: { sandbox?: Sandbox; env?: Record<string, string> } = {}
): Promise<Run> => {
  const token = sandbox && { HOSTKEY_TOKEN: sandbox.demo.token }
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...token, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const [code] = await once(child, 'close')
  const leaks = leaksIn([output], sandbox?.control.secrets() ?? [])
  if (leaks.length > 0) throw new Error(`the suite prints a secret: ${leaks.join(', ')}`)
  return {
    code,
    output,
    lines: verdict => output.split('\n').filter(line => line.startsWith(`${verdict} `))
  }
}

export interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** What was asked, as far as a change looks at it. */
export interface Asked {
  target: string
  headers: IncomingMessage['headers']
  form: URLSearchParams
}

/** Stands in front of a server and changes what it answers. @returns its address, with a slash at the end */
export const tampering = async (
  t: Lifetime,
  url: string,
  change: (reply: Reply, asked: Asked) => void
): Promise<string> => {
  const { origin } = new URL(url)
  const address = await serving(t, async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const headers = without(incoming.headers)
    const body = Buffer.concat(chunks)
    const target = incoming.url ?? '/'
    const answer = await request(`${origin}${target}`, {
      method: incoming.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body })
    })
    const reply: Reply = { status: answer.statusCode, headers: { ...answer.headers }, text: await answer.body.text() }
    change(reply, { target, headers: incoming.headers, form: new URLSearchParams(body.toString()) })
    outgoing.writeHead(reply.status, without(reply.headers))
    outgoing.end(reply.text)
  })
  return `${address}/`
}

/** Headers of one hop are not for the next. */
const without = (headers: Record<string, string | string[] | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(connection|content-length|keep-alive|transfer-encoding)$/.test(name))
  )
