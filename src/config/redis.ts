import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Secret } from '../core/secret.ts'
import type { ConfigFault } from './setting.ts'

interface RedisSettings {
  environment?: string | undefined
  sessionStore?: string | undefined
  redisUrl?: Secret | undefined
  redisSentinels?: readonly { host: string }[] | undefined
  redisCa?: Secret | undefined
  redisCert?: Secret | undefined
  redisKey?: Secret | undefined
  redisPlaintext?: boolean | undefined
}

/** Faults of the settings of Redis that are valid alone but not together. Settings that could not be read are skipped. */
export const redisFaults = (read: RedisSettings): ConfigFault[] => {
  const faults: ConfigFault[] = []
  const { redisUrl, redisSentinels = [], redisCert, redisKey } = read
  const isSet = redisUrl !== undefined || redisSentinels.length > 0
  if (read.sessionStore === 'redis' && 'redisUrl' in read && !isSet) {
    faults.push({ name: 'REDIS_URL', detail: 'must be set for SESSION_STORE=redis, or REDIS_SENTINELS' })
  }
  if (read.environment === 'production' && read.redisPlaintext === false && isPlaintext(read)) {
    faults.push({
      name: redisSentinels.length > 0 ? 'REDIS_SENTINELS' : 'REDIS_URL',
      detail:
        'must use TLS on another host in production (REDIS_URL with rediss://): it holds orders and sessions; REDIS_PLAINTEXT=true allows it without'
    })
  }
  if (!redisCert !== !redisKey) {
    const [name, other] = redisCert ? ['REDIS_KEY', 'REDIS_CERT'] : ['REDIS_CERT', 'REDIS_KEY']
    faults.push({ name, detail: `must be set together with ${other}` })
  }
  if ((read.redisCa || redisCert) && isSet && !redisUrl?.reveal().startsWith('rediss:')) {
    faults.push({ name: 'REDIS_URL', detail: 'must begin with rediss:// where certificates are set' })
  }
  // Node.js ignores an authority that it cannot read.
  for (const [name, certificate] of Object.entries({ REDIS_CA: read.redisCa, REDIS_CERT: redisCert })) {
    if (certificate && !canBeRead(() => new X509Certificate(certificate.reveal()))) {
      faults.push({ name, detail: 'has no certificate that can be read' })
    }
  }
  if (redisCert && redisKey && !canBeRead(() => createSecureContext(pairOf(redisCert, redisKey)))) {
    faults.push({ name: 'REDIS_KEY', detail: 'is encrypted, cannot be read, or is not the key of REDIS_CERT' })
  }
  return faults
}

const pairOf = (cert: Secret, key: Secret) => ({ cert: cert.reveal(), key: key.reveal() })

const canBeRead = (parse: () => unknown): boolean => {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

/** Does what the gateway sends to Redis cross a network unencrypted? */
const isPlaintext = ({ redisUrl, redisSentinels = [] }: RedisSettings): boolean => {
  const url = redisUrl && new URL(redisUrl.reveal())
  if (url?.protocol === 'rediss:') return false
  const hosts = redisSentinels.length > 0 ? redisSentinels.map(({ host }) => host) : url ? [url.hostname] : []
  return !hosts.every(isLoopback)
}
