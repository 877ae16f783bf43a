import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What V8 writes with --cpu-prof; times in µs of the monotonic clock. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
  startTime: number
}

type CallFrame = Profile['nodes'][number]['callFrame']

/** An owner or a function, and its share of the time that was not idle. */
interface Share {
  name: string
  share: number
}

const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\//

/** Who owns a function: a package, a file of ours, a module of Node's, or the runtime itself. */
const ownerOf = ({ url, functionName }: CallFrame): string => {
  const name = url.split('node_modules/').length > 1 ? PACKAGE.exec(url)?.[1] : undefined
  if (name !== undefined) return name
  if (url.startsWith('file:')) return relative('.', fileURLToPath(url))
  if (url.startsWith('node:')) return url
  return functionName.startsWith('(') ? functionName : 'native code'
}

const functionOf = (frame: CallFrame): string => {
  const { functionName, lineNumber, url } = frame
  return url === '' ? functionName : `${functionName || '(anonymous)'}  ${ownerOf(frame)}:${lineNumber + 1}`
}

/** The self time between two instants, by owner and by function, the largest first. */
const sharesOf = (profile: Profile, from: number, to: number): { owners: Share[]; functions: Share[] } => {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const owners = new Map<string, number>()
  const functions = new Map<string, number>()
  const add = (times: Map<string, number>, name: string, us: number) => times.set(name, (times.get(name) ?? 0) + us)
  let at = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0
    at += us
    const frame = frames.get(id)
    if (at < from || at > to || frame === undefined || frame.functionName === '(idle)') continue
    add(owners, ownerOf(frame), us)
    add(functions, functionOf(frame), us)
  }
  return { owners: sorted(owners), functions: sorted(functions) }
}

const sorted = (times: Map<string, number>): Share[] => {
  const total = [...times.values()].reduce((sum, us) => sum + us, 0)
  return [...times].map(([name, us]) => ({ name, share: us / total })).sort((a, b) => b.share - a.share)
}

const OWNERS = 30
const FUNCTIONS = 40

/** The profiler's clock, in µs. */
export const nowUs = () => Number(process.hrtime.bigint() / 1000n)

/** The self time between two instants, of the process that has written its profile into this folder when it ended. */
export const describeProfile = (folder: string, from: number, to: number): string => {
  const [file] = readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('The gateway has written no profile.')
  const { owners, functions } = sharesOf(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile, from, to)
  return `${linesOf('by owner', owners.slice(0, OWNERS))}\n${linesOf('by function', functions.slice(0, FUNCTIONS))}`
}

const linesOf = (title: string, shares: readonly Share[]): string =>
  [title, ...shares.map(({ name, share }) => `${(share * 100).toFixed(1).padStart(6)} %  ${name}`), ''].join('\n')
