import fc from 'fast-check'

/** What parsers, routers, encoders and PHP take for something else than text. */
const traps = [
  ...['', ' ', '.', '..', '...', '/', '\\', '//', '../..', '*', '~', '-', '_', '+', '&', '=', ';', ':', '@', '?', '#'],
  ...['%', '%%', '%2', '%zz', '%00', '%2F', '%2e%2e', '%252e', '%C0%AF', '%FF', '%ED%A0%80', '%EF%BB%BF', '&action=x'],
  ...['\0', 'a\0b', '\r\n', '\r\nX-Evil: 1', '\n', '\t', '\u007f', '\u0085', '\u2028', '\ufeff', '\u202e', '\ufffd'],
  ...['\ud800', '\udc00', 'a\ud83d', '\u{1f600}', 'e\u0301', '\u00e9', '\uff0e\uff0e', '\ufb01', 'I\u0307'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '$ref', 'then', 'null'],
  ...['action', 'token', 'action=delete_account', 's3uid=s3_user_2', 's3uid[]', 'bucket_name[0]', 'undefined', 'NaN'],
  ...['0', '-0', '-1', '1', '01', '+1', '1.0', '1e3', '0x10', '9007199254740993', '2147483648', '99999999999999999999'],
  ...[
    'true',
    'TRUE',
    '1 ',
    "' OR 1=1 --",
    '<script>alert(1)</script>',
    '#{7*7}',
    '{{7*7}}',
    '$(id)',
    '../../etc/passwd'
  ],
  ...['s3_user_1', 's3_user_2', 'S3_USER_1', 's3_user_1 ', 'holiday-pictures', 'other-bucket', 'Not Ready', 'OK', '-1']
]

const long = fc
  .tuple(
    fc.constantFrom('x', '\u00e9', '\u{1f600}', '../', '%', '%41', '"', '[', '0'),
    fc.constantFrom(63, 64, 65, 255, 256, 257, 512, 1023, 1024, 1025, 4096, 4097, 9000)
  )
  .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length))

/** Text that is meant to break something. May hold halves of surrogate pairs. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...traps) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 24 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 24 }) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(...traps), { minLength: 2, maxLength: 4 }).map(all => all.join(''))
  },
  { weight: 1, arbitrary: long }
)

/** Undeclared names of members, parameters and headers. */
export const hostileName: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...['action', 'token', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 's3uid', 's3uid[]'],
      ...[
        'bucket_name',
        'plan_id',
        'filename',
        'id',
        'limit',
        'order',
        'order_by',
        'key',
        'user',
        'password',
        'fix_ip'
      ],
      ...[
        'planId[]',
        'path[]',
        'path',
        '*',
        '',
        ' ',
        '0',
        'length',
        'then',
        '_method',
        'callback',
        'jsonp',
        'constructor.x'
      ]
    )
  },
  { weight: 2, arbitrary: hostileText }
)

const deep = fc
  .tuple(fc.constantFrom(['[', ']'] as const, ['{"a":', '}'] as const), fc.constantFrom(20, 500, 2000))
  .map(([[open, close], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`)

const numbers = [
  ...['-0', '-1', '0', '1.5', '1e400', '-1e400', '1e-400', '9007199254740993', '2147483648', '4294967297'],
  ...['123456789012345678901234567890', '0.1e1', '1E0']
]

/** JSON text of a value of the wrong kind, or none at all. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: hostileText.map(text => JSON.stringify(text)) },
  { weight: 4, arbitrary: fc.constantFrom(...numbers, 'null', 'true', 'false', '[]', '{}', '[[]]', '""', '[null]') },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }).map(value => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":1}', '{"$ref":"#"}'],
      ...[
        '"\\ud800"',
        '"\\u0000"',
        '"\\udc00x"',
        '["a","b"]',
        '{"length":1}',
        '{"0":"a"}',
        '01',
        'NaN',
        'undefined',
        "'a'"
      ]
    )
  },
  { weight: 1, arbitrary: deep }
)

/** A whole body that is not an object of ours. Each character is one byte. */
export const hostileBody: fc.Arbitrary<string> = fc.oneof(
  hostileJson.map(bytesOf),
  fc
    .constantFrom(
      ...[
        '',
        ' ',
        '{',
        '}',
        '{}',
        '{}{}',
        '[',
        'null',
        '{"name":}',
        '{"name":"a",}',
        '\ufeff{}',
        '{"a":1}\0',
        '\0',
        '//'
      ],
      ...['action=delete_account&s3uid=s3_user_1', '<?xml version="1.0"?><a/>', '{"a":"\n"}', "{'name':'photos'}"],
      ...['{"name":"\xff\xfe"}', '\xef\xbb\xbf{"name":"photos"}', '{"name":"\xed\xa0\x80"}', '{"name":"\xc0\xaf"}']
    )
    .map(text => (/[^\0-\xff]/.test(text) ? bytesOf(text) : text)),
  fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(16_383, 16_384, 16_385, 20_000).map(length => `"${'x'.repeat(length - 2)}"`)
)

/** UTF-8 as a text in which each character is one byte. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}
