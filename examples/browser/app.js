// The whole page. What HOSTKEY or a customer has named (files, folders, buckets) becomes text, never HTML.

const GATEWAY = document.querySelector('meta[name="gateway"]').content.replace(/\/$/, '')

/** 90 s: longer than the gateway waits for HOSTKEY. */
const TIMEOUT_MS = 90_000

const PAGE_SIZE = 100

/** A page of the list may hold nothing of the folder that is shown; so many are asked for at one click. */
const MOST_PAGES = 10

/** Longer names are shown with their middle left out; the dialog shows all of them. */
const MOST_CHARACTERS = 80

const $ = id => document.getElementById(id)

// ── The gateway ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What went wrong, in words: RFC 9457, or our own where no reply came. */
class Problem extends Error {
  constructor(fields) {
    super(fields.title)
    Object.assign(this, { retryable: false, ...fields })
  }
}

/** One request by cookie. `X-CSRF` shows that a page of ours sends it: no page of another site can set it. */
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
      title: 'The gateway does not answer',
      detail: 'Look at your connection, then try again.',
      retryable: true
    })
  }
  const data = parsed(text)
  if (reply.ok) return data
  const instance = reply.headers.get('x-request-id') ?? undefined
  throw new Problem({
    title: 'That did not work',
    detail: `The answer was ${reply.status}.`,
    instance,
    ...data,
    status: reply.status,
    retryAfter: reply.headers.get('retry-after')
  })
}

const parsed = text => {
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
  // A string becomes a text node: nothing in it is markup.
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

// ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

const inBytes = bytes => {
  if (bytes === undefined) return '–'
  const unit = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** unit
  const digits = unit === 0 || value >= 100 ? 0 : 1
  return `${value.toLocaleString('en', { maximumFractionDigits: digits })} ${UNITS[unit]}`
}

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
const minute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', hour12: false })
const time = (instant, format) => (instant ? html('time', { datetime: instant }, format.format(new Date(instant))) : '')

/** Characters that cannot be seen, or that turn the direction of the text around them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a file name may hold any of them.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const visible = text => text.replace(INVISIBLE, found => `\\u{${found.codePointAt(0).toString(16)}}`)

const shortened = text => {
  const characters = [...text]
  if (characters.length <= MOST_CHARACTERS) return text
  const half = MOST_CHARACTERS / 2
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`
}

/** `bdi`: a name that is written from right to left leaves what is beside it alone. */
const named = text => html('bdi', {}, shortened(visible(text)))

const counted = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`

// ── What is shown ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Ends with what is shown: an answer that comes later belongs to nothing. */
let view = new AbortController()

/** Does the browser have a session? The cookie cannot be read; this is only a memory of it, and no secret. */
const memory = {
  has: () => localStorage.getItem('session') === 'yes',
  keep: () => localStorage.setItem('session', 'yes'),
  drop: () => localStorage.removeItem('session')
}

/** What the address names: `#account=…&bucket=…&folder=…` or `&search=…`. Back and forward work by it. */
const place = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
const addressOf = where => `#${new URLSearchParams(where)}`

const open = (section, title) => {
  for (const id of ['login', 'overview', 'files']) $(id).hidden = id !== section
  document.title = section === 'overview' ? 'Storage' : `${title} · Storage`
  $('who').hidden = section === 'login'
}

const tell = text => {
  $('notice').textContent = text
}

/** Shows a problem in words, with the id that support asks for. */
const showProblem = (error, again) => {
  const box = $('problem')
  const said = [error.upstream ? `HOSTKEY says: ${error.upstream.message}` : error.detail]
  if (error.outcome === 'unknown') said.push('Nobody knows yet whether it was done: look before you try again.')
  if (error.retryAfter) said.push(`Try again in ${counted(Number(error.retryAfter), 'second')}.`)
  for (const fault of error.errors ?? []) said.push(`${fault.parameter ?? fault.pointer ?? fault.in}: ${fault.detail}`)
  box.replaceChildren(
    html('strong', {}, error.title),
    ...said.map(text => html('p', {}, visible(text))),
    ...(error.instance ? [html('p', { class: 'dim' }, `Request id: ${error.instance}`)] : []),
    ...(again && error.retryable ? [button('Try again', again)] : [])
  )
  box.hidden = false
  box.scrollIntoView({ block: 'nearest' })
}

/** Runs what may fail. A session that has ended leads back to the login. */
const attempt = async (work, again) => {
  const { signal } = view
  $('problem').hidden = true
  try {
    await work()
  } catch (error) {
    if (signal.aborted) return
    if (error.status === 401) return askToLogIn('Your session has ended. Log in again.')
    if (!(error instanceof Problem)) console.error(error)
    showProblem(
      error instanceof Problem ? error : new Problem({ title: 'The page has a fault', detail: String(error) }),
      again
    )
  }
}

/** Shows what the address names. */
const show = async () => {
  view.abort()
  view = new AbortController()
  $('confirm').close()
  if (!memory.has()) return askToLogIn('')
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
  memory.drop()
  $('confirm').close()
  $('email').textContent = ''
  $('login-form').reset()
  chooseCredential()
  open('login', 'Log in')
  tell(notice)
  shownCredential()[0].focus()
}

const credentialFields = kind => [...document.querySelectorAll(`[data-kind="${kind}"] input`)]
const chosenKind = () => new FormData($('login-form')).get('kind')
const shownCredential = () => credentialFields(chosenKind())

/** A field that is not shown is disabled: it is neither sent nor required. */
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
    tell('')
    try {
      const { email } = await call('POST', '/session', { body })
      // The credential was used once; the page forgets it too.
      $('login-form').reset()
      memory.keep()
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

const showOverview = async ({ account: wanted }) => {
  const { items } = await call('GET', '/accounts')
  const account = items.find(({ s3uid }) => s3uid === wanted) ?? items[0]
  $('account').replaceChildren(
    ...items.map(({ s3uid, location }) =>
      html('option', { value: s3uid }, [s3uid, location].filter(Boolean).join(' · '))
    )
  )
  $('buckets').replaceChildren()
  showUsage({})
  open('overview', 'Storage')
  if (!account) return tell('There is no account yet.')
  $('account').value = account.s3uid
  const buckets = (await call('GET', `${accountPath(account.s3uid)}/buckets`)).items
  showBuckets(account.s3uid, buckets)
  // Slower, and with a limit of its own: the buckets are there before.
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
      html('a', { class: 'name', href: addressOf({ account, bucket: name }) }, icon('bucket'), named(name)),
      html('span', { class: 'share' }, bar((sizes.get(name) ?? 0) / largest)),
      html('span', { class: 'meta' }, inBytes(sizes.get(name))),
      html('span', { class: 'meta made' }, time(createdAt, day))
    )
  )
  // Nothing is built anew under the hands of somebody who is on a bucket already.
  const focused = [...$('buckets').querySelectorAll('a')].indexOf(document.activeElement)
  $('buckets').replaceChildren(
    ...(rows.length ? rows : [html('li', { class: 'empty' }, 'This account has no bucket.')])
  )
  $('buckets').querySelectorAll('a')[focused]?.focus()
}

const showUsage = ({ storageBytes, quotaBytes, quotaUsedRatio = 0, snapshots = [] }) => {
  $('used').textContent = inBytes(storageBytes)
  $('quota').replaceChildren(bar(quotaUsedRatio))
  const percent = quotaUsedRatio.toLocaleString('en', { style: 'percent', maximumFractionDigits: 2 })
  $('quota-text').textContent = quotaBytes ? `${percent} of ${inBytes(quotaBytes)}` : ''
  const counts = snapshots.filter(({ createdAt, storageBytes }) => createdAt && storageBytes !== undefined)
  drawTrend = () => $('trend-chart').replaceChildren(trendOf(counts, $('trend-chart').clientWidth))
  drawTrend()
}

// ── Charts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A part of a whole, 0 to 1. What is there is seen: at least 2 %. */
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

/** Storage at each count, as a line over an area, in pixels of the place that it has. */
const trendOf = (counts, width) => {
  if (counts.length < 2 || width === 0)
    return html('p', { class: 'dim' }, counts.length ? 'Counted only once so far.' : '')
  const points = counts
    .map(({ createdAt, storageBytes }) => ({ at: Date.parse(createdAt), bytes: storageBytes }))
    .sort((one, other) => one.at - other.at)
  const [first, last] = [points[0], points.at(-1)]
  const top = niceTop(Math.max(...points.map(({ bytes }) => bytes)))
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
  const x = ({ at }) => MARGIN.left + (inner.width * (at - first.at)) / Math.max(1, last.at - first.at)
  const y = bytes => MARGIN.top + inner.height * (1 - bytes / top)
  const path = points.map(point => `${x(point).toFixed(1)},${y(point.bytes).toFixed(1)}`).join('L')
  const ground = `L${x(last)},${y(0)}L${x(first)},${y(0)}Z`
  const words = `Storage: ${points.map(({ at, bytes }) => `${inBytes(bytes)} on ${day.format(at)}`).join(', ')}`
  return svg(
    'svg',
    { width, height: HEIGHT, role: 'img', 'aria-label': words },
    ...[0, 0.5, 1].flatMap(part => [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(top * part), y2: y(top * part) }),
      svg('text', { x: MARGIN.left - 12, y: y(top * part) + 4, 'text-anchor': 'end' }, inBytes(top * part))
    ]),
    svg('path', { class: 'area', d: `M${path}${ground}` }),
    svg('path', { class: 'line', d: `M${path}` }),
    ...points.map(point =>
      svg(
        'circle',
        { class: 'dot', cx: x(point), cy: y(point.bytes), r: 4 },
        svg('title', {}, `${inBytes(point.bytes)}, ${day.format(point.at)}`)
      )
    ),
    svg('text', { x: MARGIN.left, y: HEIGHT - 4 }, day.format(first.at)),
    svg('text', { x: width - MARGIN.right, y: HEIGHT - 4, 'text-anchor': 'end' }, day.format(last.at))
  )
}

/** The next of 1, 2, 4, 8 … 512 of a unit: labels without fractions. */
const niceTop = bytes => 2 ** Math.ceil(Math.log2(Math.max(2, bytes)))

// ── Files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The list that is shown, and where it goes on. */
let list

const showFiles = async ({ account, bucket, folder = '', search = '' }) => {
  list = { account, bucket, folder, search, cursor: undefined, folders: new Set(), files: 0, isOver: false }
  $('rows').replaceChildren()
  $('load-more').hidden = true
  $('search').value = search
  const title = search ? `Results for “${shortened(visible(search))}”` : lastOf(folder) || bucket
  $('files-title').replaceChildren(named(title))
  showTrail(list)
  open('files', title)
  $('files-title').focus()
  await loadMore()
}

const lastOf = folder => folder.replace(/\/$/, '').split('/').at(-1)

const showTrail = ({ account, bucket, folder, search }) => {
  const link = (text, where) => html('a', { href: addressOf(where) }, named(text))
  const parts = folder.split('/').slice(0, -1)
  const folders = parts.map((part, index) => [part || '/', `${parts.slice(0, index + 1).join('/')}/`])
  const steps = [link('Overview', { account }), link(bucket, { account, bucket })]
  for (const [name, path] of folders) steps.push(link(name, { account, bucket, folder: path }))
  // Where one is stands in the heading.
  if (!search) steps.pop()
  $('trail').replaceChildren(...steps)
}

/** The next pages, until there is something to show. */
const loadMore = async () => {
  const shown = list
  $('count').textContent = shown.files === 0 ? 'Loading…' : 'Loading more…'
  const before = $('rows').childElementCount
  try {
    for (let pages = 0; pages < MOST_PAGES && !shown.isOver && $('rows').childElementCount === before; pages++) {
      const { account, bucket, folder, search, cursor } = shown
      // HOSTKEY has no folders to open: what `search` finds is narrowed down to the folder here.
      const query = { limit: PAGE_SIZE, search: search || folder, cursor }
      const page = await call('GET', filesPath(account, bucket), { query })
      shown.cursor = page.nextCursor ?? undefined
      shown.isOver = page.nextCursor === null
      $('rows').append(...rowsOf(shown, page))
    }
    showCount()
  } catch (error) {
    if (shown === list) $('count').textContent = ''
    throw error
  } finally {
    $('load-more').hidden = shown.isOver || shown.cursor === undefined
  }
}

/** What of a page belongs to the folder: its files, and the next level of folders, each once. */
const rowsOf = (shown, { items, folders }) => {
  const { folder, search, account, bucket } = shown
  const isInside = path => path.startsWith(folder)
  const below = path => path.slice(folder.length).indexOf('/')
  const isFile = ({ path }) => search || below(path) < 0 || path === folder
  const files = items.filter(({ path }) => isInside(path)).filter(isFile)
  const deeper = [...folders, ...items].filter(({ path }) => !search && isInside(path) && below(path) >= 0)
  const found = deeper.map(({ path }) => path.slice(0, folder.length + below(path) + 1))
  const fresh = [...new Set(found)].filter(path => !shown.folders.has(path))
  for (const path of fresh) shown.folders.add(path)
  shown.files += files.length
  return [
    ...fresh.map(path => folderRow(path.slice(folder.length), { account, bucket, folder: path })),
    ...files.map(file => fileRow(file, search ? file.path : file.path.slice(folder.length) || file.path))
  ]
}

const folderRow = (name, where) =>
  html('li', { class: 'folder' }, html('a', { class: 'name', href: addressOf(where) }, icon('folder'), named(name)))

const fileRow = (file, name) => {
  const row = html(
    'li',
    {},
    html('span', { class: 'name' }, icon('file'), named(name)),
    html('span', { class: 'meta size' }, inBytes(file.sizeBytes)),
    html('span', { class: 'meta made' }, time(file.modifiedAt, minute)),
    button('Delete', () => askToDelete(file.path, row), {
      class: 'quiet',
      'aria-label': `Delete ${visible(file.path)}`
    })
  )
  return row
}

const showCount = () => {
  const { files, folders, isOver } = list
  const parts = [counted(files, 'file'), ...(folders.size ? [counted(folders.size, 'folder')] : [])].join(', ')
  if (files || folders.size) $('count').textContent = isOver ? parts : `${parts}, and there are more`
  else $('count').textContent = isOver ? 'Nothing here.' : 'Nothing so far, and there are more'
}

// ── Deleting a file ─────────────────────────────────────────────────────────────────────────────────────────────────

const askToDelete = (path, row) => {
  $('confirm-path').replaceChildren(html('bdi', {}, visible(path)))
  $('confirm-yes').onclick = () => remove(path, row)
  $('confirm').showModal()
  // The safe one: a hasty Enter deletes nothing.
  $('confirm-no').focus()
}

const remove = (path, row) =>
  whileBusy($('confirm-yes'), async () => {
    const { account, bucket } = list
    tell('')
    await attempt(async () => {
      // In the query, where no browser takes dots and slashes out of the path.
      await call('DELETE', filesPath(account, bucket), { query: { path } })
      const next = row.nextElementSibling ?? row.previousElementSibling
      row.remove()
      list.files -= 1
      showCount()
      $('confirm').close()
      tell(`Deleted ${shortened(visible(path))}`)
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
  tell('')
  void show()
})
new ResizeObserver(() => drawTrend()).observe($('trend-chart'))
void show()
