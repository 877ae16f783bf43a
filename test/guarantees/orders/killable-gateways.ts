import { type GatewayProcess, gatewayProcess } from '../../support/harness/processes.ts'

/** Gateways as processes of their own that are killed without warning and replaced. */
export interface KillableGateways {
  /** Addresses of those that serve. */
  urls(): string[]
  /** Sends SIGKILL to one that serves, unless it is the last one. */
  killOne(): void
  readonly kills: number
  close(): Promise<void>
}

/** Keeps a spare gateway ready for each that is killed: a start takes longer than most of them live. */
export const killableGateways = async (env: Record<string, string>, count = 2): Promise<KillableGateways> => {
  const ends: (() => Promise<void>)[] = []
  const serving: GatewayProcess[] = []
  const spare: GatewayProcess[] = []
  const starting = new Set<Promise<void>>()
  let kills = 0
  let isClosed = false

  const start = async () => {
    try {
      spare.push(await gatewayProcess({ after: end => ends.push(end) }, env))
    } catch (error) {
      if (!isClosed) throw error
    }
  }
  const fill = () => {
    while (serving.length < count && spare.length > 0) serving.push(...spare.splice(0, 1))
    while (!isClosed && serving.length + spare.length + starting.size < count + 1) {
      const started = start().finally(() => {
        starting.delete(started)
        fill()
      })
      starting.add(started)
    }
  }
  fill()
  while (serving.length < count) await Promise.race(starting)

  return {
    urls: () => serving.map(({ url }) => url),
    killOne() {
      // On a busy machine a start takes longer than the pause between two kills.
      if (serving.length < count) return
      const [victim] = serving.splice(Math.floor(Math.random() * serving.length), 1)
      if (victim) kills += Number(victim.child.kill('SIGKILL'))
      fill()
    },
    get kills() {
      return kills
    },
    async close() {
      isClosed = true
      await Promise.all(ends.map(end => end()))
      await Promise.all(starting)
    }
  }
}
