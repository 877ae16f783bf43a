import { finding } from './finding.ts'
import { type Answer, type Check, messageOf, send } from './sending.ts'

/** Almost the largest body that the gateway takes, 2 MiB: files to delete. */
const LARGE_BODY = 2 * 1024 * 1024 - 1024
const LONG_URL = 7 * 1024

/** 3 s: a slow client. The gateway waits 15 s for a body. */
const BODY_PAUSE_MS = 3000

/** A refused body may break the connection. */
const refusalOf = async (sent: Promise<Answer>): Promise<string | undefined> => {
  try {
    const { problem, status } = await sent
    return problem === undefined ? String(status) : undefined
  } catch (error) {
    return messageOf(error)
  }
}

export const sizes: Check = async ({ url }) => {
  // Without a credential: it is refused, and nothing is deleted.
  const body = JSON.stringify({ paths: ['x'.repeat(LARGE_BODY)] })
  const large = await refusalOf(send(url, '/accounts/doctor/buckets/doctor/file-deletions', { method: 'POST', body }))
  const long = await refusalOf(send(url, `/accounts?doctor=${'x'.repeat(LONG_URL)}`))
  return [
    large === undefined
      ? finding('ok', 'bodies', 'of 2 MiB arrive.')
      : finding(
          'warning',
          'bodies',
          `The proxy refuses a body of 2 MiB (${large}), and with it deletions of many files: raise its limit (nginx: client_max_body_size).`
        ),
    long === undefined
      ? finding('ok', 'URLs', 'of 7 KiB arrive.')
      : finding(
          'warning',
          'URLs',
          `The proxy refuses a URL of 7 KiB (${long}): a file path has up to 3 KiB when encoded.`
        )
  ]
}

export const slowBody: Check = async ({ url, bodyPauseMs = BODY_PAUSE_MS }) => {
  const sent = { method: 'POST', headers: { 'x-csrf': '1' }, body: '{}', pauseMs: bodyPauseMs }
  const refusal = await refusalOf(send(url, '/session', sent))
  const seconds = bodyPauseMs / 1000
  return [
    refusal === undefined
      ? finding('ok', 'slow bodies', `arrive after a pause of ${seconds} s.`)
      : finding(
          'warning',
          'slow bodies',
          `The proxy does not wait for a body that pauses for ${seconds} s (${refusal}); the gateway waits 15 s: raise its time for bodies (nginx: client_body_timeout).`
        )
  ]
}
