import { ALWAYS } from './headers.ts'

/** The page may load its own files and nothing else, and may be framed by nobody. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'"
].join('; ')

/** What is left out of the plugin's page: it says nothing here, or says again what stands above. */
const LEFT_OUT = [
  // A bar to open other documents, which the policy forbids.
  '.topbar',
  // Of the doors all but the one that a page can fill in.
  '.auth-container:not(:first-child)',
  // The document has no links, and a choice of one is none.
  '.response-col_links',
  '.response-control-media-type:not(:has(option + option))',
  // Headers that every reply has: told with the first one.
  `.response ~ .response .headers tbody tr:nth-child(-n + ${ALWAYS.length})`,
  `.response ~ .response .headers-wrapper:not(:has(tbody tr:nth-child(${ALWAYS.length + 1})))`
]

/** Long words break, what is copied by a button is not hidden by it, and on a phone a reply is as wide as the page. */
export const PAGE_STYLE = `${LEFT_OUT.map(selector => `.swagger-ui ${selector}`).join(',\n')} { display: none !important }
.swagger-ui .responses-table td { overflow-wrap: anywhere }
.swagger-ui .curl-command :is(pre, code, span) { white-space: pre-wrap !important; overflow-wrap: anywhere }
.swagger-ui .live-responses-table .highlight-code > pre { padding-bottom: 48px !important }
@media (max-width: 640px) {
  .swagger-ui .responses-table > thead, .swagger-ui .header-col:nth-child(3) { display: none }
  .swagger-ui .responses-table > tbody > .response,
  .swagger-ui .responses-table > tbody > .response > td { display: block; width: auto; padding: 4px 0 }
  .swagger-ui .responses-table > tbody > .response > .response-col_status { padding-top: 20px; font-weight: bold }
}
`

/** The plugin's page has no viewport: a phone would show it as wide as a desk. */
export const PAGE_SCRIPT = `document.head.append(
  Object.assign(document.createElement('meta'), { name: 'viewport', content: 'width=device-width' })
)
`

/**
 * Runs in the page: a request by cookie needs the header that only our own pages can set. Spelled as the parameter of
 * that name: spelled otherwise, the browser would send both as `1, 1`. With a token it would say nothing.
 */
export const sendCsrf = <T>(request: T): T => {
  // The page hands over a plain object, whatever the plugin's type says.
  const { headers } = request as { headers: Record<string, string> }
  if (!('Authorization' in headers)) headers['x-csrf'] = '1'
  return request
}
