import type { ActionName } from '../../../src/upstream/actions/index.ts'
import { payloadOf } from './world.ts'

/** A body that HOSTKEY may send instead of the documented one. */
export interface JsonShape {
  /** HOSTKEY has executed the call. */
  isExecuted: boolean
  bodyOf(action: ActionName): Buffer
}

const DEPTH = 10_000
const TEN_MB = 10 * 1024 * 1024

/** A text that no declared failure matches. */
const UNKNOWN = 'Something went wrong on the far side of the moon'

const success = (action: ActionName, more: object = {}): string =>
  JSON.stringify({ result: 'OK', action, ...payloadOf(action), ...more })

const shape = (isExecuted: boolean, textOf: (action: ActionName) => string): JsonShape => ({
  isExecuted,
  bodyOf: action => Buffer.from(textOf(action))
})

const withMessage = (message: unknown) => shape(true, action => success(action, { message }))

const stringly = (value: unknown): unknown => {
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.map(stringly)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, stringly(member)]))
}

/** A success with members before its last brace that `JSON.stringify` would not write. */
const ending = (action: ActionName, members: string) => `${success(action).slice(0, -1)},${members}}`

/** Unexpected JSON bodies. */
export const jsonShapes = {
  '{}': shape(false, () => '{}'),
  null: shape(false, () => 'null'),
  '[]': shape(false, () => '[]'),
  'code: -1': shape(false, () => JSON.stringify({ code: -1, message: UNKNOWN })),
  'code: "-1"': shape(false, () => JSON.stringify({ code: '-1', message: UNKNOWN })),
  'result: "ok"': shape(true, action => success(action, { result: 'ok' })),
  'result and code': shape(false, action => success(action, { code: -1, message: UNKNOWN })),
  'numbers as strings': shape(true, action => success(action, stringly(payloadOf(action)) as object)),
  'missing keys': shape(true, action => JSON.stringify({ result: 'OK', action })),
  'extra keys': shape(true, action =>
    ending(action, '"debug":{"sql":["SELECT 1"]},"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}')
  ),
  'duplicate keys': shape(true, action => {
    const nulls = Object.keys(payloadOf(action)).map(key => `"${key}":null,`)
    return success(action).replace('{', `{"result":"Not ready",${nulls.join('')}`)
  }),
  NaN: shape(false, action => ending(action, '"bandwidth":NaN')),
  'deep 10,000': shape(true, action => {
    const key = Object.keys(payloadOf(action))[0]
    return JSON.stringify({ result: 'OK', action, [`${key}`]: 0 }).replace(/0\}$/, `${nested('{"a":', '}')}}`)
  }),
  BOM: shape(true, action => `\uFEFF${success(action)}`),
  'invalid UTF-8': {
    isExecuted: true,
    bodyOf: action => Buffer.from(ending(action, '"note":"caf\xe9"'), 'latin1')
  },
  'message: object': withMessage({ unexpected: true }),
  'message: array': withMessage(['unexpected']),
  'message: null': withMessage(null),
  'message: 10 MB': withMessage('x'.repeat(TEN_MB))
} as const satisfies Record<string, JsonShape>

export type ShapeName = keyof typeof jsonShapes

function nested(open: string, close: string): string {
  return `${open.repeat(DEPTH)}1${close.repeat(DEPTH)}`
}
