// The files of a folder, or those that a search finds.

import { $, button, html, icon, whileBusy } from './elements.js'
import { bucketPath } from './gateway.js'
import { addressOf, ask, attempt, open } from './page.js'
import { clearSelection, isSelected, keepShown, selectable, showSelection } from './selection.js'
import { countOf, escapeInvisible, formatBytes, lastOf, minute, nameElement, shownName, time } from './text.js'

const PAGE_SIZE = 100

/** Pages to request per click: a page may hold nothing of the folder that is shown. */
const MAX_PAGES = 10

/** The list that is shown, and the cursor of its next page. */
export let list

/** What a row offers: set by `main.js`. */
let actions

export const startFiles = given => {
  actions = given
  $('search-form').addEventListener('submit', event => {
    event.preventDefault()
    const { account, bucket } = list
    const search = $('search').value.trim()
    location.hash = addressOf({ account, bucket, ...(search && { search }) })
  })
  $('load-more').addEventListener('click', () => {
    const load = () => whileBusy($('load-more'), () => attempt(loadMore, load))
    void load()
  })
}

export const showFiles = async where => {
  const { account, bucket, folder = '', search = '' } = where
  clearSelection()
  reset({ account, bucket, folder, search })
  $('rows').replaceChildren()
  $('search').value = search
  const title = search ? `Results for “${shownName(search)}”` : lastOf(folder) || bucket
  $('files-title').replaceChildren(nameElement(title))
  $('delete-all').textContent = folder ? 'Delete folder' : 'Empty bucket'
  $('delete-all').hidden = true
  $('upload').hidden = search !== ''
  $('nothing').hidden = true
  showTrail(list)
  open('files', title)
  $('files-title').focus()
  await loadMore()
}

/** Reads the list anew, from its first page. */
export const reloadFiles = async () => {
  reset(list)
  await loadMore({ replaces: true })
}

const reset = ({ account, bucket, folder, search }) => {
  list = { account, bucket, folder, search, cursor: undefined, folders: 0, files: 0, isEnd: false, isComplete: false }
  $('load-more').hidden = true
}

const showTrail = ({ account, bucket, folder, search }) => {
  const link = (text, where) => html('a', { href: addressOf(where) }, nameElement(text))
  const parts = folder.split('/').slice(0, -1)
  const folders = parts.map((part, index) => [part || '/', `${parts.slice(0, index + 1).join('/')}/`])
  const steps = [link('Overview', { account }), link(bucket, { account, bucket })]
  for (const [name, path] of folders) steps.push(link(name, { account, bucket, folder: path }))
  // The heading shows the current folder.
  if (!search) steps.pop()
  $('trail').replaceChildren(...steps)
}

/** Requests the next pages until there is a row to show. */
const loadMore = async ({ replaces = false } = {}) => {
  const shown = list
  $('count').textContent = shown.files === 0 ? 'Loading…' : 'Loading more…'
  const rows = []
  try {
    for (let pages = 0; pages < MAX_PAGES && !shown.isEnd && rows.length === 0; pages++) {
      const { folder, search, cursor } = shown
      const query = { limit: PAGE_SIZE, folder, search, cursor }
      const page = await ask('GET', `${bucketPath(shown)}/files`, { query })
      // The list was read anew meanwhile.
      if (shown !== list) return
      shown.cursor = page.nextCursor ?? undefined
      shown.isEnd = page.nextCursor === null
      shown.isComplete = page.complete
      rows.push(...rowsOf(shown, page))
    }
    if (replaces) $('rows').replaceChildren(...rows)
    else $('rows').append(...rows)
    keepShown()
    showCount()
  } catch (error) {
    if (shown === list) $('count').textContent = ''
    throw error
  } finally {
    if (shown === list) $('load-more').hidden = shown.cursor === undefined
  }
}

/** The rows of a page. */
const rowsOf = (shown, { items, folders }) => {
  const { folder, search, account, bucket } = shown
  shown.files += items.length
  shown.folders += folders.length
  return [
    ...folders.map(({ path }) => folderRow(path.slice(folder.length), { account, bucket, folder: path })),
    ...items.map(file => fileRow(file, search ? file.path : file.path.slice(folder.length) || file.path))
  ]
}

const folderRow = (name, where) =>
  html(
    'li',
    { class: 'folder' },
    html('a', { class: 'name', href: addressOf(where) }, icon('folder'), nameElement(name))
  )

const fileRow = (file, name) => {
  const { path, sizeBytes, modifiedAt } = file
  const label = escapeInvisible(path)
  const action = (text, symbol, run) => {
    const element = button('', () => run(path, row), { class: 'quiet', title: text, 'aria-label': `${text} ${label}` })
    element.append(icon(symbol))
    return element
  }
  const row = html(
    'li',
    { class: 'file' },
    selectable(path, label),
    html('span', { class: 'name' }, icon('file'), nameElement(name)),
    html('span', { class: 'meta size' }, formatBytes(sizeBytes)),
    html('span', { class: 'meta date' }, time(modifiedAt, minute)),
    html(
      'span',
      { class: 'row-actions' },
      action('Download', 'download', actions.download),
      action('Delete', 'delete', actions.remove)
    )
  )
  row.classList.toggle('selected', isSelected(path))
  return row
}

export const forgetRow = row => {
  const next = row.nextElementSibling ?? row.previousElementSibling
  row.remove()
  list.files -= 1
  showCount()
  ;(next?.querySelector('a, input') ?? $('files-title')).focus()
}

const showCount = () => {
  const { files, folders, isEnd, isComplete } = list
  const parts = [countOf(files, 'file'), ...(folders ? [countOf(folders, 'folder')] : [])].join(', ')
  const more = isComplete ? '' : isEnd ? ', HOSTKEY does not show all' : ', more to load'
  if (files || folders) $('count').textContent = parts + more
  else $('count').textContent = isComplete ? '' : `No files so far${more}`
  const isEmpty = files + folders === 0 && isComplete
  $('nothing').hidden = !isEmpty
  $('delete-all').hidden = isEmpty || list.search !== ''
  showSelection()
}
