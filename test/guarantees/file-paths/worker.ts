import { parentPort, workerData } from 'node:worker_threads'
import { fileDeletions } from '../../support/harness/file-deletions.ts'
import { deletePaths } from './deletions.ts'

const ends: (() => Promise<void>)[] = []
const stage = await fileDeletions({ after: end => ends.unshift(end) }, { LOG_LEVEL: 'warn' })
const { accounts } = stage.sandbox.control.state()
const tally = await deletePaths(stage, workerData)
const accountsGone = accounts.length - stage.sandbox.control.state().accounts.length
for (const end of ends) await end()
parentPort?.postMessage({ ...tally, accountsGone })
