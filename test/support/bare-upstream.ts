import { startSandbox } from '../../src/sandbox/index.ts'
import { createUpstream } from '../../src/upstream/client.ts'

/** What of tap's test object is used. */
interface Test {
  after(end: () => Promise<void>): unknown
}

/** The way to HOSTKEY without a gateway around it, to a sandbox. */
export const bareUpstream = async (t: Test) => {
  const sandbox = await startSandbox()
  const upstream = createUpstream({
    url: new URL(sandbox.url),
    timeoutMs: undefined,
    observe: () => undefined,
    reportRest: () => undefined
  })
  t.after(async () => {
    await upstream.close()
    await sandbox.close()
  })
  return { sandbox, upstream }
}
