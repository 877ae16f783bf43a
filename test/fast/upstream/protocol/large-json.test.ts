import t from 'tap'
import { MAX_ACCOUNTS } from '../../../../schemas/accounts.ts'
import { parseInPieces } from '../../../../src/upstream/protocol/large-json.ts'

const LENGTH = 200_000

const parsed = (text: string, parse: (text: string) => unknown = JSON.parse) => {
  const work = parseInPieces(text, parse)
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** Entries that fill several pieces. */
const long = (entry: string) => Array.from({ length: Math.ceil(LENGTH / entry.length) }, () => entry).join(',')

const row = '{"s3uid":"a]b","n":[1,{"x":"\\"],[{"}],"é":"\\\\"}'
const texts: Record<string, string> = {
  'one long list': `{"result":"OK","s3_users":[${long(row)}]}`,
  'two long lists and a short one': `{"files":[${long(row)}],"folders":[1,2],"other":[${long('"x,]"')}],"next":null}`,
  'a long list that a later member replaces': `{"a":[${long(row)}],"a":1}`,
  'a long list that replaces an earlier member': `{"a":1,"a":[${long(row)}]}`,
  'a list below another member': `{"a":{"b":[${long(row)}]}}`,
  'a list as a map': `{"a":{${Array.from({ length: 9000 }, (_, n) => `"${n}":${row}`).join(',')}}}`,
  'blanks everywhere': `\n{ "a" : [ ${long(`\t${row} `)} ] , "b" : [ ] }\n`,
  'a list and nothing else': `[${long(row)}]`,
  'one long text': `{"a":"${'[,'.repeat(LENGTH)}"}`
}

t.test('a large text is parsed in pieces as at once', async t => {
  for (const [what, text] of Object.entries(texts))
    t.ok(JSON.stringify(parsed(text)) === JSON.stringify(JSON.parse(text)), what)
})

t.test('what is no JSON is refused, wherever the fault is', async t => {
  const whole = texts['one long list'] ?? ''
  const middle = whole.indexOf('},{', LENGTH / 2) + 1
  const end = whole.length - 2
  const broken = {
    'an empty entry': `${whole.slice(0, middle)},${whole.slice(middle)}`,
    'a comma at the end of the list': `${whole.slice(0, end)},${whole.slice(end)}`,
    'a list that ends as a map': `${whole.slice(0, end)}}${whole.slice(end + 1)}`,
    'no end': whole.slice(0, middle),
    'no end of the list': `${whole.slice(0, end)}}`,
    'text after the end': `${whole}x`,
    'an open text': `${whole.slice(0, middle)},"${whole.slice(middle + 1)}`,
    'a fault in the first entry': whole.replace('"n":[', '"n":[x'),
    'no member name': whole.replace('"s3_users":', '')
  }
  for (const [what, text] of Object.entries(broken)) {
    t.throws(() => JSON.parse(text), what)
    t.throws(() => parsed(text), SyntaxError, what)
  }
})

t.test('every fault of one character is refused, and every harmless change read as it is', async t => {
  const text = `{"a":[${long(row)}],"b":[${long('"x"')}]}`
  for (let n = 0; n < 21; n += 1) {
    const at = Math.floor((n / 21) * text.length) + (n % 7)
    const changed = text.slice(0, at) + (']},"[{ '[n % 7] ?? '') + text.slice(at + 1)
    const read = (parse: (text: string) => unknown) => {
      try {
        return JSON.stringify(parse(changed))
      } catch {
        return 'refused'
      }
    }
    t.ok(read(parsed) === read(JSON.parse), `${changed.slice(at - 9, at + 9)} at ${at}`)
  }
})

t.test('no piece is longer than a list needs, and no more entries are parsed than the API lists', async t => {
  let longest = 0
  let entries = 0
  const list = parsed(
    `{"s3_users":[${Array(MAX_ACCOUNTS + 50_000)
      .fill('{}')
      .join(',')}]}`,
    text => {
      longest = Math.max(longest, text.length)
      const value: unknown = JSON.parse(text)
      if (Array.isArray(value)) entries += value.length
      return value
    }
  )
  t.equal((list as { s3_users: unknown[] }).s3_users.length, MAX_ACCOUNTS)
  t.ok(longest < 70_000, `${longest} characters`)
  t.ok(entries < MAX_ACCOUNTS + 25_000, `${entries} entries`)
})
