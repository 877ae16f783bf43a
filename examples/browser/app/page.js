// What all views share: the address, the title, notices and problems.

import { $, button, html } from './elements.js'
import { call, Problem } from './gateway.js'
import { countOf, escapeInvisible } from './text.js'

/** Aborted when the view changes, so that a late reply is ignored. */
export let view = new AbortController()

export const changeView = () => {
  view.abort()
  view = new AbortController()
  $('confirm').close()
}

/** A request for the view that is shown. */
export const ask = (method, path, options) => call(method, path, { signal: view.signal, ...options })

/** `session-ended`; `files-changed` with the account and bucket in `detail`. */
export const events = new EventTarget()

/** The view is in the URL, for the back button: `#account=…&bucket=…&folder=…` or `&search=…`. */
export const place = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
export const addressOf = where => `#${new URLSearchParams(where)}`

export const open = (section, title) => {
  for (const id of ['login', 'overview', 'files']) $(id).hidden = id !== section
  document.title = section === 'overview' ? 'Storage' : `${title} · Storage`
  $('who').hidden = section === 'login'
}

export const notify = text => {
  $('notice').textContent = text
}

/** A problem in sentences: what happened, what became of it, what to do. */
const sentencesOf = error => {
  const lines = [error.upstream?.message ? `HOSTKEY: ${error.upstream.message}` : error.detail]
  if (error.outcome === 'unknown') lines.push('The outcome is unknown. Check before you try again.')
  if (error.retryAfter) lines.push(`Try again in ${countOf(Number(error.retryAfter), 'second')}.`)
  for (const fault of error.errors ?? []) lines.push(`${fault.parameter ?? fault.pointer ?? fault.in}: ${fault.detail}`)
  return lines.filter(Boolean)
}

/** Why something failed, in one line. */
export const reasonOf = error => [error.title ?? error.message, ...sentencesOf(error)].filter(Boolean).join(' · ')

/** Shows a problem, with the id of the request for support. */
export const showProblem = (error, retry) => {
  const box = $('problem')
  box.replaceChildren(
    html('strong', {}, error.title),
    ...sentencesOf(error).map(text => html('p', {}, escapeInvisible(text))),
    ...(error.instance ? [html('p', { class: 'dim' }, `Request id: ${error.instance}`)] : []),
    ...(retry && error.retryable ? [button('Try again', retry)] : [])
  )
  box.hidden = false
  box.scrollIntoView({ block: 'nearest' })
}

/** Runs `work` and shows its failure. When the session has ended, the login is shown. */
export const attempt = async (work, retry) => {
  const { signal } = view
  $('problem').hidden = true
  try {
    await work()
  } catch (error) {
    if (signal.aborted) return
    if (error.status === 401) return void events.dispatchEvent(new Event('session-ended'))
    if (!(error instanceof Problem)) console.error(error)
    showProblem(
      error instanceof Problem ? error : new Problem({ title: 'Error in the page', detail: String(error) }),
      retry
    )
  }
}
