import { finding } from './finding.ts'
import { type Check, firstPartOf, send } from './sending.ts'

/** 3 s: the gateway sends the first bytes of a stream at once. */
const FIRST_PART_MS = 3000

const OPEN = ['queued', 'running', 'paused']

/** The events of an open job go on: what does not come before their end is held back. */
export const streams: Check = async ({ url, token }) => {
  if (token === undefined) return []
  const headers = { authorization: `Bearer ${token}` }
  const { status, text } = await send(url, '/jobs?limit=100', { headers })
  const jobs: { jobId: string; state: string }[] = status === 200 ? JSON.parse(text).items : []
  const open = jobs.find(({ state }) => OPEN.includes(state))
  const first = open && (await firstPartOf(url, `/jobs/${open.jobId}/events`, { headers }, FIRST_PART_MS))
  if (!open || first?.includes('event: end')) {
    return [finding('unknown', 'streams', 'The credential sees no open job: run this again while a job works.')]
  }
  return [
    first === undefined
      ? finding(
          'fault',
          'streams',
          'The proxy holds the events of a job back: switch off its buffering of replies (nginx: proxy_buffering off).'
        )
      : finding('ok', 'streams', 'arrive while they are sent.')
  ]
}
