import t from 'tap'
import { assertOwnPage, originsOf } from '../../../src/auth/csrf.ts'
import { isProblem } from '../../../src/core/problem.ts'

const OURS = 'https://app.example'
const allowed = new Set([OURS])

/** Is a request with these headers taken for one of our own pages'? */
const isOwn = (headers: Record<string, string>): boolean => {
  try {
    assertOwnPage(headers, allowed)
    return true
  } catch (error) {
    if (isProblem(error, 'csrf-rejected')) return false
    throw error
  }
}

t.test('a request is one of our own pages’ only with the header that no foreign page can set', async t => {
  t.ok(isOwn({ 'x-csrf': '1' }))
  for (const value of ['', '0', '11', 'true']) t.notOk(isOwn({ 'x-csrf': value, origin: OURS }), value)
  t.notOk(isOwn({ origin: OURS, 'sec-fetch-site': 'same-origin' }))
})

t.test('its origin must be allowed, where it has one', async t => {
  t.ok(isOwn({ 'x-csrf': '1', origin: OURS }))
  for (const origin of ['https://evil.example', 'null', `${OURS}:444`, 'http://app.example', '']) {
    t.notOk(isOwn({ 'x-csrf': '1', origin }), origin)
  }
})

t.test('the browser must not say that it comes from another site', async t => {
  for (const [site, origin, isTaken] of [
    ['same-origin', undefined, true],
    ['same-origin', OURS, true],
    ['same-site', OURS, true],
    ['same-site', undefined, false],
    ['cross-site', OURS, false],
    ['cross-site', undefined, false],
    ['none', undefined, false],
    ['', OURS, false]
  ] as const) {
    const headers = { 'x-csrf': '1', 'sec-fetch-site': site, ...(origin !== undefined && { origin }) }
    t.equal(isOwn(headers), isTaken, `${site}, ${origin}`)
  }
})

t.test('our origins', async t => {
  t.test('are the public one and the allowed ones', async t => {
    t.strictSame([...originsOf(new URL('https://gw.example/api'), [OURS])], ['https://gw.example', OURS])
    t.strictSame([...originsOf(new URL('https://gw.example:8443'), [])], ['https://gw.example:8443'])
  })
  t.test('are each name of this machine where it listens on loopback', async t => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      t.strictSame(
        [...originsOf(new URL(`http://${host}:3000`), [OURS])],
        ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', OURS]
      )
    }
    t.strictSame(
      [...originsOf(new URL('https://localhost'), [])],
      ['https://localhost', 'https://127.0.0.1', 'https://[::1]']
    )
  })
})
