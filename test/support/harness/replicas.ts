import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scopes } from '../../../schemas/scopes.ts'
import { hashOf, type ServiceEntry } from '../../../src/auth/services/entry.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { createBrowser } from './browser-caller.ts'
import { type Gateway, gateway } from './gateway.ts'
import type { Lifetime } from './lifetime.ts'

/** A folder that the end of the test removes. */
export const temporaryFolder = (t: Lifetime): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hks3-'))
  t.after(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Replicas: gateways in front of one sandbox with the same secret, settings and registry. */
export const replicas = async (
  t: Lifetime,
  env: Record<string, string>,
  { count = 2, rate = 'standard' }: { count?: number; rate?: NonNullable<ServiceEntry['rate']> } = {}
) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const secret = randomBytes(24).toString('base64url')
  const entry: ServiceEntry = {
    id: 'billing',
    secrets: [hashOf(secret)],
    scopes: scopes.filter(scope => scope !== 'admin'),
    rate,
    apiKey: { env: 'BILLING_API_KEY' }
  }
  const servicesFile = join(temporaryFolder(t), 'services.json')
  writeFileSync(servicesFile, JSON.stringify({ services: [entry] }))
  const settings = {
    SESSION_SECRET: randomBytes(32).toString('hex'),
    SERVICES_FILE: servicesFile,
    BILLING_API_KEY: sandbox.demo.apiKey,
    ...env
  }
  const gateways: Gateway[] = []
  while (gateways.length < count) gateways.push(await gateway(t, settings, { sandbox }))
  const at = (index: number): Gateway => {
    const found = gateways[index]
    if (!found) throw new TypeError(`there is no replica ${index}`)
    return found
  }
  return {
    sandbox,
    settings,
    at,
    /** The credential of the service `billing`. */
    service: { token: `hks_billing_${secret}` },
    /** A browser at one replica; without a cookie it logs in. */
    async browserAt(index: number, cookie?: string) {
      const browser = createBrowser(at(index), cookie)
      if (cookie !== undefined) return browser
      // On a busy machine the store may be too slow once, which gives 503.
      for (let tries = 1; ; tries += 1) {
        const { statusCode, text } = await browser.logIn({ apiKey: sandbox.demo.apiKey })
        if (statusCode === 201) break
        if (statusCode !== 503 || tries === 3) throw new Error(`no login: ${text}`)
      }
      return browser
    },
    /** Number of logins at the sandbox. */
    logins: () => sandbox.control.counters()['login'] ?? 0
  }
}
