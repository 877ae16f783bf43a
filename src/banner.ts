import type { Demo } from './sandbox/index.ts'

export interface BannerOptions {
  url: string
  managementUrl: string
  upstreamUrl: URL
  /** Credentials of the sandbox's customers; undefined with a real HOSTKEY. */
  demo: Demo | undefined
}

/** Text that the process prints at start. Credentials are printed only for the sandbox. */
export const banner = ({ url, managementUrl, upstreamUrl, demo }: BannerOptions): string => {
  const lines = [
    '',
    `hostkey-s3-gateway  ${url}`,
    `  docs              ${url}/docs`,
    `  metrics           ${managementUrl}/metrics`,
    `  upstream          ${upstreamUrl.href}${demo ? '  (the sandbox: a simulated HOSTKEY on this machine)' : ''}`
  ]
  if (demo) {
    lines.push(
      `  demo token        ${demo.token}`,
      `  demo API key      ${demo.apiKey}`,
      `  demo e-mail       ${demo.email}`,
      `  demo password     ${demo.password}`,
      `  without servers   ${demo.withoutServers.email}  ${demo.withoutServers.password}`,
      '',
      'Try it:',
      '',
      `  curl -s -H 'Authorization: Bearer ${demo.token}' ${url}/accounts/s3_user_1/buckets`
    )
  }
  return `${lines.join('\n')}\n\n`
}
