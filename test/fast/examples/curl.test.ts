import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { pathsIn, runExample } from './examples.ts'

const SCRIPT = 'examples/curl.sh'

t.test('examples/curl.sh', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { url } = await gateway(t, { STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }, { sandbox })
  const { control, demo } = sandbox
  const tour = (env: Record<string, string> = {}) =>
    runExample('bash', [SCRIPT], { GATEWAY: url, TOKEN: demo.token, ...env })
  const paths = () => pathsIn(sandbox, 'holiday-pictures')
  t.beforeEach(() => control.reset())

  t.test('runs all steps, and deletes exactly one file', async t => {
    const before = paths()
    const { code, stdout, stderr } = await tour({ API_KEY: demo.apiKey, PLACE_ORDER: 'yes' })
    t.equal(code, 0, stderr)
    const steps = [...stdout.matchAll(/^([A-Z]+) (\/\S*) -> (\d+)$/gm)].map(([, ...parts]) => parts.join(' '))
    const files = '/accounts/s3_user_1/buckets/holiday-pictures/files'
    t.same(
      steps.map(step => step.replace(/tour-[\d-]+/, 'tour').replace(/jobs\/[\w-]{36}/, 'jobs/id')),
      [
        'GET /accounts 200',
        'GET /accounts/s3_user_1/buckets 200',
        `GET ${files} 200`,
        `GET ${files} 200`,
        `DELETE ${files} 204`,
        'GET /accounts/s3_user_1/buckets/no-bucket-of-tour/files 404',
        'POST /accounts/s3_user_1/buckets 201',
        'POST /accounts/s3_user_1/buckets/tour/presigned-urls 201',
        'POST /accounts/s3_user_1/buckets/tour/presigned-urls 201',
        'POST /accounts/s3_user_1/buckets/tour/file-deletions 202',
        'GET /jobs/id/events 200',
        'GET /jobs/id/results 200',
        'DELETE /accounts/s3_user_1/buckets/tour 204',
        'POST /orders/checks 200',
        'POST /orders 201',
        'POST /orders 201',
        'POST /session 201',
        'GET /accounts 200',
        'GET /accounts 403',
        'DELETE /session 204',
        'GET /accounts 401'
      ]
    )
    t.match(stdout, /"s3uid":"s3_user_1"/)
    t.match(stdout, /problems\/bucket-not-found/)
    t.match(stdout, /problems\/csrf-rejected/)
    t.match(stdout, /^idempotency-replayed: true/m)
    t.match(stdout, /"items":\[\{"path":"in\/hello.txt","outcome":"deleted"\}\]/)
    t.equal(stdout.match(/^storage -> 200$/gm)?.length, 2, 'uploaded and downloaded')
    t.notMatch(stdout + stderr, /X-Amz-Signature/, 'a presigned URL is not printed')
    t.same(
      paths(),
      before.filter(path => path !== 'a/../b')
    )
    t.equal(before.length - 1, paths().length)
    t.equal(control.counters()['create_order'], 1, 'ordered once')
    t.notMatch(stdout + stderr, demo.token)
    t.notMatch(stdout + stderr, demo.apiKey)
  })

  t.test('orders only with PLACE_ORDER, and can run twice', async t => {
    for (const token of [demo.token, control.tokenOf('demo')]) {
      const { code, stdout, stderr } = await tour({ TOKEN: token, API_KEY: demo.apiKey })
      t.equal(code, 0, stderr)
      t.notMatch(stdout, /^POST \/orders ->/m)
    }
    t.equal(control.counters()['create_order'], undefined)
  })

  t.test('ends at the first unexpected status', async t => {
    const TOKEN = 'a-token-that-is-none'
    const { code, stdout, stderr } = await tour({ TOKEN })
    t.equal(code, 1)
    t.match(stderr, /^curl\.sh: expected 200, not 401: \{.*invalid-token/)
    t.equal(stdout.match(/ -> /g)?.length, 1)
    t.notMatch(stdout + stderr, TOKEN)
    t.match(await tour({ GATEWAY: 'http://127.0.0.1:1' }), { code: 1, stderr: /no reply/ })
    t.match(await tour({ TOKEN: '' }), { code: 1, stderr: /set TOKEN/ })
  })
})
