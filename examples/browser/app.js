// The whole page. Names of files, folders and buckets are inserted as text, never as HTML.

const GATEWAY = document.querySelector('meta[name="gateway"]').content.replace(/\/$/, '')

/** 90 s: longer than the gateway waits for HOSTKEY. */
const TIMEOUT_MS = 90_000

const PAGE_SIZE = 100

/** Pages to request per click: a page may hold nothing of the folder that is shown. */
const MAX_PAGES = 10

/** Longer names are shown without their middle. The dialog shows the full name. */
const MAX_CHARACTERS = 80

const $ = id => document.getElementById(id)

// ── The gateway ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A problem of the gateway (RFC 9457), or of the page when there is no reply. */
class Problem extends Error {
  constructor(fields) {
    super(fields.title)
    Object.assign(this, { retryable: false, ...fields })
  }
}

/** One request with the session cookie. `X-CSRF` proves that it comes from this page: other sites cannot set it. */
const call = async (method, path, { query = {}, body, signal = view.signal } = {}) => {
  const url = new URL(GATEWAY + path, location.href)
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value)
  let reply
  let text
  try {
    reply = await fetch(url, {
      method,
      credentials: 'include',
      headers: { 'X-CSRF': '1', ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    })
    text = await reply.text()
  } catch (error) {
    if (signal.aborted) throw error
    throw new Problem({
      title: 'No reply from the gateway',
      detail: 'Check your connection, then try again.',
      retryable: true
    })
  }
  const data = parseJson(text)
  if (reply.ok) return data
  const instance = reply.headers.get('x-request-id') ?? undefined
  throw new Problem({
    title: 'The request failed',
    detail: `The status of the reply was ${reply.status}.`,
    instance,
    ...data,
    status: reply.status,
    retryAfter: reply.headers.get('retry-after')
  })
}

const parseJson = text => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const accountPath = account => `/accounts/${encodeURIComponent(account)}`
const filesPath = (account, bucket) => `${accountPath(account)}/buckets/${encodeURIComponent(bucket)}/files`

// ── Elements ────────────────────────────────────────────────────────────────────────────────────────────────────────

const withAttributes = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  // A string becomes a text node, never markup.
  element.append(...children)
  return element
}

const html = (name, attributes = {}, ...children) => withAttributes(document.createElement(name), attributes, children)

const svg = (name, attributes = {}, ...children) =>
  withAttributes(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children)

const button = (text, onClick, attributes = {}) => {
  const element = html('button', { type: 'button', ...attributes }, text)
  element.addEventListener('click', onClick)
  return element
}

const icon = name => svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `#icon-${name}` }))

// ── Text ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

const formatBytes = bytes => {
  if (bytes === undefined) return '–'
  const unit = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** unit
  const digits = unit === 0 || value >= 100 ? 0 : 1
  return `${value.toLocaleString('en', { maximumFractionDigits: digits })} ${UNITS[unit]}`
}

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
const minute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', hour12: false })
const time = (instant, format) => (instant ? html('time', { datetime: instant }, format.format(new Date(instant))) : '')

/** Invisible characters, and those that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a file name may hold any of them.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const escapeInvisible = text => text.replace(INVISIBLE, found => `\\u{${found.codePointAt(0).toString(16)}}`)

const shorten = text => {
  const characters = [...text]
  if (characters.length <= MAX_CHARACTERS) return text
  const half = MAX_CHARACTERS / 2
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`
}

/** `bdi`: a right-to-left name does not reorder the text around it. */
const nameElement = text => html('bdi', {}, shorten(escapeInvisible(text)))

const countOf = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`

// ── The view ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Aborted when the view changes, so that a late reply is ignored. */
let view = new AbortController()

/** Whether the browser may have a session: scripts cannot read the cookie. Holds no secret. */
const sessionHint = {
  has: () => localStorage.getItem('session') === 'yes',
  set: () => localStorage.setItem('session', 'yes'),
  clear: () => localStorage.removeItem('session')
}

/** The view is in the URL, for the back button: `#account=…&bucket=…&folder=…` or `&search=…`. */
const place = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
const addressOf = where => `#${new URLSearchParams(where)}`

const open = (section, title) => {
  for (const id of ['login', 'overview', 'files']) $(id).hidden = id !== section
  document.title = section === 'overview' ? 'Storage' : `${title} · Storage`
  $('who').hidden = section === 'login'
}

const notify = text => {
  $('notice').textContent = text
}

/** Shows a problem, with the id of the request for support. */
const showProblem = (error, retry) => {
  const box = $('problem')
  const lines = [error.upstream?.message ? `HOSTKEY: ${error.upstream.message}` : error.detail]
  if (error.outcome === 'unknown') lines.push('The outcome is unknown. Check before you try again.')
  if (error.retryAfter) lines.push(`Try again in ${countOf(Number(error.retryAfter), 'second')}.`)
  for (const fault of error.errors ?? []) lines.push(`${fault.parameter ?? fault.pointer ?? fault.in}: ${fault.detail}`)
  box.replaceChildren(
    html('strong', {}, error.title),
    ...lines.map(text => html('p', {}, escapeInvisible(text))),
    ...(error.instance ? [html('p', { class: 'dim' }, `Request id: ${error.instance}`)] : []),
    ...(retry && error.retryable ? [button('Try again', retry)] : [])
  )
  box.hidden = false
  box.scrollIntoView({ block: 'nearest' })
}

/** Runs `work` and shows its failure. When the session has ended, the login is shown. */
const attempt = async (work, retry) => {
  const { signal } = view
  $('problem').hidden = true
  try {
    await work()
  } catch (error) {
    if (signal.aborted) return
    if (error.status === 401) return askToLogIn('Your session has ended. Log in again.')
    if (!(error instanceof Problem)) console.error(error)
    showProblem(
      error instanceof Problem ? error : new Problem({ title: 'Error in the page', detail: String(error) }),
      retry
    )
  }
}

/** Shows the view that the URL names. */
const show = async () => {
  view.abort()
  view = new AbortController()
  $('confirm').close()
  if (!sessionHint.has()) return askToLogIn('')
  await attempt(async () => {
    if (!$('email').textContent) $('email').textContent = (await call('GET', '/session')).email ?? ''
    const where = place()
    await (where.account && where.bucket ? showFiles(where) : showOverview(where))
  }, show)
}

// ── Logging in and out ──────────────────────────────────────────────────────────────────────────────────────────────

const askToLogIn = notice => {
  view.abort()
  view = new AbortController()
  sessionHint.clear()
  $('confirm').close()
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

const logIn = () =>
  whileBusy($('login-form').querySelector('.main'), async () => {
    const body = Object.fromEntries(shownCredential().map(({ name, value }) => [name, value]))
    $('problem').hidden = true
    notify('')
    try {
      const { email } = await call('POST', '/session', { body })
      // The credential is needed only once.
      $('login-form').reset()
      sessionHint.set()
      $('email').textContent = email ?? ''
      await show()
      $('overview-title').focus()
    } catch (error) {
      showProblem(error)
      shownCredential()[0].focus()
    }
  })

const logOut = () =>
  attempt(async () => {
    await call('DELETE', '/session')
    history.replaceState(null, '', location.pathname)
    askToLogIn('You are logged out.')
  }, logOut)

const whileBusy = async (element, work) => {
  element.disabled = true
  try {
    await work()
  } finally {
    element.disabled = false
  }
}

// ── Accounts, buckets and usage ─────────────────────────────────────────────────────────────────────────────────────

const showOverview = async ({ account: requested }) => {
  const { items } = await call('GET', '/accounts')
  const account = items.find(({ s3uid }) => s3uid === requested) ?? items[0]
  $('account').replaceChildren(
    ...items.map(({ s3uid, location }) =>
      html('option', { value: s3uid }, [s3uid, location].filter(Boolean).join(' · '))
    )
  )
  $('buckets').replaceChildren()
  showUsage({})
  open('overview', 'Storage')
  if (!account) return notify('There is no account yet.')
  $('account').value = account.s3uid
  const buckets = (await call('GET', `${accountPath(account.s3uid)}/buckets`)).items
  showBuckets(account.s3uid, buckets)
  // Usage is slower and has its own rate limit: show the buckets first.
  const usage = await call('GET', `${accountPath(account.s3uid)}/usage`)
  showUsage(usage)
  showBuckets(account.s3uid, buckets, usage)
}

const showBuckets = (account, buckets, usage) => {
  const sizes = new Map(usage?.buckets.map(({ name, storageBytes }) => [name, storageBytes]))
  const largest = Math.max(1, ...[...sizes.values()].map(size => size ?? 0))
  const rows = buckets.map(({ name, createdAt }) =>
    html(
      'li',
      {},
      html('a', { class: 'name', href: addressOf({ account, bucket: name }) }, icon('bucket'), nameElement(name)),
      html('span', { class: 'share' }, bar((sizes.get(name) ?? 0) / largest)),
      html('span', { class: 'meta' }, formatBytes(sizes.get(name))),
      html('span', { class: 'meta date' }, time(createdAt, day))
    )
  )
  // Rows are replaced: keep the focus on the same bucket.
  const focused = [...$('buckets').querySelectorAll('a')].indexOf(document.activeElement)
  $('buckets').replaceChildren(
    ...(rows.length ? rows : [html('li', { class: 'empty' }, 'This account has no bucket.')])
  )
  $('buckets').querySelectorAll('a')[focused]?.focus()
}

const showUsage = ({ storageBytes, quotaBytes, quotaUsedRatio = 0, snapshots = [] }) => {
  $('used').textContent = formatBytes(storageBytes)
  $('quota').replaceChildren(bar(quotaUsedRatio))
  const percent = quotaUsedRatio.toLocaleString('en', { style: 'percent', maximumFractionDigits: 2 })
  $('quota-text').textContent = quotaBytes ? `${percent} of ${formatBytes(quotaBytes)}` : ''
  const measured = snapshots.filter(({ createdAt, storageBytes }) => createdAt && storageBytes !== undefined)
  drawTrend = () => $('trend-chart').replaceChildren(trendOf(measured, $('trend-chart').clientWidth))
  drawTrend()
}

// ── Charts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A ratio of 0 to 1 as a bar. Any ratio above 0 is at least 2 % wide, to be visible. */
const bar = ratio => {
  const width = ratio > 0 ? Math.min(100, Math.max(2, ratio * 100)) : 0
  return svg(
    'svg',
    { class: 'bar', 'aria-hidden': 'true' },
    svg('rect', { class: 'track', width: '100%', height: 6, rx: 3 }),
    svg('rect', { class: 'part', width: `${width}%`, height: 6, rx: 3 })
  )
}

const HEIGHT = 160
const MARGIN = { top: 10, right: 8, bottom: 24, left: 68 }

let drawTrend = () => undefined

/** The storage of each snapshot, as a line above an area. @param width in pixels */
const trendOf = (snapshots, width) => {
  if (snapshots.length < 2 || width === 0)
    return html('p', { class: 'dim' }, snapshots.length ? 'Only one snapshot so far.' : '')
  const points = snapshots
    .map(({ createdAt, storageBytes }) => ({ at: Date.parse(createdAt), bytes: storageBytes }))
    .sort((one, other) => one.at - other.at)
  const [first, last] = [points[0], points.at(-1)]
  const top = niceTop(Math.max(...points.map(({ bytes }) => bytes)))
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
  const x = ({ at }) => MARGIN.left + (inner.width * (at - first.at)) / Math.max(1, last.at - first.at)
  const y = bytes => MARGIN.top + inner.height * (1 - bytes / top)
  const path = points.map(point => `${x(point).toFixed(1)},${y(point.bytes).toFixed(1)}`).join('L')
  const base = `L${x(last)},${y(0)}L${x(first)},${y(0)}Z`
  const label = `Storage: ${points.map(({ at, bytes }) => `${formatBytes(bytes)} on ${day.format(at)}`).join(', ')}`
  return svg(
    'svg',
    { width, height: HEIGHT, role: 'img', 'aria-label': label },
    ...[0, 0.5, 1].flatMap(part => [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(top * part), y2: y(top * part) }),
      svg('text', { x: MARGIN.left - 12, y: y(top * part) + 4, 'text-anchor': 'end' }, formatBytes(top * part))
    ]),
    svg('path', { class: 'area', d: `M${path}${base}` }),
    svg('path', { class: 'line', d: `M${path}` }),
    ...points.map(point =>
      svg(
        'circle',
        { class: 'dot', cx: x(point), cy: y(point.bytes), r: 4 },
        svg('title', {}, `${formatBytes(point.bytes)}, ${day.format(point.at)}`)
      )
    ),
    svg('text', { x: MARGIN.left, y: HEIGHT - 4 }, day.format(first.at)),
    svg('text', { x: width - MARGIN.right, y: HEIGHT - 4, 'text-anchor': 'end' }, day.format(last.at))
  )
}

/** The next power of two: labels without fractions. */
const niceTop = bytes => 2 ** Math.ceil(Math.log2(Math.max(2, bytes)))

// ── Files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The list that is shown, and the cursor of its next page. */
let list

const showFiles = async ({ account, bucket, folder = '', search = '' }) => {
  list = { account, bucket, folder, search, cursor: undefined, folders: 0, files: 0, isEnd: false, isComplete: false }
  $('rows').replaceChildren()
  $('load-more').hidden = true
  $('search').value = search
  const title = search ? `Results for “${shorten(escapeInvisible(search))}”` : lastOf(folder) || bucket
  $('files-title').replaceChildren(nameElement(title))
  showTrail(list)
  open('files', title)
  $('files-title').focus()
  await loadMore()
}

const lastOf = folder => folder.replace(/\/$/, '').split('/').at(-1)

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
const loadMore = async () => {
  const shown = list
  $('count').textContent = shown.files === 0 ? 'Loading…' : 'Loading more…'
  const before = $('rows').childElementCount
  try {
    for (let pages = 0; pages < MAX_PAGES && !shown.isEnd && $('rows').childElementCount === before; pages++) {
      const { account, bucket, folder, search, cursor } = shown
      const query = { limit: PAGE_SIZE, folder, search, cursor }
      const page = await call('GET', filesPath(account, bucket), { query })
      shown.cursor = page.nextCursor ?? undefined
      shown.isEnd = page.nextCursor === null
      shown.isComplete = page.complete
      $('rows').append(...rowsOf(shown, page))
    }
    showCount()
  } catch (error) {
    if (shown === list) $('count').textContent = ''
    throw error
  } finally {
    $('load-more').hidden = shown.cursor === undefined
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
  const row = html(
    'li',
    {},
    html('span', { class: 'name' }, icon('file'), nameElement(name)),
    html('span', { class: 'meta size' }, formatBytes(file.sizeBytes)),
    html('span', { class: 'meta date' }, time(file.modifiedAt, minute)),
    button('Delete', () => askToDelete(file.path, row), {
      class: 'quiet',
      'aria-label': `Delete ${escapeInvisible(file.path)}`
    })
  )
  return row
}

const showCount = () => {
  const { files, folders, isEnd, isComplete } = list
  const parts = [countOf(files, 'file'), ...(folders ? [countOf(folders, 'folder')] : [])].join(', ')
  const more = isComplete ? '' : isEnd ? ', HOSTKEY does not show all' : ', more to load'
  if (files || folders) $('count').textContent = parts + more
  else $('count').textContent = isComplete ? 'No files.' : `No files so far${more}`
}

// ── Deleting a file ─────────────────────────────────────────────────────────────────────────────────────────────────

const askToDelete = (path, row) => {
  $('confirm-path').replaceChildren(html('bdi', {}, escapeInvisible(path)))
  $('confirm-yes').onclick = () => remove(path, row)
  $('confirm').showModal()
  // Enter must not delete by accident.
  $('confirm-no').focus()
}

const remove = (path, row) =>
  whileBusy($('confirm-yes'), async () => {
    const { account, bucket } = list
    notify('')
    await attempt(async () => {
      // In the query: browsers rewrite dots and slashes in the path of a URL.
      await call('DELETE', filesPath(account, bucket), { query: { path } })
      const next = row.nextElementSibling ?? row.previousElementSibling
      row.remove()
      list.files -= 1
      showCount()
      $('confirm').close()
      notify(`Deleted ${shorten(escapeInvisible(path))}`)
      ;(next?.querySelector('a, button') ?? $('files-title')).focus()
    })
    $('confirm').close()
  })

// ── Start ───────────────────────────────────────────────────────────────────────────────────────────────────────────

$('login-form').addEventListener('change', chooseCredential)
$('login-form').addEventListener('submit', event => {
  event.preventDefault()
  void logIn()
})
$('logout').addEventListener('click', logOut)
$('account').addEventListener('change', ({ target }) => {
  location.hash = addressOf({ account: target.value })
})
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
$('confirm-no').addEventListener('click', () => $('confirm').close())
window.addEventListener('hashchange', () => {
  notify('')
  void show()
})
new ResizeObserver(() => drawTrend()).observe($('trend-chart'))
void show()
