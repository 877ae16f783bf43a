import type { Test } from 'tap'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts'

type Fields = Readonly<Record<string, string | number>>

/** What the tests of the sandbox work with: the sandbox on a real socket, and ways to ask it. */
export interface Bench extends Sandbox {
  /** POSTs a form to a script and gives the answer as it came. */
  post(script: string, fields: Fields): Promise<Response>
  /** Asks s3.php with the demo token and gives its JSON. */
  s3(action: string, fields?: Fields): Promise<Json>
  /** Asks auth.php and gives its JSON. */
  auth(action: string, fields?: Fields): Promise<Json>
}

export type Json = Readonly<Record<string, unknown>>

/** A sandbox for one test. */
export const bench = async (t: Test, options: SandboxOptions = {}): Promise<Bench> => {
  const sandbox = await startSandbox(options)
  t.teardown(() => sandbox.close())
  const post = (script: string, fields: Fields) => {
    const body = new URLSearchParams(
      Object.entries(fields).map(([name, value]): [string, string] => [name, `${value}`])
    )
    return fetch(sandbox.url + script, { method: 'POST', body, redirect: 'manual' })
  }
  return {
    ...sandbox,
    post,
    s3: async (action, fields = {}) => jsonOf(await post('s3.php', { action, token: sandbox.demo.token, ...fields })),
    auth: async (action, fields = {}) => jsonOf(await post('auth.php', { action, ...fields }))
  }
}

/** The body of an answer as a JSON object, whatever its Content-Type. */
export const jsonOf = async (response: Response): Promise<Json> => objectOf(JSON.parse(await response.text()))

/** @throws TypeError when it is no JSON object. */
export const objectOf = (value: unknown): Json => {
  if (typeof value !== 'object' || value === null) throw new TypeError(`no object: ${value}`)
  return { ...value }
}

/** The maps of a list in an answer. */
const listOf = (answer: Json, name: string): Json[] => {
  const list = answer[name]
  if (!Array.isArray(list)) throw new TypeError(`${name} is no list: ${JSON.stringify(answer)}`)
  return list.map(objectOf)
}

/** One field of each map of a list. */
export const pluck = (answer: Json, list: string, field: string): unknown[] =>
  listOf(answer, list).map(row => row[field])
