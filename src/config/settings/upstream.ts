import {
  integer,
  list,
  optional,
  pem,
  proxyUrl,
  type Setting,
  secretSetting,
  setting,
  storageEndpoint
} from '../setting.ts'

/** How HOSTKEY is reached. */
export const upstream = {
  upstreamTimeoutMs: setting({
    name: 'UPSTREAM_TIMEOUT_MS',
    description: 'Deadline of every call to HOSTKEY, in ms. It replaces the deadlines of all call classes.',
    fallback: '',
    defaultText: '10 s to 60 s, by call class',
    read: optional(integer(100, 300_000))
  }),
  storageEndpoints: setting({
    name: 'STORAGE_ENDPOINTS',
    description:
      'Endpoints of the storage, for presigned URLs: `location[:storageType]=url|region`, separated by commas, such as `NL=https://s3-nl.hostkey.com|nl,NL:cold=https://s3-nl-cold.hostkey.com|nl` (observed, not documented). An entry without a storage type is for all types of the location that have none.',
    fallback: '',
    defaultText: 'none: presigned URLs are refused',
    read: list(storageEndpoint)
  }),
  httpsProxy: secretSetting({
    name: 'HTTPS_PROXY',
    alias: 'https_proxy',
    description:
      'Proxy through which HOSTKEY is called, such as `http://user:password@proxy.example:3128`; `https_proxy` wins over it. Never used for a `UPSTREAM_URL` with http, such as the sandbox.',
    fallback: '',
    defaultText: '`HTTP_PROXY`',
    read: proxyUrl
  }),
  httpProxy: secretSetting({
    name: 'HTTP_PROXY',
    alias: 'http_proxy',
    description: 'The same; used when `HTTPS_PROXY` is unset.',
    fallback: '',
    defaultText: 'none',
    read: proxyUrl
  }),
  noProxy: setting({
    name: 'NO_PROXY',
    alias: 'no_proxy',
    description:
      'Hosts that are called without the proxy: names, which include their subdomains, addresses, each with an optional port, or `*`, separated by commas.',
    fallback: '',
    defaultText: 'none',
    read: text => text
  }),
  upstreamCa: secretSetting({
    name: 'UPSTREAM_CA',
    description:
      'Certificates of the authorities that may sign the certificate of HOSTKEY, in PEM. They replace those of Node.js.',
    fallback: '',
    defaultText: 'those of Node.js',
    read: pem
  }),
  upstreamCert: secretSetting({
    name: 'UPSTREAM_CERT',
    description: 'Certificate, with its chain, that the gateway shows to HOSTKEY or to a proxy in front of it, in PEM.',
    fallback: '',
    defaultText: 'none',
    read: pem
  }),
  upstreamKey: secretSetting({
    name: 'UPSTREAM_KEY',
    description: 'Private key of `UPSTREAM_CERT`, in PEM, not encrypted.',
    fallback: '',
    defaultText: 'none',
    read: pem
  })
} satisfies Record<string, Setting>
