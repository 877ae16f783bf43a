import type { UserAgent } from './audit-events.ts'

/** In this order: a browser names others too. */
const FAMILIES: readonly [RegExp, UserAgent][] = [
  [/\bEdgA?\//, 'edge'],
  [/\b(Firefox|FxiOS)\//, 'firefox'],
  [/\b(Chrome|CriOS|Chromium)\//, 'chrome'],
  [/\bSafari\//, 'safari'],
  [/^Mozilla\//, 'browser'],
  [/^curl\//, 'curl'],
  [/^Wget\//, 'wget'],
  [/^(python|aiohttp|httpx)\b/i, 'python'],
  [/^Go-http-client\//, 'go'],
  [/^okhttp\//, 'okhttp'],
  [/^axios\//, 'axios'],
  [/^(node|undici|got)\b/, 'node'],
  [/^(GuzzleHttp|PHP)\b/i, 'php'],
  [/^PostmanRuntime\//, 'postman'],
  [/PowerShell\//, 'powershell'],
  [/^(Java|Apache-HttpClient)\b/, 'java'],
  [/^Dart\//, 'dart'],
  [/^(Ruby|Faraday)\b/i, 'ruby'],
  [/^(reqwest|ureq)\//, 'rust'],
  [/^(\.NET|dotnet)\b/, 'dotnet']
]

/** 512 characters: the product that a program names first is in them. */
const MAX_LENGTH = 512

/** The family of a program; undefined when it names none. */
export const userAgentOf = (header: string | undefined): UserAgent | undefined =>
  header === undefined
    ? undefined
    : (FAMILIES.find(([pattern]) => pattern.test(header.slice(0, MAX_LENGTH)))?.[1] ?? 'other')
