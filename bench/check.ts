import { deepStrictEqual } from 'node:assert/strict'
import { BEARER } from './gateway.ts'
import type { Running } from './process.ts'
import type { Workload } from './workloads.ts'

/** Who answers, and in whose shapes. */
export interface Checked {
  running: Running
  isTranslating: boolean
}

/** Each server must answer a workload as the gateway does, or as the upstream where it passes through. @throws Error */
export const check = async (servers: readonly Checked[], gateway: Running, workload: Workload): Promise<void> => {
  const expected = await replyOf(gateway, workload)
  if (expected.status !== workload.status) {
    throw new Error(`The gateway answers ${workload.id} with ${expected.status}: ${JSON.stringify(expected.body)}`)
  }
  for (const { running, isTranslating } of servers) {
    const { status, body } = await replyOf(running, workload)
    const name = `${running.name} answers ${workload.id} wrongly`
    if (isTranslating) deepStrictEqual({ status, body }, expected, name)
    else deepStrictEqual({ status, result: resultOf(body) }, { status: 200, result: 'OK' }, name)
  }
}

const replyOf = async ({ url }: Running, { method, path }: Workload) => {
  const [name = '', value = ''] = BEARER.split(': ')
  const reply = await fetch(`${url}${path.replace('{n}', '7')}`, { method, headers: { [name]: value } })
  const text = await reply.text()
  return { status: reply.status, body: text === '' ? undefined : JSON.parse(text) }
}

const resultOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'result' in body ? body.result : undefined
