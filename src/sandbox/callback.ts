import { type Reply, said } from './reply.ts'
import type { Asked } from './s3.ts'
import { hexOf } from './secrets.ts'
import type { World } from './world.ts'

/** So many tasks are kept; the oldest goes first. */
const MAX_TASKS = 10_000

/** Keeps an answer for eq_callback.php and gives the key to it. */
export const park = (world: World, answer: object): string => {
  const key = hexOf(`task-${world.nextSerial++}`, 32)
  const { rmq, callbackSeconds } = world.switches
  const readyAt = rmq === 'stall' ? Number.POSITIVE_INFINITY : world.now() + callbackSeconds * 1000
  world.tasks.set(key, { key, readyAt, context: { ...answer } })
  const oldest = world.tasks.keys().next()
  if (world.tasks.size > MAX_TASKS && !oldest.done) world.tasks.delete(oldest.value)
  return key
}

/** eq_callback.php: a ready answer is given once, and its key is gone. It asks for no token. */
export const answerCallback = (world: World, { fields }: Asked): Reply => {
  const key = fields.get('key') ?? ''
  const task = world.tasks.get(key)
  if (fields.get('action') !== 'check' || !task) return said({ code: -1, message: 'AsyncKey not found', key })
  if (world.now() < task.readyAt) return said({ result: 'Not ready', key })
  world.tasks.delete(key)
  return said({ result: 'OK', action: 'check', scope: 's3/get_buckets_rmq', context: task.context, debug: '', key })
}
