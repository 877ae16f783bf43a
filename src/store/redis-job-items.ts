import type { ItemVerdict, JobItem, JobProblem, JobResult, JobStore } from './jobs.ts'
import type { RedisCommand, RedisScript } from './redis-command.ts'
import { ADD_ITEMS, ADD_VERDICTS, keysOf, TAKE } from './redis-job-scripts.ts'

/** Items of one command: no other command waits long for it. */
const BATCH = 500

type JobItems = Pick<
  JobStore,
  'addItems' | 'takeItems' | 'returnItems' | 'settle' | 'settleRest' | 'verdictsOf' | 'results'
>

/** The items of each job, and their results. */
export const createRedisJobItems = (command: RedisCommand, script: RedisScript): JobItems => {
  const settle = async (jobId: string, verdicts: readonly ItemVerdict[]): Promise<void> => {
    const { open, sent, done, verdicts: byVerdict, counts } = keysOf(jobId)
    for (let from = 0; from < verdicts.length; from += BATCH) {
      const args = verdicts
        .slice(from, from + BATCH)
        .flatMap(({ seq, verdict, problem }) => [
          seq,
          verdict,
          problem ? JSON.stringify({ verdict, problem }) : verdict
        ])
      await script(ADD_VERDICTS, [open, sent, done, byVerdict, counts], ...args)
    }
  }

  const addItems = async (jobId: string, keys: readonly string[]): Promise<number> => {
    const { numbers, items, open, counts } = keysOf(jobId)
    let added = 0
    for (let from = 0; from < keys.length; from += BATCH) {
      const args = keys.slice(from, from + BATCH)
      added += await script<number>(
        `${ADD_ITEMS} return add(KEYS[1], KEYS[2], KEYS[3], KEYS[4], 1)`,
        [numbers, items, open, counts],
        ...args
      )
    }
    return added
  }

  /** The results of these numbers that have a verdict. */
  const resultsOf = async (jobId: string, numbers: readonly number[]): Promise<JobResult[]> => {
    if (numbers.length === 0) return []
    const { items, done } = keysOf(jobId)
    const [names, kept] = await command(redis =>
      Promise.all([redis.hmget(items, ...numbers.map(String)), redis.hmget(done, ...numbers.map(String))])
    )
    return numbers.flatMap((seq, index): JobResult[] => {
      const [key, text] = [names[index], kept[index]]
      return key == null || text == null ? [] : [{ seq, key, ...toVerdict(text) }]
    })
  }

  return {
    addItems,
    async takeItems(jobId, after, limit) {
      const { open, items, sent } = keysOf(jobId)
      const taken = await script<[string, string, number][]>(TAKE, [open, items, sent], after, limit)
      return taken.map(([seq, key, isNew]): JobItem => ({ seq: Number(seq), key, wasSent: isNew === 0 }))
    },
    async returnItems(jobId, seqs) {
      if (seqs.length > 0) await command(redis => redis.srem(keysOf(jobId).sent, ...seqs.map(String)))
    },
    settle,
    async settleRest(jobId, verdict, problem) {
      for (;;) {
        const rest = await command(redis => redis.zrange(keysOf(jobId).open, '0', String(BATCH - 1)))
        if (rest.length === 0) return
        await settle(
          jobId,
          rest.map(seq => ({ seq: Number(seq), verdict, problem }))
        )
      }
    },
    async verdictsOf(jobId, keys) {
      const verdicts = new Map<string, string | undefined>()
      if (keys.length === 0) return verdicts
      const own = keysOf(jobId)
      const numbers = await command(redis => redis.hmget(own.numbers, ...keys))
      const known = keys.flatMap((key, index) => (numbers[index] == null ? [] : [{ key, seq: String(numbers[index]) }]))
      if (known.length === 0) return verdicts
      const kept = await command(redis => redis.hmget(own.done, ...known.map(({ seq }) => seq)))
      for (const [index, { key }] of known.entries()) {
        const text = kept[index]
        verdicts.set(key, text == null ? undefined : toVerdict(text).verdict)
      }
      return verdicts
    },
    async results(jobId, { after, limit, verdict }) {
      const own = keysOf(jobId)
      if (verdict !== undefined) {
        const members = await command(redis =>
          redis.zrangebylex(own.verdicts, `(${verdict}:${padded(after)}`, `[${verdict}:~`, 'LIMIT', 0, limit)
        )
        return resultsOf(
          jobId,
          members.map(member => Number(member.slice(verdict.length + 1)))
        )
      }
      const found = Number(await command(redis => redis.hget(own.counts, 'found')))
      const results: JobResult[] = []
      for (let from = after + 1; from <= found && results.length < limit; from += BATCH) {
        const numbers = Array.from({ length: Math.min(BATCH, found - from + 1) }, (_, index) => from + index)
        results.push(...(await resultsOf(jobId, numbers)))
      }
      return results.slice(0, limit)
    }
  }
}

const padded = (seq: number): string => String(seq).padStart(12, '0')

const toVerdict = (text: string): { verdict: string; problem?: JobProblem } =>
  text.startsWith('{') ? JSON.parse(text) : { verdict: text }
