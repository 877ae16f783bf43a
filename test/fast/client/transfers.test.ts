import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createClient, TransferFailed } from '../../../client/src/index.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { failureOf } from './failure.ts'

t.test('upload() and download() go to the storage', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { url } = await gateway(t, { STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }, { sandbox })
  const client = createClient({ baseUrl: url, token: sandbox.demo.token })
  const progress: number[][] = []
  const file = new Blob(['hello'], { type: 'text/plain;charset=utf-8' })
  await client.upload('s3_user_1', 'empty-bucket', 'a b/ü.txt', file, { onProgress: (...sent) => progress.push(sent) })
  t.strictSame(progress.at(-1), [5, 5])
  const reply = await client.download('s3_user_1', 'empty-bucket', 'a b/ü.txt', { downloadName: 'x.txt' })
  t.equal(await reply.text(), 'hello')
  t.equal(reply.headers.get('content-type'), 'text/plain;charset=utf-8')
  t.match(reply.headers.get('content-disposition'), /^attachment; filename="x.txt"/)
  const failure = await failureOf(client.download('s3_user_1', 'empty-bucket', 'nothing'))
  t.ok(failure instanceof TransferFailed)
  t.match(failure, { status: 404, code: 'NoSuchKey' })
  const stopped = client.upload('s3_user_1', 'empty-bucket', 'x', file, { signal: AbortSignal.abort() })
  t.match(await failureOf(stopped), { name: 'AbortError' })
})
