import { randomUUID } from 'node:crypto'
import { finding } from './finding.ts'
import { type Check, send } from './sending.ts'

export const credential: Check = async ({ url, token }) => {
  if (token === undefined)
    return [finding('unknown', 'credential', 'none given: set DOCTOR_TOKEN to check calls to HOSTKEY.')]
  const authorization = `Bearer ${token}`
  const { status, problem } = await send(url, '/accounts?limit=1', { headers: { authorization } })
  // Names no plan: nothing can be ordered.
  const order = await send(url, '/orders', {
    method: 'POST',
    headers: { authorization, 'idempotency-key': randomUUID() },
    body: '{}'
  })
  const hasKey = !order.text.includes('idempotency-key')
  return [
    status === 200
      ? finding('ok', 'credential', 'A list of accounts came from HOSTKEY.')
      : finding(
          'fault',
          'credential',
          `The list of accounts answers ${status} ${problem ?? ''}: see docs/reference/problems.md.`
        ),
    hasKey
      ? finding('ok', 'Idempotency-Key', 'arrives.')
      : finding('fault', 'Idempotency-Key', 'The proxy removes the header Idempotency-Key: no order is possible.')
  ]
}
