import { fastify } from 'fastify'
import t from 'tap'
import { announceDeprecation } from '../../../src/http/deprecation.ts'
import { openOperation } from '../../../src/http/operation.ts'

const PAGE = { priority: 'essential', allowsHttp10: false, isAnsweredWhileDraining: true } as const

t.test('an operation that declares it sends Deprecation and Sunset with every reply', async t => {
  const app = fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  announceDeprecation(app)
  const deprecation = {
    since: '2023-06-30T23:59:59Z',
    sunset: '2029-11-11T23:59:59Z',
    link: 'https://docs.example.com/migrate'
  }
  app.get('/old', { config: openOperation({ ...PAGE, deprecation }) }, async ({ query }) => {
    if (Object.hasOwn(Object(query), 'fail')) throw new Error('refused')
    return {}
  })
  app.get('/new', { config: openOperation(PAGE) }, async () => ({}))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/old', '/old?fail']) {
    const { headers } = await fetch(`${url}${path}`)
    t.equal(headers.get('deprecation'), '@1688169599')
    t.equal(headers.get('sunset'), 'Sun, 11 Nov 2029 23:59:59 GMT')
    t.equal(headers.get('link'), '<https://docs.example.com/migrate>; rel="deprecation"; type="text/html"')
  }
  const { headers } = await fetch(`${url}/new`)
  t.notOk(headers.has('deprecation') || headers.has('sunset'))
})
