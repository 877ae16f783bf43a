import { startSandbox } from '../../../src/sandbox/index.ts'
import { createUpstream } from '../../../src/upstream/client.ts'
import type { Lifetime } from './lifetime.ts'

/** The way to HOSTKEY without a gateway around it, to a sandbox. */
export const bareUpstream = async (t: Lifetime) => {
  const sandbox = await startSandbox()
  const upstream = createUpstream({
    url: new URL(sandbox.url),
    timeoutMs: undefined,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  t.after(async () => {
    await upstream.close()
    await sandbox.close()
  })
  return { sandbox, upstream }
}
