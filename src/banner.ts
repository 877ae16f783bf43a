export interface BannerOptions {
  url: string
  managementUrl: string
  upstreamUrl: URL
  /** Credentials of the sandbox's demo customer; undefined in front of the real HOSTKEY. */
  demo: { token: string; apiKey: string } | undefined
}

/** What a person sees at the start. Credentials are shown only of the sandbox, where they open nothing. */
export const banner = ({ url, managementUrl, upstreamUrl, demo }: BannerOptions): string => {
  const lines = [
    '',
    `hostkey-s3-gateway  ${url}`,
    `  docs              ${url}/docs`,
    `  metrics           ${managementUrl}/metrics`,
    `  upstream          ${upstreamUrl.href}${demo ? '  (the sandbox: a pretend HOSTKEY on this runtime)' : ''}`
  ]
  if (demo) {
    lines.push(
      `  demo token        ${demo.token}`,
      `  demo API key      ${demo.apiKey}`,
      '',
      'Try it:',
      '',
      `  curl -s -H 'Authorization: Bearer ${demo.token}' ${url}/accounts/s3_user_1/buckets`
    )
  }
  return `${lines.join('\n')}\n\n`
}
