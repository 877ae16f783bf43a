// The files that are selected.

import { $, html } from './elements.js'
import { countOf } from './text.js'

const selected = new Set()

export const selectedPaths = () => [...selected]
export const isSelected = path => selected.has(path)

/** @param paths all, unless given */
export const clearSelection = (paths = selectedPaths()) => {
  for (const path of paths) selected.delete(path)
  for (const box of boxes()) setChecked(box, selected.has(box.value))
  showSelection()
}

const boxes = () => [...$('rows').querySelectorAll('input[type="checkbox"]')]

const setChecked = (box, isChecked) => {
  box.checked = isChecked
  box.closest('li').classList.toggle('selected', isChecked)
}

/** The checkbox of a file. */
export const selectable = (path, label) => {
  const box = html('input', { type: 'checkbox', 'aria-label': `Select ${label}` })
  box.value = path
  box.checked = selected.has(path)
  return box
}

/** Nothing is selected that is not shown. */
export const keepShown = () => {
  const shown = new Set(boxes().map(({ value }) => value))
  for (const path of selected) if (!shown.has(path)) selected.delete(path)
}

export const showSelection = () => {
  const all = boxes()
  const { size } = selected
  $('select-all').checked = size > 0 && size === all.length
  $('select-all').indeterminate = size > 0 && size < all.length
  $('select-part').hidden = all.length === 0
  $('selected').textContent = size ? `${countOf(size, 'file')} selected` : 'Select all'
  $('delete-selected').hidden = size === 0
  $('toolbar').classList.toggle('selecting', size > 0)
}

export const startSelection = () => {
  $('rows').addEventListener('change', ({ target }) => {
    if (target.checked) selected.add(target.value)
    else selected.delete(target.value)
    setChecked(target, target.checked)
    showSelection()
  })
  $('select-all').addEventListener('change', ({ target }) => {
    for (const box of boxes()) {
      if (target.checked) selected.add(box.value)
      else selected.delete(box.value)
      setChecked(box, target.checked)
    }
    showSelection()
  })
}
