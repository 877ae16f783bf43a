import { randomUUID } from 'node:crypto'
import { finding } from './finding.ts'
import { type Check, send } from './sending.ts'

/** 30 s: tokens and sessions have lives of minutes. */
const MAX_SKEW_MS = 30_000

export const clock: Check = async (_target, { headers: { date = '' } }) => {
  const skewMs = Date.parse(date) - Date.now()
  return [
    Math.abs(skewMs) > MAX_SKEW_MS
      ? finding(
          'warning',
          'clock',
          `The clock of the gateway differs from this one by ${Math.round(skewMs / 1000)} s: run a time service.`
        )
      : finding('ok', 'clock', 'The clocks agree.')
  ]
}

export const ready: Check = async ({ url }) => {
  const { status } = await send(url, '/readyz')
  return status === 200
    ? [finding('ok', 'ready', 'The replica is ready.')]
    : [finding('fault', 'ready', `/readyz answers ${status}: /readyz of the management port says why.`)]
}

/** The base of problem types is PUBLIC_URL. */
export const publicUrl: Check = async ({ url }) => {
  const { text } = await send(url, `/doctor-${randomUUID()}`)
  const base = URL.parse(String(JSON.parse(text).type))?.href.split('problems/', 1)[0]
  return [
    base === url.href
      ? finding('ok', 'PUBLIC_URL', `is ${base}`)
      : finding(
          'fault',
          'PUBLIC_URL',
          `is ${base}, and callers use ${url.href}: set it to that address. Logins of browsers fail.`
        )
  ]
}

export const metrics: Check = async ({ url }) => {
  const { status, text } = await send(url, '/metrics')
  return status === 200 && text.includes('gateway_')
    ? [finding('fault', 'metrics', '/metrics is public: do not forward the management port.')]
    : [finding('ok', 'metrics', 'The management port is not public.')]
}
