import { createServiceRegistry } from '../../src/auth/services/registry.ts'
import { loadConfig } from '../../src/config/config.ts'
import { assembleGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/observability/log.ts'

/** Base of the problem types in `openapi.yaml`; a running gateway uses its own URL. */
const PUBLIC_URL = 'https://s3.example.com/'

/**
 * The OpenAPI document of a gateway that does not listen, independent of the environment of this process.
 * @param env settings that differ from their defaults
 */
export const openapiDocument = async (env: Record<string, string> = {}) => {
  const config = loadConfig({ PUBLIC_URL, LOG_LEVEL: 'silent', ...env })
  const { app, close } = await assembleGateway({
    config,
    upstreamUrl: new URL('http://127.0.0.1'),
    registry: createServiceRegistry(undefined, {}),
    log: createLog(config.logLevel)
  })
  const get = async (file: string) => (await app.inject(`${config.basePath}/openapi.${file}`)).payload
  const result = { yaml: await get('yaml'), document: JSON.parse(await get('json')) }
  await close()
  return result
}
