import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { type Node, parse } from 'acorn'

/** A regular expression in the sources, and its place. */
export interface Pattern {
  source: string
  flags: string
  at: string
}

interface Found {
  patterns: Pattern[]
  /** Patterns that are made at run time and cannot be checked. */
  unknown: string[]
}

/** The used members of syntax-tree nodes. */
interface Tree extends Node {
  regex?: { pattern: string; flags: string }
  key?: Tree & { name?: string; value?: unknown }
  value?: unknown
  callee?: Tree & { name?: string; property?: { name?: string } }
  arguments?: Tree[]
  id?: { name?: string }
  init?: Tree | null
  name?: string
  shorthand?: boolean
}

/** The flag that Ajv gives to each `pattern` of a schema. */
const SCHEMA_FLAGS = 'u'

/** Methods that create a regular expression from a text. */
const MAKERS = /^(match|matchAll|search)$/

/**
 * Every regular expression in the sources: literals, `pattern` of schemas, and patterns created from texts.
 * @param globs such as `src/**\/*.ts`
 */
export const patternsIn = (...globs: string[]): Found => {
  const files = globs.flatMap(glob => globSync(glob)).sort()
  const found: Found = { patterns: [], unknown: [] }
  for (const file of files) collect(file, readFileSync(file, 'utf8'), found)
  return found
}

/** The same for one text. */
export const collect = (file: string, typescript: string, { patterns, unknown }: Found): void => {
  const text = stripTypeScriptTypes(typescript)
  const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true }) as Tree
  const constants = new Map<string, string>()
  visit(tree, ({ type, id, init }) => {
    if (type === 'VariableDeclarator' && id?.name && typeof init?.value === 'string') constants.set(id.name, init.value)
  })
  visit(tree, node => {
    const at = `${file}:${node.loc?.start.line}`
    const add = (given: Tree | undefined, flags: string) => {
      const source =
        typeof given?.value === 'string' ? given.value : given?.type === 'Identifier' && constants.get(given.name ?? '')
      if (typeof source === 'string') patterns.push({ source, flags, at })
      // A literal is found separately.
      else if (!given?.regex) unknown.push(`${at}: ${text.slice(node.start, node.end).slice(0, 80)}`)
    }
    if (node.regex) patterns.push({ source: node.regex.pattern, flags: node.regex.flags, at })
    const isProperty = node.type === 'Property' && (node.key?.name ?? node.key?.value) === 'pattern'
    // `{ pattern }` and `{ pattern: matches(/…/) }` contain patterns that are found separately; a function is none.
    const value = node.value as Tree | undefined
    const isOwn = !node.shorthand && value?.callee?.name !== 'matches' && value?.type !== 'ArrowFunctionExpression'
    if (isProperty && isOwn) add(node.value as Tree, SCHEMA_FLAGS)
    if (node.callee?.name === 'RegExp') add(node.arguments?.[0], '')
    if (MAKERS.test(node.callee?.property?.name ?? '') && typeof node.arguments?.[0]?.value === 'string') {
      add(node.arguments[0], '')
    }
  })
}

const visit = (node: Tree, look: (node: Tree) => void): void => {
  look(node)
  for (const child of Object.values(node).flat()) {
    if (typeof child === 'object' && child !== null && 'type' in child && 'start' in child) visit(child as Tree, look)
  }
}
