import { jsonReply, type Reply } from './reply.ts'
import type { ScriptRequest } from './script-request.ts'
import { hexOf } from './secrets.ts'
import type { State } from './state.ts'

/** Number of tasks kept; the oldest is dropped first. */
const MAX_TASKS = 10_000

/** Stores a result for eq_callback.php. @returns the key of the task */
export const enqueueTask = (state: State, result: object): string => {
  const key = hexOf(`task-${state.nextSerial++}`, 32)
  const { rmq, callbackSeconds } = state.behaviours
  const readyAt = rmq === 'stall' ? Number.POSITIVE_INFINITY : state.now() + callbackSeconds * 1000
  state.tasks.set(key, { key, readyAt, context: { ...result } })
  const oldest = state.tasks.keys().next()
  if (state.tasks.size > MAX_TASKS && !oldest.done) state.tasks.delete(oldest.value)
  return key
}

/** eq_callback.php: returns a finished task once and forgets it. It requires no token. */
export const handleCallback = (state: State, { fields }: ScriptRequest): Reply => {
  const key = fields.get('key') ?? ''
  const task = state.tasks.get(key)
  if (fields.get('action') !== 'check' || !task) return jsonReply({ code: -1, message: 'AsyncKey not found', key })
  if (state.now() < task.readyAt) return jsonReply({ result: 'Not ready', key })
  state.tasks.delete(key)
  return jsonReply({
    result: 'OK',
    action: 'check',
    scope: 's3/get_buckets_rmq',
    context: task.context,
    debug: '',
    key
  })
}
