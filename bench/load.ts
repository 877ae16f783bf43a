import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LOAD_CORE } from './process.ts'
import { CONNECTIONS, type Workload } from './workloads.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('load.lua', import.meta.url))

/** What wrk has counted. */
export interface Load {
  requests: number
  seconds: number
  p50Ms: number
  p99Ms: number
  /** Replies with a status of 400 or more. */
  refused: number
  /** Connections that failed or were cut, and requests without an answer. */
  broken: number
}

export interface Loading {
  /** Sets of headers, used in turn. */
  heads: readonly string[]
  seconds: number
  folder: string
  connections?: number
}

/** Sends a workload over 50 connections, each with one request after the other. */
export const load = async (
  url: string,
  { method, path, distinct }: Workload,
  { heads, seconds, folder, connections = CONNECTIONS }: Loading
): Promise<Load> => {
  const file = `${folder}/requests`
  const texts = heads.map(head => `${method} ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${head}\r\n\r\n`)
  writeFileSync(file, texts.join('\0'))
  const { stdout } = await run('taskset', [
    ...['-c', String(LOAD_CORE), 'wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`],
    ...['--timeout', '10s', '-s', SCRIPT, url, '--', file, String(distinct)]
  ])
  const line = /^bench (.*)$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk has printed no figures:\n${stdout}`)
  return JSON.parse(line) as Load
}
