// The one dialog of the page: asks before something is deleted.

import { $, html } from './elements.js'
import { escapeInvisible } from './text.js'

const dialog = $('confirm')
const [name, yes, no] = [$('confirm-name'), $('confirm-yes'), $('confirm-no')]

/**
 * Asks. Cancel has the focus: Enter must not delete by accident.
 * @param options.typed the name that must be typed first
 * @param options.more a promise of more text, such as a count
 * @returns whether the answer was yes
 */
export const confirmed = ({ title, subject, action, typed = '', more }) => {
  $('confirm-title').textContent = title
  $('confirm-path').replaceChildren(html('bdi', {}, escapeInvisible(subject)))
  $('confirm-more').textContent = ''
  $('confirm-typed').hidden = typed === ''
  name.value = ''
  yes.textContent = action
  const check = () => {
    yes.disabled = name.value !== typed
  }
  name.oninput = check
  check()
  dialog.returnValue = ''
  dialog.showModal()
  ;(typed === '' ? no : name).focus()
  const closed = new Promise(resolve => dialog.addEventListener('close', resolve, { once: true }))
  let isOpen = true
  more?.then(
    text => isOpen && $('confirm-more').replaceChildren(text),
    () => undefined
  )
  return closed.then(() => {
    isOpen = false
    return dialog.returnValue === 'yes'
  })
}

yes.addEventListener('click', () => dialog.close('yes'))
no.addEventListener('click', () => dialog.close(''))
name.addEventListener('keydown', ({ key }) => {
  if (key === 'Enter' && !yes.disabled) dialog.close('yes')
})
