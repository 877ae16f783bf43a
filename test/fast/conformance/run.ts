import type { IncomingMessage } from 'node:http'
import { request } from 'undici'
import { runConformance } from '../../../conformance/run.ts'
import type { Sandbox } from '../../../src/sandbox/index.ts'
import { leaksIn } from '../../support/assert/leaks.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { serving } from '../../support/harness/serving.ts'

export interface Run {
  code: number
  output: string
  /** The lines of one verdict. */
  lines(verdict: 'pass' | 'fail' | 'drift' | 'skip'): string[]
}

/** Runs the suite. @throws Error its output contains a secret of the sandbox */
export const conformance = async (
  args: readonly string[],
  { sandbox, env }: { sandbox?: Sandbox; env?: Record<string, string> } = {}
): Promise<Run> => {
  const token = sandbox && { HOSTKEY_TOKEN: sandbox.demo.token }
  let output = ''
  const print = (text: string) => {
    output += text
  }
  const code = await runConformance(args, { ...token, ...env }, { out: print, err: print })
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

/** The request that a change may depend on. */
export interface ProxiedRequest {
  target: string
  headers: IncomingMessage['headers']
  form: URLSearchParams
}

/** Starts a proxy that changes the replies of a server. @returns its address, with a slash at the end */
export const startTamperingProxy = async (
  t: Lifetime,
  url: string,
  change: (reply: Reply, request: ProxiedRequest) => void
): Promise<string> => {
  const { origin } = new URL(url)
  const address = await serving(t, async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const headers = omitHopHeaders(incoming.headers)
    const body = Buffer.concat(chunks)
    const target = incoming.url ?? '/'
    const answer = await request(`${origin}${target}`, {
      method: incoming.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body })
    })
    const reply: Reply = { status: answer.statusCode, headers: { ...answer.headers }, text: await answer.body.text() }
    change(reply, { target, headers: incoming.headers, form: new URLSearchParams(body.toString()) })
    outgoing.writeHead(reply.status, omitHopHeaders(reply.headers))
    outgoing.end(reply.text)
  })
  return `${address}/`
}

/** Removes the headers that apply to one connection only. */
const omitHopHeaders = (headers: Record<string, string | string[] | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(connection|content-length|keep-alive|transfer-encoding)$/.test(name))
  )
