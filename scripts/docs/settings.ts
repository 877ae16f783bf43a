import type { Setting } from '../../src/config/setting.ts'
import { settings } from '../../src/config/settings.ts'
import { code, page, table } from './markdown.ts'

const nameOf = ({ name, secret }: Setting): string => code(name) + (secret ? ` or ${code(`${name}_FILE`)}` : '')

const defaultOf = ({ fallback, otherwise }: Setting): string =>
  otherwise ?? (fallback === '' ? 'empty' : code(fallback))

export const settingsPage = (): string =>
  page(
    'Settings',
    '`src/config/settings.ts`',
    'The gateway reads its settings from the environment once, at start. It tells all faults at once and does not start with one. An empty variable counts as unset. `npm run config` prints what is in effect.',
    table(
      ['Name', 'Default', 'Meaning'],
      Object.values<Setting>(settings).map(each => [nameOf(each), defaultOf(each), each.about])
    ),
    '`NODE_TLS_REJECT_UNAUTHORIZED=0` is refused: it would hand tokens to anyone between the gateway and HOSTKEY.'
  )
