import { list, optional, origin, type Setting, setting } from '../setting.ts'

/** Who may call. */
export const callers = {
  allowedOrigins: setting({
    name: 'ALLOWED_ORIGINS',
    description:
      'Exact origins of the web pages and apps that may call the gateway, separated by commas, such as `https://console.example.com` or `capacitor://localhost`.',
    fallback: '',
    defaultText: 'none',
    read: list(origin)
  }),
  servicesFile: setting({
    name: 'SERVICES_FILE',
    description: 'Registry of internal services. SIGHUP reloads it. See docs/how-to/authenticate.md.',
    fallback: '',
    defaultText: 'none',
    read: optional(text => text)
  })
} satisfies Record<string, Setting>
