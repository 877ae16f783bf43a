import type { SampleRequest } from '../support/harness/action-requests.ts'

/** Names that s3.php knows, or that PHP, similar languages or JavaScript treat specially. */
const NAMES = [
  ...['action', 'token', 'plan_id', 'bucket_name', 'filename', 'max_keys', 'customer_id', 'access_key', 'user_id'],
  ...['Action', 'TOKEN', 'S3UID', 'Plan_Id'],
  ...['action[]', 'token[0]', 'action[x]', 'action[', 'action]', 'a[b][c]'],
  ...['action.', 'token.x', 'plan.id', ' action', 'action ', '\taction', '+action', '&action', '=action', ';action'],
  ...[
    'action\0',
    '\0action',
    'action\r\n',
    'token\u2028',
    '\u{1d41a}ction',
    'act\u0131on',
    'action\u200b',
    '\ufeffaction'
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', '$where', '$gt', '_method', 'callback', 'PHPSESSID', '']
]

const joined = (target: string, query: string) => `${target}${target.includes('?') ? '&' : '?'}${query}`

/** Additions to the query of an operation: each name once; its own parameters twice or as a list. */
export const queriesOf = ({ target, query }: SampleRequest): string[] => {
  const added = [
    ...NAMES.filter(name => !query.includes(name)).map(name => `${encodeURIComponent(name)}=x`),
    ...['%61ction=x', 'action', 'action=a&action=b', 'action%5B%5D=a&action=b', 'x=1;action=y', 'a=1%26action=x'],
    Array.from({ length: 1001 }, (_, n) => `f${n}=1`).join('&'),
    ...query.flatMap(name => [
      `${name}=1&${name}=2`,
      `${name}[]=1`,
      `${name}%5B0%5D=1`,
      `${name.toUpperCase()}=1`,
      `${name}%00=1`,
      `%20${name}=1`,
      `${name}.=1`
    ])
  ]
  return added.map(query => joined(target, query))
}

export interface Body {
  type: string
  text: string
}

const JSON_TYPE = 'application/json'

/** Bodies that replace the body of an operation, or are sent to an operation without one. */
export const bodiesOf = ({ body = {} }: SampleRequest): Body[] => {
  const own = JSON.stringify(body)
  const inner = own.slice(1, -1)
  const members = Object.entries(body)
  const also = (member: string) => `{${[inner, member].filter(text => text !== '').join(',')}}`
  const texts = [
    ...NAMES.map(name => also(`${JSON.stringify(name)}:"x"`)),
    ...[
      '"action":["delete_account"]',
      '"token":{"x":1}',
      '"__proto__":{"planId":1}',
      '"constructor":{"prototype":{}}'
    ].map(also),
    ...members.flatMap(([name, value]) => {
      const text = JSON.stringify(value)
      const others = members
        .filter(([other]) => other !== name)
        .map(([other, its]) => `"${other}":${JSON.stringify(its)}`)
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      return [
        also(`"${name}":${text}`),
        also(`"${escaped}":${text}`),
        `{"${name}":null,${inner}}`,
        ...[`"${name}":[${text}]`, `"${name}":{"$gt":0}`, `"${name}":{"0":${text}}`, `"${name}[]":${text}`].map(
          member => `{${[...others, member].join(',')}}`
        ),
        `{${[...others, `"${name}":${JSON.stringify(`${value}&action=delete_account`)}`].join(',')}}`,
        `{${[...others, `"${name}":${JSON.stringify(`${value}\0`)}`].join(',')}}`,
        also(`"${name.toUpperCase()}":${text}`),
        also(`"${name}.":${text}`)
      ]
    }),
    `[${own}]`,
    `{"body":${own}}`,
    `${own}${own}`,
    'null',
    '"x"'
  ]
  return [
    ...texts.map(text => ({ type: JSON_TYPE, text })),
    { type: 'application/x-www-form-urlencoded', text: 'action=delete_account&token=x' },
    {
      type: 'multipart/form-data; boundary=x',
      text: '--x\r\nContent-Disposition: form-data; name="action"\r\n\r\nx\r\n--x--'
    },
    { type: 'text/plain', text: own }
  ]
}
