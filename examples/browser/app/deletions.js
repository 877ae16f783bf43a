// Asks, and deletes: one file at once, many as a job.

import { confirmed } from './dialog.js'
import { $, whileBusy } from './elements.js'
import { forgetRow, list } from './files.js'
import { bucketPath } from './gateway.js'
import { deleteFiles, MAX_PATHS } from './jobs.js'
import { ask, attempt, notify } from './page.js'
import { clearSelection, selectedPaths } from './selection.js'
import { countOf, formatBytes, shownName } from './text.js'

/** @param row of the file */
export const removeFile = async (path, row) => {
  if (!(await confirmed({ title: 'Delete this file?', subject: path, action: 'Delete file' }))) return
  notify('')
  await attempt(async () => {
    // In the query: browsers rewrite dots and slashes in the path of a URL.
    await ask('DELETE', `${bucketPath(list)}/files`, { query: { path } })
    clearSelection([path])
    forgetRow(row)
    notify(`Deleted ${shownName(path)}`)
  })
}

const removeSelected = async () => {
  const paths = selectedPaths()
  const { account, bucket } = list
  const subject = paths.length > 10 ? `${paths.slice(0, 10).join('\n')}\n…` : paths.join('\n')
  const title = `Delete ${countOf(paths.length, 'file')}?`
  if (!(await confirmed({ title, subject, action: `Delete ${countOf(paths.length, 'file')}` }))) return
  await attempt(async () => {
    // A second request would meet 409 job-running: the rest stays selected.
    const first = paths.slice(0, MAX_PATHS)
    await deleteFiles({ account, bucket }, { paths: first })
    clearSelection(first)
  })
}

/** The folder that is shown, or the whole bucket. */
const removeAll = async () => {
  const { account, bucket, folder } = list
  const where = { account, bucket }
  const more = ask('GET', `${bucketPath(where)}/folders/summary`, { query: { folder } }).then(
    ({ files, storageBytes, complete }) =>
      `${complete ? '' : 'At least '}${countOf(files, 'file')}, ${formatBytes(storageBytes)}.`
  )
  const isConfirmed = await confirmed({
    ...(folder ? { title: 'Delete this folder?', subject: folder } : { title: 'Empty this bucket?', subject: bucket }),
    action: folder ? 'Delete folder' : 'Empty bucket',
    typed: bucket,
    more
  })
  if (!isConfirmed) return
  await attempt(() => deleteFiles(where, folder ? { prefix: folder, confirm: bucket } : { all: true, confirm: bucket }))
}

export const startDeletions = () => {
  for (const [id, remove] of [
    ['delete-selected', removeSelected],
    ['delete-all', removeAll]
  ]) {
    $(id).addEventListener('click', () => whileBusy($(id), remove))
  }
}
