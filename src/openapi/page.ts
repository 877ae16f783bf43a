import { ALWAYS } from './headers.ts'

/** Content security policy: the page loads only its own files, and no page may frame it. */
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

/** Parts of Swagger UI that the page hides: they are empty, or repeat the text above. */
const HIDDEN = [
  // Opens other documents, which the policy forbids.
  '.topbar',
  // All ways to authenticate except the one that a page can fill in.
  '.auth-container:not(:first-child)',
  // Links, which the document does not have, and a choice of a single media type.
  '.response-col_links',
  '.response-control-media-type:not(:has(option + option))',
  // Headers of every reply: shown with the first reply only.
  `.response ~ .response .headers tbody tr:nth-child(-n + ${ALWAYS.length})`,
  `.response ~ .response .headers-wrapper:not(:has(tbody tr:nth-child(${ALWAYS.length + 1})))`
]

/** Breaks long words, keeps text clear of the copy button, and fits replies to the width of a phone. */
export const PAGE_STYLE = `${HIDDEN.map(selector => `.swagger-ui ${selector}`).join(',\n')} { display: none !important }
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

/** Swagger UI sets no viewport: a phone would show the page at the width of a desktop. */
export const PAGE_SCRIPT = `document.head.append(
  Object.assign(document.createElement('meta'), { name: 'viewport', content: 'width=device-width' })
)
`

/**
 * Runs in the page: a request by cookie needs the header `x-csrf`, which only our own pages can set. Spelled like the
 * parameter of that name: with another spelling the browser would send both, as `1, 1`. A token needs no such header.
 */
export const sendCsrf = <T>(request: T): T => {
  // Swagger UI passes a plain object; the plugin's type is wrong.
  const { headers } = request as { headers: Record<string, string> }
  if (!('Authorization' in headers)) headers['x-csrf'] = '1'
  return request
}
