import { baseUrl, headerPairs, oneOf, optional, ratio, type Setting, secretSetting, setting } from '../setting.ts'

/** What is logged and traced, and where. */
export const logs = {
  logLevel: setting({
    name: 'LOG_LEVEL',
    description: 'Lowest level that is logged.',
    fallback: 'info',
    read: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
  }),
  auditLog: setting({
    name: 'AUDIT_LOG',
    description: 'File of the audit log, or `-` for standard output. SIGHUP opens it again, after it was renamed.',
    fallback: '-',
    read: text => text
  }),
  otlpEndpoint: setting({
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    description:
      'Base address of an OTLP receiver, such as `http://collector:4318`. Spans of requests, waits for a slot, calls to HOSTKEY and commands to the store are sent to `v1/traces` below it, as JSON.',
    fallback: '',
    defaultText: 'none: nothing is traced',
    read: optional(baseUrl)
  }),
  otlpHeaders: secretSetting({
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    description: 'Headers for the receiver, such as `authorization=Bearer%20…`: pairs, separated by commas.',
    fallback: '',
    defaultText: 'none',
    read: headerPairs
  }),
  otelServiceName: setting({
    name: 'OTEL_SERVICE_NAME',
    description: 'Name of the service in traces.',
    fallback: 'hostkey-s3-gateway',
    read: text => text
  }),
  traceRatio: setting({
    name: 'OTEL_TRACES_SAMPLER_ARG',
    description:
      'Share of the requests without a `traceparent` that are traced, from 0 to 1. With one, the caller decides.',
    fallback: '1',
    read: ratio
  })
} satisfies Record<string, Setting>
