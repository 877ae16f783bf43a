import type { Lifetime } from '../harness/lifetime.ts'
import { serving } from '../harness/serving.ts'

/** A HOSTKEY that hears and never answers. */
export const silentUpstream = async (t: Lifetime) => {
  const waiting = new Map<string, number>()
  const count = (action: string, change: number) => waiting.set(action, (waiting.get(action) ?? 0) + change)
  const url = await serving(t, async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const action = new URLSearchParams(form).get('action') ?? ''
    count(action, 1)
    response.once('close', () => count(action, -1))
  })
  return {
    url,
    /** Calls of the action that still wait for an answer; undefined when there was none at all. */
    waiting: (action: string): number | undefined => waiting.get(action)
  }
}
