// Starts the page, and shows the view that the URL names.

import { removeFile, startDeletions } from './deletions.js'
import { startDrop } from './drop.js'
import { $ } from './elements.js'
import { list, reloadFiles, showFiles, startFiles } from './files.js'
import { followRunning } from './jobs.js'
import { askToLogIn, sessionHint, startLogin } from './login.js'
import { showOverview } from './overview.js'
import { ask, attempt, changeView, events, notify, place } from './page.js'
import { startSelection } from './selection.js'
import { download } from './transfers.js'

const show = async () => {
  changeView()
  if (!sessionHint.has()) return askToLogIn('')
  await attempt(async () => {
    if (!$('email').textContent) {
      $('email').textContent = (await ask('GET', '/session')).email || ' '
      // Not worth a message: a caller who may not delete has no jobs.
      void followRunning().catch(() => undefined)
    }
    const where = place()
    await (where.account && where.bucket ? showFiles(where) : showOverview(where))
  }, show)
}

startLogin(show)
startSelection()
startDeletions()
startDrop()
startFiles({
  remove: removeFile,
  download: path => attempt(() => download(list, path))
})

events.addEventListener('session-ended', () => askToLogIn('Your session has ended. Log in again.'))
events.addEventListener('files-changed', ({ detail }) => {
  const { account, bucket } = place()
  if (account === detail.account && bucket === detail.bucket) void attempt(reloadFiles)
})
window.addEventListener('hashchange', () => {
  notify('')
  void show()
})
void show()
