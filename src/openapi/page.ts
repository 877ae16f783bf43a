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
  // The only server, and the address of the document, which the introduction names.
  '.schemes-server-container:not(:has(option + option))',
  '.info .link',
  // Links, which the document does not have, and a choice of a single media type.
  '.response-col_links',
  '.response-control-media-type:not(:has(option + option))'
]

/** The rows of documented replies. */
const REPLIES = '.responses-table:not(.live-responses-table) > tbody > .response'

/** Parts of a reply that are shown after a press on its status: the first reply shows its example at once. */
const FOLDED = [
  `${REPLIES}:not(.unfolded) .headers-wrapper`,
  `${REPLIES} ~ .response:not(.unfolded) :is(.response-controls, .model-example)`
]

const hide = (selectors: readonly string[]) =>
  `${selectors.map(selector => `.swagger-ui ${selector}`).join(',\n')} { display: none !important }`

/** Breaks long words, keeps text clear of the copy button, and fits replies to the width of a phone. */
export const PAGE_STYLE = `${hide([...HIDDEN, ...FOLDED])}
.swagger-ui .info { margin: 16px 0 }
.swagger-ui .info .title { font-size: 26px }
.swagger-ui .info .title > span { display: inline-flex; gap: 4px; vertical-align: middle }
.swagger-ui .info .title small { position: static; margin: 0 }
.swagger-ui .info p { margin: 8px 0 }
.swagger-ui .info summary { cursor: pointer; font-weight: bold }
.swagger-ui .scheme-container { margin: 0 0 8px; padding: 12px 0; box-shadow: none }
.swagger-ui .scheme-container .schemes { flex-wrap: wrap; gap: 8px; justify-content: flex-start }
.swagger-ui .scheme-container .auth-wrapper { flex: none }
.swagger-ui .scheme-container .sandbox { display: flex; flex-wrap: wrap; align-items: center; gap: 8px }
.swagger-ui .opblock-tag { padding: 4px 8px; margin: 0 }
.swagger-ui ${REPLIES} > td { padding: 6px 8px 6px 0 }
.swagger-ui ${REPLIES} .response-col_description__inner p { margin: 0 }
.swagger-ui ${REPLIES} > .response-col_status { cursor: pointer }
.swagger-ui ${REPLIES} > .response-col_status::after { content: ' ▸' }
.swagger-ui ${REPLIES}.unfolded > .response-col_status::after { content: ' ▾' }
.swagger-ui .responses-table td { overflow-wrap: anywhere }
.swagger-ui .curl-command :is(pre, code, span) { white-space: pre-wrap !important; overflow-wrap: anywhere }
.swagger-ui .live-responses-table .highlight-code > pre { padding-bottom: 48px !important }
@media (max-width: 640px) {
  .swagger-ui .responses-table > thead, .swagger-ui .header-col:nth-child(3) { display: none }
  .swagger-ui .responses-table > tbody > .response,
  .swagger-ui .responses-table > tbody > .response > td { display: block; width: auto; padding: 4px 0 }
  .swagger-ui .responses-table > tbody > .response > .response-col_status { padding-top: 12px; font-weight: bold }
}
`

/**
 * Sets the viewport, without which a phone shows the page at the width of a desktop; folds the introduction after its
 * first paragraph, and each reply, so that the first operation is on the first screen and an open one on three.
 */
export const PAGE_SCRIPT = `document.head.append(
  Object.assign(document.createElement('meta'), { name: 'viewport', content: 'width=device-width' })
)
const create = (name, properties, ...children) => {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}
const whenShown = []
whenShown.push(() => {
  const text = document.querySelector('.info__description .renderedMarkdown:not(:has(> details))')
  if (!text) return
  const [, ...rest] = text.children
  text.append(create('details', {}, create('summary', { textContent: 'How to call it' }), ...rest))
})
const STATUS = '${REPLIES} > .response-col_status'
whenShown.push(() => {
  for (const status of document.querySelectorAll(STATUS + ':not([role])')) {
    Object.assign(status, { role: 'button', tabIndex: 0, ariaExpanded: 'false', title: 'Example and headers' })
  }
})
const toggle = event => {
  const status = event.target.closest(STATUS)
  if (!status) return
  event.preventDefault()
  status.ariaExpanded = String(status.parentElement.classList.toggle('unfolded'))
}
document.addEventListener('click', toggle)
document.addEventListener('keydown', event => {
  if (event.key === 'Enter' || event.key === ' ') toggle(event)
})
new MutationObserver(() => {
  for (const arrange of whenShown) arrange()
}).observe(document.documentElement, { childList: true, subtree: true })
`

/** Buttons in front of the sandbox: they log the page in with the demo key, and restore the initial data. */
export const SANDBOX_SCRIPT = `let ui
// The script that starts Swagger UI when the page is loaded keeps it to itself.
const bundle = window.SwaggerUIBundle
window.SwaggerUIBundle = Object.assign(options => (ui = bundle(options)), bundle)
const home = location.pathname.replace(/\\/docs\\/?.*$/, '/docs/sandbox/')
const ask = async action => {
  const reply = await fetch(home + action, { method: 'POST', headers: { 'x-csrf': '1' } })
  if (!reply.ok) throw new Error('The sandbox does not answer.')
  return reply.json()
}
const logIn = async () => {
  const { token } = await ask('demo')
  const schema = { type: 'http', scheme: 'bearer' }
  ui.authActions.authorize({ bearer: { name: 'bearer', schema, value: token } })
  return 'Logged in as the demo customer.'
}
const reset = async () => {
  await ask('reset')
  return 'The sandbox is as at its start. ' + (await logIn())
}
whenShown.push(() => {
  const schemes = document.querySelector('.scheme-container .schemes:not(:has(.sandbox))')
  if (!schemes) return
  const said = create('span', { role: 'status' })
  const button = (textContent, act) =>
    create('button', {
      textContent,
      className: 'btn',
      onclick: () => act().then(text => said.replaceChildren(text), error => said.replaceChildren(error.message))
    })
  schemes.append(
    create('div', { className: 'sandbox' }, button('Log in with the demo key', logIn), button('Reset the sandbox', reset), said)
  )
})
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
