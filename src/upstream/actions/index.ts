import * as accounts from './accounts.ts'
import type { Action } from './action.ts'
import * as buckets from './buckets.ts'
import * as files from './files.ts'
import * as keys from './keys.ts'
import * as plans from './plans.ts'
import * as terminations from './terminations.ts'

const exported = { ...accounts, ...buckets, ...files, ...keys, ...plans, ...terminations }

type Exported = (typeof exported)[keyof typeof exported]
type Actions = { readonly [A in Extract<Exported, Action> as A['name']]: A }

/** The actions of s3.php, by HOSTKEY's name: all that the files of this folder export. */
export const actions = Object.fromEntries(
  Object.values(exported).flatMap(each => (typeof each === 'object' ? [[each.name, each]] : []))
) as Actions // Object.fromEntries forgets the names.

export type ActionName = keyof Actions
