import type { FastifyInstance } from 'fastify'
import { request } from 'undici'
import { Problem } from '../core/problem.ts'

/** Longer than the sandbox on this machine takes. */
const TIMEOUT_MS = 5000

/**
 * What the buttons of `/docs` do in front of the embedded sandbox, by its control over HTTP. Other sites cannot press
 * them: their pages cannot send `X-CSRF`.
 */
export const addSandboxActions = (pages: FastifyInstance, prefix: string, sandboxUrl: URL): void => {
  const control = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const url = new URL(`control/${path}`, sandboxUrl)
    const { statusCode, body } = await request(url, { method, signal: AbortSignal.timeout(TIMEOUT_MS) })
    const answer = await body.json()
    if (statusCode !== 200) throw new Error(`the sandbox answers ${statusCode}`)
    return answer
  }
  const actions = { demo: () => control('GET', 'demo'), reset: () => control('POST', 'reset') }
  for (const [name, act] of Object.entries(actions)) {
    pages.post(`${prefix}/sandbox/${name}`, { schema: { hide: true } }, async ({ headers }, reply) => {
      if (headers['x-csrf'] !== '1') throw new Problem('csrf-rejected', 'The header `X-CSRF: 1` is missing.')
      return reply.header('cache-control', 'no-store').send(await act())
    })
  }
}
