import { Mismatch, type Run } from '../report.ts'
import { Unanswered } from '../sender.ts'
import { contractOf } from './document.ts'
import { checkLists } from './lists.ts'
import { checkReads } from './reads.ts'
import { checkRefusals } from './refusals.ts'
import { createSend, type Stage } from './stage.ts'
import { checkWrites } from './writes.ts'

/** Holds a gateway to the document that it serves itself. */
export const checkGateway = async ({ options, report, sender }: Run) => {
  const { profile, maxRequests, ratePerSecond } = options
  const writes = profile === 'full' ? 'Reads, writes and orders' : 'Reads only, by GET'
  report.say(`${writes}. At most ${maxRequests} requests, at most ${ratePerSecond} a second.\n`)
  const stage = await stageOf({ options, report, sender })
  if (!stage) return {}
  try {
    await checkReads(stage)
    await checkRefusals(stage)
    await checkLists(stage)
    if (profile === 'full') await checkWrites(stage)
  } catch (error) {
    if (!(error instanceof Unanswered || error instanceof Mismatch)) throw error
    report.fail('gateway', `the run ends early: ${error.message}`)
  }
  return {}
}

const stageOf = async ({ options, report, sender }: Run): Promise<Stage | undefined> => {
  const send = createSend(sender, options.token)
  try {
    const { status, text } = await send({ path: 'openapi.json', token: null })
    if (status !== 200) throw new Mismatch(`answers ${status}`)
    const contract = contractOf(text)
    report.pass('openapi.json', `OpenAPI ${contract.document.openapi}, ${contract.operations().length} operations`)
    return { options, report, contract, send, known: { buckets: [] } }
  } catch (error) {
    if (!(error instanceof Unanswered || error instanceof Mismatch)) throw error
    report.fail('openapi.json', error.message)
    return undefined
  }
}
