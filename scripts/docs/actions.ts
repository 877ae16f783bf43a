import type { Action, Effect } from '../../src/upstream/action.ts'
import { actions } from '../../src/upstream/actions/index.ts'
import { code, page, table } from './markdown.ts'

const EFFECTS: Record<Effect, string> = {
  read: 'a read',
  queue: 'a read that HOSTKEY puts into a queue',
  secret: 'a read of a credential',
  write: 'makes or deletes something small',
  buy: 'makes or deletes an account, may bill, and is never repeated'
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
    Object.entries(EFFECTS)
      .map(([effect, meaning]) => `- ${code(effect)}: ${meaning}.`)
      .join('\n'),
    table(
      ['Action', 'Script', 'Effect', 'Parameters', 'Problems'],
      Object.values<Action>(actions).map(each => [
        code(each.name),
        code(each.script),
        each.effect,
        paramsOf(each),
        failuresOf(each)
      ])
    )
  )
