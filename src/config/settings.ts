import type { Setting } from './setting.ts'
import { callers } from './settings/callers.ts'
import { essential } from './settings/essential.ts'
import { limits } from './settings/limits.ts'
import { listeners } from './settings/listeners.ts'
import { logs } from './settings/logs.ts'
import { orders } from './settings/orders.ts'
import { store } from './settings/store.ts'
import { switches } from './settings/switches.ts'
import { upstream } from './settings/upstream.ts'

/** Settings that belong together, for readers. */
export interface SettingGroup {
  readonly title: string
  readonly settings: Readonly<Record<string, Setting>>
}

/** Every setting by group, in the order of the reference page. A new setting needs only an entry in its group. */
export const settingGroups: readonly SettingGroup[] = [
  { title: 'Every deployment', settings: essential },
  { title: 'Listeners and shutdown', settings: listeners },
  { title: 'Callers', settings: callers },
  { title: 'Switches', settings: switches },
  { title: 'Limits', settings: limits },
  { title: 'HOSTKEY', settings: upstream },
  { title: 'Orders', settings: orders },
  { title: 'Store and Redis', settings: store },
  { title: 'Logs and traces', settings: logs }
]

/** Every setting. */
export const settings = {
  ...essential,
  ...listeners,
  ...callers,
  ...switches,
  ...limits,
  ...upstream,
  ...orders,
  ...store,
  ...logs
}
