import type { Test } from 'tap'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../src/sandbox/index.ts'

type Fields = Readonly<Record<string, string | number>>

/** A sandbox on a real socket, with functions that call it. */
export interface SandboxHarness extends Sandbox {
  /** POSTs a form to a script. */
  post(script: string, fields: Fields): Promise<Response>
  /** Calls s3.php with the demo token, and parses the reply. */
  s3(action: string, fields?: Fields): Promise<Json>
  /** Calls auth.php, and parses the reply. */
  auth(action: string, fields?: Fields): Promise<Json>
}

export type Json = Readonly<Record<string, unknown>>

/** Starts a sandbox for one test. */
export const harness = async (t: Test, options: SandboxOptions = {}): Promise<SandboxHarness> => {
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

/** The body of a reply as a JSON object, whatever its Content-Type. */
export const jsonOf = async (response: Response): Promise<Json> => objectOf(JSON.parse(await response.text()))

/** @throws TypeError the value is not an object */
export const objectOf = (value: unknown): Json => {
  if (typeof value !== 'object' || value === null) throw new TypeError(`not an object: ${value}`)
  return { ...value }
}

/** The maps of a list in a reply. */
const listOf = (answer: Json, name: string): Json[] => {
  const list = answer[name]
  if (!Array.isArray(list)) throw new TypeError(`${name} is not a list: ${JSON.stringify(answer)}`)
  return list.map(objectOf)
}

/** One field of each map of a list. */
export const pluck = (answer: Json, list: string, field: string): unknown[] =>
  listOf(answer, list).map(row => row[field])
