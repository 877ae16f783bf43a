import type { Action } from '../../src/upstream/actions/action.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { code, page, table } from './markdown.ts'

/** What an effect means, in the order of the page. */
const EFFECTS: Record<string, string> = {
  read: 'a read',
  'async-read': 'a read that HOSTKEY puts into a queue',
  secret: 'a read of a credential',
  write: 'makes or deletes something small',
  provision: 'makes or deletes an account, may bill, and is never repeated',
  login: 'begins, looks at or ends a session at HOSTKEY'
}

const declared = Object.values<Action>(actions)

/** The effects that occur. @throws Error for one whose meaning nobody wrote down */
const legend = (): string => {
  const used = new Set<string>(declared.map(({ effect }) => effect))
  const undescribed = [...used].filter(effect => !Object.hasOwn(EFFECTS, effect))
  if (undescribed.length > 0)
    throw new Error(`scripts/docs/actions.ts does not say what ${undescribed.join(', ')} means`)
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
    .join('<br>') || 'only those common to all'

export const actionsPage = (): string =>
  page(
    'Actions of HOSTKEY',
    '`src/upstream/actions`',
    'What the gateway calls at HOSTKEY. Every action also takes `token`. A refusal is told by its text; beside each problem stands a text that leads to it.',
    legend(),
    table(
      ['Action', 'Script', 'Effect', 'Parameters', 'Problems'],
      declared.map(each => [code(each.name), code(each.script), each.effect, paramsOf(each), failuresOf(each)])
    )
  )
