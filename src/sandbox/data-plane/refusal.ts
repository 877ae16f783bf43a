/** Why a request to the storage is refused, as S3 prints it. */
export class StorageRefusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text inside XML. Characters that XML cannot hold are replaced. */
export const xmlText = (text: string): string =>
  text
    .replace(/[&<>"]/g, char => ESCAPES[char] ?? '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot hold them.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('\r', '&#13;')

/** The body of a refusal. */
export const refusalXml = ({ code, message }: StorageRefusal, resource: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${xmlText(message)}</Message><Resource>${xmlText(resource)}</Resource></Error>\n`
