import t from 'tap'
import { addressOf, plainAddress, trustOf } from '../../../src/core/address.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('an address in the forms of proxies', async t => {
  for (const [text, address] of [
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:50123', '198.51.100.7'],
    [' "198.51.100.7:50123" ', '198.51.100.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:50121', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1:50121', '2001:db8:0:0:0:0:0:1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:443', 'fe80::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['[::FFFF:c633:6407]:443', '198.51.100.7'],
    ['for="[2001:db8::1]:4711"', '2001:db8::1'],
    ['For=198.51.100.7', '198.51.100.7'],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['198.51.100', undefined],
    ['198.51.100.7.8', undefined],
    ['[198.51.100.7', undefined],
    ['example.com:80', undefined],
    ['', undefined]
  ] as const) {
    t.equal(plainAddress(text), address, text)
  }
})

t.test('a connection that has closed has no address', async t => {
  t.equal(addressOf({ ip: undefined, socket: {} } as never), '')
})

t.test('a trusted proxy is recognised in any form', async t => {
  const isTrusted = trustOf(['loopback', '192.0.2.0/24'])
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.9:4711']) t.ok(isTrusted(address), address)
  for (const address of ['198.51.100.1', '2001:db8::1', '', 'unknown']) t.notOk(isTrusted(address), address)
  t.notOk(trustOf([])('127.0.0.1'))
})

t.test('clients behind a proxy that sends ports have limits of their own, and probes have none', async t => {
  const { get, lines } = await gateway(t, { RATE_LIMIT_MAX: '2', TRUST_PROXY: 'loopback, 192.0.2.1' })
  const from = async (address: string, path = '/nowhere') =>
    (await get(path, { token: null, headers: { 'x-forwarded-for': address } })).statusCode
  for (const address of ['198.51.100.7:50001', '[2001:db8:1::1]:50001', '198.51.100.8:4, 192.0.2.1:443']) {
    const statuses = []
    for (let n = 0; n < 5; n += 1) statuses.push(await from(address))
    t.strictSame(statuses, [404, 404, 404, 404, 429], address)
  }
  t.equal(await from('198.51.100.7:50002'), 429, 'another port of the same client')
  t.equal(await from('[2001:db8:1::2]:1'), 429, 'another address of the same network')
  t.match(lines.join(''), '"ip":"198.51.100.8"')
  for (let n = 0; n < 20; n += 1) {
    for (const path of ['/livez', '/readyz']) t.equal(await from('198.51.100.7:50001', path), 200)
  }
})

t.test('a proxy that is not trusted is warned about once', async t => {
  const { get, lines } = await gateway(t)
  const warnings = () => lines.filter(line => line.includes('"level":"warn"') && line.includes('TRUST_PROXY'))
  await get('/livez')
  t.equal(warnings().length, 0)
  for (const address of ['198.51.100.7', '198.51.100.8'])
    await get('/livez', { headers: { 'x-forwarded-for': address } })
  t.equal(warnings().length, 1)
})
