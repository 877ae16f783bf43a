// Files that are dropped on the page, or picked.

import { $ } from './elements.js'
import { list } from './files.js'
import { notify } from './page.js'
import { upload } from './transfers.js'

const canUpload = () => !$('files').hidden && !list.search

const start = files => {
  if (files.length === 0) return
  const { account, bucket, folder } = list
  notify('')
  void upload({ account, bucket, folder }, files)
}

/** A dropped folder is an entry without bytes: only files are taken. */
const filesOf = ({ items }) =>
  [...items].flatMap(item => {
    const file = item.webkitGetAsEntry?.()?.isDirectory ? null : item.getAsFile()
    return file ?? []
  })

export const startDrop = () => {
  $('upload').addEventListener('click', () => $('picker').click())
  $('picker').addEventListener('change', ({ target }) => {
    start([...target.files])
    target.value = ''
  })
  const isFileDrag = ({ dataTransfer }) => dataTransfer?.types.includes('Files')
  document.addEventListener('dragover', event => {
    if (!isFileDrag(event)) return
    // Otherwise the browser would open the file instead of this page.
    event.preventDefault()
    event.dataTransfer.dropEffect = canUpload() ? 'copy' : 'none'
    $('drop').hidden = !canUpload()
  })
  document.addEventListener('dragleave', event => {
    if (!event.relatedTarget) $('drop').hidden = true
  })
  document.addEventListener('drop', event => {
    if (!isFileDrag(event)) return
    event.preventDefault()
    $('drop').hidden = true
    if (!canUpload()) return
    const files = filesOf(event.dataTransfer)
    if (files.length < event.dataTransfer.items.length) notify('Folders are left out: drop files.')
    start(files)
  })
}
