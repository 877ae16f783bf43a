import { Mismatch, type Run } from '../report.ts'
import { RequestFailed } from '../sender.ts'
import { type CheckContext, createSend } from './context.ts'
import { contractOf } from './document.ts'
import { checkFileLists } from './file-lists.ts'
import { checkReads } from './reads.ts'
import { checkRefusals } from './refusals.ts'
import { checkWrites } from './writes.ts'

/** Compares a gateway with the OpenAPI document that it serves. */
export const checkGateway = async ({ options, report, sender }: Run) => {
  const { profile, maxRequests, ratePerSecond } = options
  const writes = profile === 'full' ? 'Reads, writes and orders' : 'Reads only, with GET'
  report.print(`${writes}. At most ${maxRequests} requests, at most ${ratePerSecond} per second.\n`)
  const context = await contextOf({ options, report, sender })
  if (!context) return {}
  try {
    await checkReads(context)
    await checkRefusals(context)
    await checkFileLists(context)
    if (profile === 'full') await checkWrites(context)
  } catch (error) {
    if (!(error instanceof RequestFailed || error instanceof Mismatch)) throw error
    report.fail('gateway', `the run ends early: ${error.message}`)
  }
  return {}
}

const contextOf = async ({ options, report, sender }: Run): Promise<CheckContext | undefined> => {
  const send = createSend(sender, options.token)
  try {
    const { status, text } = await send({ path: 'openapi.json', token: null })
    if (status !== 200) throw new Mismatch(`status ${status}`)
    const contract = contractOf(text)
    report.pass('openapi.json', `OpenAPI ${contract.document.openapi}, ${contract.operations().length} operations`)
    return { options, report, contract, send, discovered: { buckets: [] } }
  } catch (error) {
    if (!(error instanceof RequestFailed || error instanceof Mismatch)) throw error
    report.fail('openapi.json', error.message)
    return undefined
  }
}
