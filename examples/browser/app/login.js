// Logging in and out.

import { clearActivity } from './activity.js'
import { $, whileBusy } from './elements.js'
import { ask, attempt, changeView, notify, open, showProblem } from './page.js'

/** Whether the browser may have a session: scripts cannot read the cookie. Holds no secret. */
export const sessionHint = {
  has: () => localStorage.getItem('session') === 'yes',
  set: () => localStorage.setItem('session', 'yes'),
  clear: () => localStorage.removeItem('session')
}

export const askToLogIn = notice => {
  changeView()
  clearActivity()
  sessionHint.clear()
  $('email').textContent = ''
  $('login-form').reset()
  chooseCredential()
  open('login', 'Log in')
  notify(notice)
  shownCredential()[0].focus()
}

const credentialFields = kind => [...document.querySelectorAll(`[data-kind="${kind}"] input`)]
const chosenKind = () => new FormData($('login-form')).get('kind')
const shownCredential = () => credentialFields(chosenKind())

/** Hidden fields are disabled: they are neither sent nor required. */
const chooseCredential = () => {
  for (const part of document.querySelectorAll('[data-kind]')) {
    part.hidden = part.dataset.kind !== chosenKind()
    for (const field of part.querySelectorAll('input')) field.disabled = part.hidden
  }
}

const logIn = onSuccess =>
  whileBusy($('login-form').querySelector('.main'), async () => {
    const body = Object.fromEntries(shownCredential().map(({ name, value }) => [name, value]))
    $('problem').hidden = true
    notify('')
    try {
      await ask('POST', '/session', { body })
      // The credential is needed only once.
      $('login-form').reset()
      sessionHint.set()
      await onSuccess()
      $('overview-title').focus()
    } catch (error) {
      showProblem(error)
      shownCredential()[0].focus()
    }
  })

const logOut = () =>
  attempt(async () => {
    await ask('DELETE', '/session')
    history.replaceState(null, '', location.pathname)
    askToLogIn('You are logged out.')
  }, logOut)

export const startLogin = onSuccess => {
  $('login-form').addEventListener('change', chooseCredential)
  $('login-form').addEventListener('submit', event => {
    event.preventDefault()
    void logIn(onSuccess)
  })
  $('logout').addEventListener('click', logOut)
}
