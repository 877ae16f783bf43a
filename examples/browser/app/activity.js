// What goes on in the background: a card for each deletion and each upload, over all views.

import { $, button, html } from './elements.js'
import { escapeInvisible, shownName } from './text.js'

/** Aborted at the end of the session: the cards go with it. */
let session = new AbortController()

export const clearActivity = () => {
  session.abort()
  session = new AbortController()
  $('activity').replaceChildren()
}

/** Failures that a card lists. */
const MAX_FAILURES = 20

/**
 * Adds a card with a progress bar.
 * @param onCancel called by its button, which is there until the end
 */
export const openCard = (title, onCancel) => {
  const meter = html('progress', { max: 1, 'aria-label': title })
  const text = html('p', { class: 'dim' })
  // A screen reader reads the outcome, and not each step to it.
  const outcome = html('p', { role: 'status' })
  const details = html('div', {})
  const cancel = button('Cancel', onCancel, { class: 'quiet', 'aria-label': `Cancel: ${title}` })
  const card = html(
    'article',
    { class: 'card' },
    html('header', {}, html('h2', {}, shownName(title)), cancel),
    meter,
    text,
    outcome,
    details
  )
  $('activity').prepend(card)

  return {
    signal: session.signal,
    /** @param ratio 0 to 1; undefined when the total is unknown */
    progress(ratio, sentence) {
      if (ratio === undefined) meter.removeAttribute('value')
      else meter.value = ratio
      text.textContent = sentence
    },
    /** The end. Each failure has the path of a file and the reason. */
    end(sentence, { isGood = true, failures = [], failed = failures.length } = {}) {
      card.classList.add(isGood ? 'good' : 'bad')
      meter.hidden = true
      text.hidden = true
      outcome.textContent = sentence
      details.replaceChildren(...(failures.length ? [listOf(failures, failed)] : []))
      cancel.replaceWith(button('✕', () => card.remove(), { class: 'quiet', 'aria-label': `Close: ${title}` }))
    },
    /** It waits for the person. */
    pause(sentence, action, onAction) {
      text.textContent = sentence
      const go = button(action, () => {
        go.remove()
        onAction()
      })
      details.replaceChildren(go)
    }
  }
}

const listOf = (failures, failed) => {
  const shown = failures.slice(0, MAX_FAILURES)
  return html(
    'ul',
    { class: 'failures', 'aria-label': 'Failed files' },
    ...shown.map(({ path, reason }) =>
      html('li', {}, html('bdi', {}, shownName(path)), html('span', { class: 'dim' }, escapeInvisible(reason)))
    ),
    ...(failed > shown.length ? [html('li', { class: 'dim' }, `and ${failed - shown.length} more`)] : [])
  )
}
