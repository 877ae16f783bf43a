// Elements. A string becomes a text node, never markup.

export const $ = id => document.getElementById(id)

const withAttributes = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

export const html = (name, attributes = {}, ...children) =>
  withAttributes(document.createElement(name), attributes, children)

export const svg = (name, attributes = {}, ...children) =>
  withAttributes(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children)

export const button = (text, onClick, attributes = {}) => {
  const element = html('button', { type: 'button', ...attributes }, text)
  element.addEventListener('click', onClick)
  return element
}

export const icon = name => svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `#icon-${name}` }))

/** A ratio of 0 to 1 as a bar. Any ratio above 0 is at least 2 % wide, to be visible. @param isQuota warns when it is full */
export const bar = (ratio, { isQuota = false } = {}) => {
  const width = ratio > 0 ? Math.min(100, Math.max(2, ratio * 100)) : 0
  return svg(
    'svg',
    { class: isQuota && ratio >= 0.9 ? 'bar full' : 'bar', 'aria-hidden': 'true' },
    svg('rect', { class: 'track', width: '100%', height: 6, rx: 3 }),
    svg('rect', { class: 'part', width: `${width}%`, height: 6, rx: 3 })
  )
}

export const whileBusy = async (element, work) => {
  element.disabled = true
  try {
    await work()
  } finally {
    element.disabled = false
  }
}
