import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { actions } from '../../../src/upstream/actions/index.ts'
import { login, logout, passwordLogin, tokenInfo } from '../../../src/upstream/actions/sessions.ts'

/** A form on its way to HOSTKEY. */
export interface Sent {
  method: string
  path: string
  headers: readonly string[]
  form: string
}

interface Created {
  request: { origin: string; method: string; path: string; headers: readonly unknown[]; body: unknown }
}

/** Records the bytes that this process sends to HOSTKEY, from the diagnostics channel of undici. */
export const createWiretap = (sandboxUrl: string) => {
  const { origin } = new URL(sandboxUrl)
  let sent: Sent[] = []
  const listen = (message: unknown) => {
    const { request } = message as Created
    if (String(request.origin) !== origin) return
    const { method, path, headers, body } = request
    sent.push({ method, path, headers: headers.map(String), form: String(body ?? '') })
  }
  subscribe('undici:request:create', listen)
  return {
    /** The forms since the last call. */
    take(): Sent[] {
      const taken = sent
      sent = []
      return taken
    },
    close: () => unsubscribe('undici:request:create', listen)
  }
}

const declared = new Map(
  [...Object.values(actions), login, passwordLogin, tokenInfo, logout].map(({ script, name, params }) => [
    `/${script} ${name}`,
    {
      keys: new Set(Object.keys(params.properties)),
      required: ['action', ...(script === 's3.php' ? ['token'] : []), ...((params.required as string[]) ?? [])]
    }
  ])
)

const HEADERS = ['accept', 'content-type', 'user-agent']

/** The fields of a form by name; the last one of a repeated name. */
export const fieldsIn = (form: string): Map<string, string> =>
  new Map(form.split('&').map(pair => pair.split('=', 2).map(decodeURIComponent) as [string, string]))

/** Fields of a form that its action does not declare, that are missing, or that are repeated. */
export const violationsIn = ({ method, path, headers, form }: Sent): string[] => {
  const pairs = form.split('&').map(pair => pair.split('='))
  const names = pairs.map(([name = '']) => name)
  const fields = fieldsIn(form)
  const action = declared.get(`${path} ${fields.get('action')}`)
  if (!action) return [`${method} ${path}: no action is named ${fields.get('action')}`]
  const allowed = (name: string) =>
    name === 'action' || (name === 'token' && path === '/s3.php') || action.keys.has(name)
  const wrong = [
    ...names.filter(name => !allowed(name)).map(name => `has ${name}`),
    ...action.required.filter(name => !fields.has(name)).map(name => `lacks ${name}`),
    ...(new Set(names).size === names.length ? [] : [`repeats a name: ${names}`]),
    ...(pairs.every(pair => pair.length === 2) ? [] : ['has a pair that is none']),
    ...(method === 'POST' ? [] : [`goes by ${method}`]),
    ...(HEADERS.join() === namesOf(headers).join() ? [] : [`has the headers ${namesOf(headers)}`])
  ]
  return wrong.map(each => `${fields.get('action')} ${each}`)
}

const namesOf = (headers: readonly string[]) =>
  headers
    .filter((_, place) => place % 2 === 0)
    .map(name => name.toLowerCase())
    .sort()
