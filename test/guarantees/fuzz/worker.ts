import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './session.ts'
import { createStage } from './stage.ts'

const before = Object.getOwnPropertyNames(Object.prototype).join()
const stage = await createStage()
const tally = await fuzz(stage, workerData)
await stage.close()
const isPolluted = Object.getOwnPropertyNames(Object.prototype).join() !== before
parentPort?.postMessage({ ...tally, isPolluted })
