import { createHook } from 'node:async_hooks'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import type { Probed, Question } from './questions.ts'

/** Loaded into the gateway's process before anything else: answers what its parent asks about it. */

/** The observer is called some turns after a collection. */
const OBSERVED_MS = 100

let collections = 0
new PerformanceObserver(list => {
  collections += list.getEntries().length
}).observe({ entryTypes: ['gc'] })

let resources = 0
const hook = createHook({
  init() {
    resources += 1
  }
})

const answers: Record<Question, () => Probed | Promise<Probed>> = {
  async heap() {
    await pause(OBSERVED_MS)
    return { heapBytes: getHeapStatistics().used_heap_size, collections, resources }
  },
  async collect() {
    await globalThis.gc?.({ execution: 'async', type: 'major' })
    return answers.heap()
  },
  hook() {
    hook.enable()
    return answers.heap()
  },
  unhook() {
    hook.disable()
    return answers.heap()
  }
}

process.on('message', async (question: Question) => {
  process.send?.(await answers[question]())
})
// The channel must not keep the gateway alive.
process.channel?.unref()
