import { sizes, slowBody } from './bodies.ts'
import { credential } from './credential.ts'
import { redirect, tls, unreachable } from './encryption.ts'
import { type Finding, finding } from './finding.ts'
import { forgedAddress, headers, paths } from './forwarding.ts'
import { clock, metrics, publicUrl, ready } from './gateway.ts'
import { type Answer, type Check, messageOf, send, type Target } from './sending.ts'
import { streams } from './streams.ts'

const CHECKS: readonly Check[] = [
  tls,
  redirect,
  clock,
  ready,
  publicUrl,
  metrics,
  paths,
  forgedAddress,
  headers,
  sizes,
  credential,
  streams
]

/** Checks a gateway as its callers see it. It sends about twenty requests and changes nothing. */
export const examineFromOutside = async (target: Target): Promise<Finding[]> => {
  const { url } = target
  let first: Answer
  try {
    first = await send(url, '/livez')
  } catch (error) {
    return [unreachable(url.origin, error)]
  }
  if (first.status !== 200 || !/"status":\s*"ok"/.test(first.text)) {
    const path = url.pathname === '/' ? '' : ', or its path is not that of BASE_PATH'
    return [
      finding(
        'fault',
        'reachable',
        `${url.href}livez answers ${first.status}, not the gateway: the proxy does not forward it${path}.`
      )
    ]
  }
  const run = (check: Check): Promise<Finding[]> =>
    check(target, first).catch(error => [finding('fault', check.name, `A request fails: ${messageOf(error)}.`)])
  // Beside the others, which do not wait for it.
  const slow = run(slowBody)
  const found: Finding[] = [finding('ok', 'reachable', `${url.href} is a gateway.`)]
  for (const check of CHECKS) found.push(...(await run(check)))
  return [...found, ...(await slow)]
}
