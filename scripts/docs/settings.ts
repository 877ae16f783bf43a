import type { Setting } from '../../src/config/setting.ts'
import { settingGroups } from '../../src/config/settings.ts'
import { code, page, table } from './markdown.ts'

const nameOf = ({ name, secret }: Setting): string => code(name) + (secret ? ` or ${code(`${name}_FILE`)}` : '')

const defaultOf = ({ fallback, defaultText }: Setting): string =>
  defaultText ?? (fallback === '' ? 'empty' : code(fallback))

export const settingsPage = (): string =>
  page(
    'Settings',
    '`src/config/settings/`',
    'The gateway reads its settings from the environment once, at start. It reports all faults together and does not start with a fault. An empty variable counts as unset. `npm run config` prints the effective settings and where each came from. A variable that is almost the name of a setting is logged as a warning at start.',
    ...settingGroups.flatMap(({ title, settings }) => [
      `## ${title}`,
      table(
        ['Name', 'Default', 'Meaning'],
        Object.values(settings).map(each => [nameOf(each), defaultOf(each), each.description])
      )
    ]),
    'The gateway refuses `NODE_TLS_REJECT_UNAUTHORIZED=0`, which would expose tokens to anyone between the gateway and HOSTKEY.'
  )
