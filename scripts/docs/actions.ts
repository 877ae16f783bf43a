import type { Action } from '../../src/upstream/actions/action.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { code, page, table } from './markdown.ts'

/** Meaning of each effect, in the order of the page. */
const EFFECTS: Record<string, string> = {
  read: 'reads',
  'async-read': 'reads through a queue at HOSTKEY',
  secret: 'reads a credential',
  write: 'creates or deletes a bucket, or deletes a file',
  provision: 'creates or deletes an account, may bill, and is never retried',
  login: 'starts, reads or ends a session at HOSTKEY'
}

const declared = Object.values<Action>(actions)

/** The effects in use. @throws Error for an effect without a meaning */
const legend = (): string => {
  const used = new Set<string>(declared.map(({ effect }) => effect))
  const undescribed = [...used].filter(effect => !Object.hasOwn(EFFECTS, effect))
  if (undescribed.length > 0) throw new Error(`scripts/docs/actions.ts has no meaning for ${undescribed.join(', ')}`)
  const lines = Object.entries(EFFECTS).filter(([effect]) => used.has(effect))
  return lines.map(([effect, meaning]) => `- ${code(effect)}: ${meaning}.`).join('\n')
}

const paramsOf = ({ params }: Action): string => {
  const required = new Set<string>(params.required ?? [])
  const names = Object.keys(params.properties).map(name => code(name) + (required.has(name) ? '' : ' (optional)'))
  return names.length > 0 ? names.join(', ') : 'none'
}

const failuresOf = ({ failures }: Action): string =>
  Object.entries(failures)
    .map(([problem, { example }]) => `${code(problem)}: "${example}"`)
    .join('<br>') || 'only common ones'

export const actionsPage = (): string =>
  page(
    'Actions of HOSTKEY',
    '`src/upstream/actions`',
    'The actions of HOSTKEY that the gateway calls. Every action also takes `token`. HOSTKEY refuses with a text; the last column shows each problem with an example of its text. Texts common to all actions are in `src/upstream/protocol/failures.ts`.',
    legend(),
    table(
      ['Action', 'Script', 'Effect', 'Parameters', 'Problems'],
      declared.map(each => [code(each.name), code(each.script), each.effect, paramsOf(each), failuresOf(each)])
    )
  )
