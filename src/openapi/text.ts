export const title = 'HOSTKEY S3 gateway'

/** What a reader of the document meets first. */
export const description = `Manage HOSTKEY S3 accounts, buckets, files, keys and orders as plain REST resources. The gateway stands in front of HOSTKEY’s \`s3.php\`:
it checks each request, asks HOSTKEY, and answers with a true status. It moves no files: that is what an S3 client and the key pair are for.

**Try it here.**

1. Press *Authorize* and paste a HOSTKEY token; the sandbox prints its demo token when it starts. Or log in with \`POST /session\`.
2. Open an operation: it is filled in with an example that works on the sandbox.
3. Press *Execute*. In front of the real HOSTKEY the same button reads, deletes and orders in earnest.

**Callers** come by one of three doors. *Browsers* log in with \`POST /session\` and a cookie does the rest, with the header \`X-CSRF: 1\`;
the token stays in the gateway. *Third parties* send \`Authorization: Bearer <HOSTKEY token>\`, which is passed through and kept nowhere.
*Internal services* send \`Authorization: Bearer hks_…\`, a credential of this gateway. \`Authorization\` wins over a cookie.

**Scopes** are what a caller may do: \`GET /session\` lists its own, and each operation names the one that it needs (\`x-required-scope\`).

**Limits** are by address and by caller, and for some operations by their kind (\`x-rate-class\`, of which one request takes \`x-rate-cost\`).
\`RateLimit\` of each reply tells what is left, and 429 says in \`Retry-After\` how long to wait.

**Failures** are \`application/problem+json\` (RFC 9457) with a stable name: the last segment of \`type\`, which is also the address of a page
that says what to do. \`retryable\` tells whether the same request may be sent again, and every failed write says in \`outcome\` what became of it.

**Files** have paths that can hold any character. Delete them by \`DELETE …/files?path=\`, or follow \`links.self\` of the list: URL libraries rewrite dot
segments in the path of a URL before they send it, and the request then names something else.

**Deleting an account** takes the header \`Confirm-Delete\`, and **ordering** takes \`Idempotency-Key\`: both exist so that nothing happens by accident.

**Examples** are what a gateway in front of the sandbox answers; \`x-varies\` names the members that are others each time, and
\`x-example-request\` the parameters that another reply was asked with. \`x-upstream-action\` names what an operation may ask of HOSTKEY.`

export const tags = [
  { name: 'Session', description: 'Logging in and out, for browsers.' },
  { name: 'Accounts', description: 'S3 accounts of the customer.' },
  { name: 'Buckets', description: 'The buckets of an account.' },
  { name: 'Files', description: 'The files in a bucket: list and delete.' },
  { name: 'Keys', description: 'The key pair of an account. Each reading is a disclosure.' },
  { name: 'Usage', description: 'Storage and traffic of an account.' },
  { name: 'Plans', description: 'Pricing plans and their history.' },
  { name: 'Orders', description: 'Paid accounts.' },
  { name: 'Service', description: 'The gateway itself.' }
]
