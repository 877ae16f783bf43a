// Generated from openapi.yaml by `npm run generate`; do not edit.
export interface paths {
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check liveness
         * @description Replies 200 while the process runs.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check readiness
         * @description Replies 503 while this replica is draining or its store is unavailable. It does not depend on HOSTKEY.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the page of a problem
         * @description Returns an HTML page that explains the problem and says what to do.
         */
        get: operations["getProblemPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the session
         * @description Returns the identity of the caller at HOSTKEY and its scopes, for every way to authenticate.
         */
        get: operations["getSession"];
        put?: never;
        /**
         * Log in
         * @description For browsers. Exchanges one credential (`apiKey`, or `email` and `password`, or `token`) for a session cookie that scripts can neither read nor set. The gateway uses the credential once and does not store it. Needs the header `X-CSRF: 1`.
         */
        post: operations["createSession"];
        /**
         * Log out
         * @description Ends the session on every replica, deletes the cookie and ends the token at HOSTKEY, in the background if HOSTKEY does not answer. The operation is idempotent.
         */
        delete: operations["deleteSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sessions
         * @description Lists the live sessions of the customer. Services and tokens of the gateway cannot.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /**
         * End all sessions
         * @description Ends every session of the customer on every replica, including the current one, and the tokens that were made from them.
         */
        delete: operations["deleteSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List tokens
         * @description Lists the live tokens: of the customer for a session or a HOSTKEY token, its own for a service, and for such a token itself and those that were made from it.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Create a token that can do less
         * @description Makes a token for a partner or a job: with some of the scopes, accounts and buckets of its maker, below a path, for a minute to a day. It can make narrower ones. It ends at its time, with `deleteToken`, and with what made it: the session, the token, the HOSTKEY token, or the secret of the service. The reply shows it once.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens/{tokenId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a token
         * @description Ends the token and all that were made from it, on every replica, with the next request. Jobs that it has started go on; URLs that it has signed are valid until they expire.
         */
        delete: operations["deleteToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sessions/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one session
         * @description Ends a session of the customer on every replica, and the tokens that were made from it. Its HOSTKEY token stays valid until it expires: only the cookie opens it.
         */
        delete: operations["deleteSessionById"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List accounts
         * @description HOSTKEY supports a limit but no cursor: `truncated` reports that there may be more accounts. The gateway itself filters by `location`. Scope: `accounts:read`.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Create a free account
         * @description Creates a free account with its first bucket. HOSTKEY may rename the bucket: `bucket` is the actual name. Scope: `accounts:write`.
         */
        post: operations["createAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an account
         * @description Returns one account of the customer. An account of another customer is 404, like one that does not exist. Scope: `accounts:read`.
         */
        get: operations["getAccount"];
        put?: never;
        post?: never;
        /**
         * Delete an account with all its data
         * @description Deletes the account, its buckets and all their files. This cannot be undone. Needs the header `Confirm-Delete` with the name in the URL. Scope: `accounts:delete`.
         */
        delete: operations["deleteAccount"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/termination": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Terminate a paid account
         * @description Asks HOSTKEY to end a paid account with all its data; HOSTKEY sets the day. Needs the header `Confirm-Delete` with the name in the URL. The request is sent at most once, and no read shows a termination: after `outcome: unknown` ask HOSTKEY. Not every edition of HOSTKEY offers it (501). Scope: `accounts:delete`.
         */
        put: operations["createTermination"];
        post?: never;
        /**
         * Undo the termination of an account
         * @description Withdraws the termination before its day: the account stays, and is billed again. The request is sent at most once. Scope: `accounts:delete`.
         */
        delete: operations["cancelTermination"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List buckets
         * @description Lists the buckets of an account, with its traffic. `expand=usage` adds the size of each bucket. Scope: `buckets:read`.
         */
        get: operations["listBuckets"];
        put?: never;
        /**
         * Create a bucket
         * @description HOSTKEY may add a prefix to the name. The reply and `Location` contain the actual name. Scope: `buckets:write`.
         */
        post: operations["createBucket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an empty bucket
         * @description The bucket must be empty; otherwise the reply is 409 `bucket-not-empty`. Scope: `buckets:write`.
         */
        delete: operations["deleteBucket"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List files and folders
         * @description The files and folders directly inside `folder`; with `recursive` every file below it; with `search` the files below it whose path contains the text. Follow `nextCursor` until it is null. Scope: `files:read`.
         */
        get: operations["listFiles"];
        put?: never;
        post?: never;
        /**
         * Delete a file (path in the query)
         * @description Use this form for every file path: clients and proxies do not rewrite a query. `links.self` of a file is this address. Scope: `files:delete`.
         */
        delete: operations["deleteFile"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/file-stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream files and folders
         * @description The whole list of `listFiles` in one reply, one `FileLine` per line. The last line contains `end`, or `problem` if HOSTKEY failed after the status was sent; without either the transfer was cut off. Scope: `files:read`.
         */
        get: operations["streamFiles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/folders/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count the files of a folder
         * @description Number, size and newest change of all files below `folder`. The gateway counts for 10 s at most; `complete` says whether it counted all. Scope: `files:read`.
         */
        get: operations["summarizeFolder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/files/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete a file (path in the URL)
         * @description Only for paths that you chose yourself; use the query form for all others. Percent-encode everything except slashes once. URL libraries resolve the segments `.` and `..`, also as `%2e`, before they send: `../../other` becomes `DELETE …/buckets/other`, which deletes that bucket if it is empty. Scope: `files:delete`.
         */
        delete: operations["deleteFileByPath"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/file-deletions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete many files, or empty a bucket
         * @description Up to 100 `paths` are deleted at once: 207 with an outcome for each. More paths, `prefix`, `all`, `Prefer: respond-async` and an `Idempotency-Key` make a job: 202, and the work goes on without the caller, also after a restart. `prefix` and `all` need `confirm`, the name of the bucket. One job works on a bucket at a time. Scope: `files:delete`.
         */
        post: operations["createFileDeletion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs
         * @description The jobs of the customer, the newest first. A caller with `buckets` or `pathPrefix` sees its own. Scope: `files:delete`.
         */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a job
         * @description State and counts of a job. `Retry-After` tells, while it has not ended, when to look again. Scope: `files:delete`.
         */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Cancel a job
         * @description Nothing new is sent; what was sent ends and is recorded. An ended job stays as it is. Scope: `files:delete`.
         */
        delete: operations["cancelJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/results": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the results of a job
         * @description One outcome for each file, in the order in which they were found. `outcome=failed` lists only those that failed. Scope: `files:delete`.
         */
        get: operations["listJobResults"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/result-stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream the results of a job
         * @description All of `listJobResults` in one reply, one `JobResultLine` per line. The last line contains `end`; without it the transfer was cut off. Scope: `files:delete`.
         */
        get: operations["streamJobResults"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch a job
         * @description Server-sent events: `progress` at most twice a second, and a last `end`. The data of both is a `JobProgress`. With `Last-Event-ID` the stream goes on after that event. A comment comes every 15 s; after 10 minutes, or when the replica shuts down, the stream ends with `retry`; within 5 s of the end of the session or token it just ends. Browsers read it with `fetch` and `X-CSRF: 1`: `EventSource` sends no headers. Scope: `files:delete`.
         */
        get: operations["streamJobEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a paused job
         * @description A paused job goes on with the credential of this request. After 7 days it ends as `partly-failed`. Scope: `files:delete`.
         */
        post: operations["resumeJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/keys/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read one half of the key pair
         * @description Returns a credential for all buckets of the account. It has its own, strict rate limit. Never cache the reply. Scope: `keys:read`.
         */
        get: operations["getKey"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/buckets/{bucket}/presigned-urls": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create the URL of an upload or a download
         * @description Signs a URL of the storage, so that a browser or a partner can upload or download one file without the key pair. Neither the bucket nor the file is looked up. The secret key does not leave the gateway. A gateway that only reads refuses uploads with `switched-off`. Scope: `files:download` or `files:upload`.
         */
        post: operations["createPresignedUrl"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/connection": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the endpoint of the storage
         * @description Endpoint, region and addressing for S3 clients. It holds no key: see `getKey`. Scope: `buckets:read`.
         */
        get: operations["getConnection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/accounts/{s3uid}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read storage and traffic
         * @description HOSTKEY answers through a queue, so this is slower than a list and has its own rate limit. HOSTKEY measures from time to time: see `createdAt` of each entry in `snapshots`. Scope: `buckets:read`.
         */
        get: operations["getUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the usage of all accounts
         * @description Reads the usage of up to 100 accounts, eight at a time. An account whose usage cannot be read is in `partial` with its problem, and leaves the others as they are. Scope: `buckets:read`.
         */
        get: operations["listUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List plans
         * @description Lists the plans that HOSTKEY offers to the customer. Scope: `plans:read`.
         */
        get: operations["listPlans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plans/{planId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a plan
         * @description Returns one available plan. Scope: `plans:read`.
         */
        get: operations["getPlan"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plans/{planId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the changes of a plan
         * @description Lists the changes that HOSTKEY has recorded. Scope: `plans:read`.
         */
        get: operations["listPlanHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Order a paid account
         * @description HOSTKEY bills the order. Each `Idempotency-Key` sends at most one order: retry with the same request and the same key. The gateway checks the order against a fresh list of plans; `POST /orders/checks` does only that. `expectedPrice` refuses the order if a price has changed. The reply is 202 when HOSTKEY’s answer was lost and the outcome is not known yet. Scope: `orders:write`.
         */
        post: operations["createOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check an order without ordering
         * @description Checks the order as `POST /orders` would, and sends none. Returns the plan, its price and its locations. A form can check 60 times a minute. Scope: `orders:write`.
         */
        post: operations["checkOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/{orderId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an order
         * @description Returns the order from the gateway’s ledger, without a call to `s3.php`. The gateway keeps orders for 30 days. Scope: `orders:write`.
         */
        get: operations["getOrder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An S3 account: it owns buckets and one key pair. */
        Account: {
            s3uid: components["schemas"]["S3Uid"];
            /** @description Number of the account at HOSTKEY. */
            id?: components["schemas"]["WholeNumber"];
            /** @description E-mail address of the customer. */
            email?: string;
            /**
             * Format: int32
             * @description Number of its plan: `id` in `GET /plans`.
             */
            planId?: number;
            /** @description Region code of the place where its data is stored. */
            location?: components["schemas"]["Location"];
            /** @description Storage quota, in bytes. */
            quotaBytes?: components["schemas"]["WholeNumber"];
            /** @description Storage used, in bytes. */
            storageBytes?: components["schemas"]["WholeNumber"];
            traffic?: components["schemas"]["Traffic"];
        };
        /** @description Accounts of the customer. */
        AccountList: {
            /** @description The accounts. */
            items: components["schemas"]["Account"][];
            /** @description True when the list has reached `limit`, or 100,000 accounts: there may be more. */
            truncated: boolean;
        };
        /** @description Storage and traffic of one account. */
        AccountUsage: {
            s3uid: components["schemas"]["S3Uid"];
            /** @description Storage used, in bytes. */
            storageBytes?: components["schemas"]["WholeNumber"];
            /** @description Storage quota, in bytes. */
            quotaBytes?: components["schemas"]["WholeNumber"];
            /** @description `storageBytes` divided by `quotaBytes`; absent without a quota. */
            quotaUsedRatio?: number;
            /** @description Growth of the storage by the snapshots since the last purge, of at most 90 days, in bytes a day; negative when it shrinks. Null below three snapshots or a day. */
            growthBytesPerDay: number | null;
            /** @description Days until the quota is reached at this growth. Null without a quota, without a clear growth, and beyond ten years. */
            daysUntilFull: number | null;
            /** @description The snapshots behind the forecast. */
            basis: components["schemas"]["ForecastBasis"] | null;
            bandwidth?: components["schemas"]["Traffic"];
        };
        /** @description A bucket of an S3 account. */
        Bucket: {
            name: components["schemas"]["BucketName"];
            /**
             * Format: date-time
             * @description Time of creation.
             */
            createdAt?: string;
            /** @description Size of its files, in bytes; only with `expand=usage`. */
            storageBytes?: components["schemas"]["WholeNumber"];
        };
        /** @description The buckets of an account. */
        BucketList: {
            /** @description The buckets. */
            items: components["schemas"]["Bucket"][];
            bandwidth?: components["schemas"]["Traffic"];
            snapshot?: components["schemas"]["UsageSnapshot"];
        };
        /** @description Name of a bucket, exactly as listed. */
        BucketName: string;
        /** @description A bucket of an account, `s3uid/bucket`. */
        BucketOfAccount: string;
        /** @description Storage of one bucket. */
        BucketUsage: {
            name: components["schemas"]["BucketName"];
            /** @description Size of its files, in bytes. */
            storageBytes?: components["schemas"]["WholeNumber"];
        };
        /** @description How S3 clients reach the storage of an account. */
        Connection: {
            /** @description Endpoint of the storage. */
            endpoint: string;
            /** @description Region to sign with. */
            region: string;
            /**
             * @description `path`: the bucket is the first segment of the URL.
             * @enum {string}
             */
            addressing: "path";
            /** @description Commands that take the key pair from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. */
            examples: {
                /** @description Lists the buckets with the AWS command line. */
                awsCli: string;
                /** @description The same with rclone. */
                rclone: string;
            };
        };
        /** @description A created account with its first bucket. */
        CreatedAccount: {
            s3uid: components["schemas"]["S3Uid"];
            /**
             * Format: int32
             * @description Number of its plan.
             */
            planId: number;
            /** @description Region code of the place where its data is stored. */
            location: components["schemas"]["Location"];
            /** @description Actual name of the first bucket; null when there is none, or HOSTKEY does not list it yet. */
            bucket: components["schemas"]["BucketName"] | null;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description A created bucket, with its actual name. */
        CreatedBucket: {
            name: components["schemas"]["BucketName"];
            /**
             * Format: date-time
             * @description Time of creation.
             */
            createdAt?: string;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description A new token. `GET /tokens` lists what it may do. */
        CreatedToken: {
            /** @description The token, shown once: send `Authorization: Bearer hkt_…`. */
            token: string;
            /** @description Id of the token, which is no credential. */
            tokenId: string;
            /**
             * Format: date-time
             * @description Latest end of the token. It ends earlier with the credential that made it.
             */
            expiresAt: string;
        };
        /**
         * Format: date
         * @description Date, `YYYY-MM-DD`.
         */
        Day: string;
        /** @description Why something failed that a reply reports. */
        FailureReason: {
            /** @description Name of the problem. */
            name: string;
            /**
             * Format: int32
             * @description HTTP status of the problem.
             */
            status: number;
            /** @description What happened. */
            detail: string;
        };
        /** @description A file in a bucket. */
        File: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
            /** @description Display name at HOSTKEY. Use `path` in requests. */
            name?: string;
            /** @description Size, in bytes. */
            sizeBytes?: components["schemas"]["WholeNumber"];
            /**
             * Format: date-time
             * @description Time of the last change.
             */
            modifiedAt?: string;
            /** @description Addresses of related operations. */
            links: {
                /**
                 * Format: uri-reference
                 * @description Address for deleting this file: an absolute path that includes the mount path.
                 */
                self: string;
            };
        };
        /** @description What became of each named file, in the order of the request. */
        FileDeletionResult: {
            /** @description One entry for each path. */
            items: components["schemas"]["FileVerdict"][];
            /** @description Files that were deleted. */
            deleted: components["schemas"]["WholeNumber"];
            /** @description Named paths without a file. */
            missing: components["schemas"]["WholeNumber"];
            /** @description Files that could not be deleted. */
            failed: components["schemas"]["WholeNumber"];
        };
        /** @description One line of a list of files: a file, a folder, or the last line, which reports how the list ended. */
        FileLine: {
            file?: components["schemas"]["File"];
            folder?: components["schemas"]["Folder"];
            /** @description The last line. `nextCursor` is null when the list is complete. Otherwise `limit` was reached, or this replica is shutting down: continue with `nextCursor` as `cursor`. */
            end?: {
                /** @description Cursor to continue with; null at the end of the list. */
                nextCursor: string | null;
                /** @description True when the list ends here and nothing is missing from it. False with a `nextCursor`: there is more. False without: HOSTKEY shows a folder, but not what is inside. */
                complete: boolean;
            };
            problem?: components["schemas"]["Problem"];
        };
        /** @description A page of a list of files. */
        FileList: {
            /** @description The files of this page. */
            items: components["schemas"]["File"][];
            /** @description The folders directly inside the folder, as far as they are on this page. Empty with `recursive` or `search`. */
            folders: components["schemas"]["Folder"][];
            /** @description Cursor of the next page; null on the last page. An empty page can have a next page. */
            nextCursor: string | null;
            /** @description True when the list ends here and nothing is missing from it. False with a `nextCursor`: there is more. False without: HOSTKEY shows a folder, but not what is inside. */
            complete: boolean;
        };
        /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
        FilePath: string;
        /** @description What became of one file. */
        FileVerdict: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
            /**
             * @description `deleted`: this job, or this request, has deleted the file. `missing`: there was no such file. `failed`: see `problem`; the file may still be there.
             * @enum {string}
             */
            outcome: "deleted" | "missing" | "failed";
            problem?: components["schemas"]["FailureReason"];
        };
        /** @description A folder in a bucket: the common beginning of file paths, up to a slash. */
        Folder: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
        };
        /** @description What is below a folder, in all folders. */
        FolderSummary: {
            /** @description Number of files. */
            files: components["schemas"]["WholeNumber"];
            /** @description Size of the files together, in bytes. */
            storageBytes: components["schemas"]["WholeNumber"];
            /** @description Time of the last change of the newest file; null without files. */
            newestModifiedAt: string | null;
            /** @description False when not every file was counted: after 10 s the gateway stops, and HOSTKEY may not show a folder. */
            complete: boolean;
        };
        /** @description The snapshots behind a forecast. */
        ForecastBasis: {
            /**
             * Format: int32
             * @description How many there are.
             */
            snapshots: number;
            /**
             * Format: date-time
             * @description Time of the first one.
             */
            from: string;
            /**
             * Format: date-time
             * @description Time of the last one.
             */
            to: string;
        };
        /** @description A new key for each order, the same key for each retry: 16 to 255 characters, such as a random UUID. */
        IdempotencyKey: string;
        /** @description Long work, and how far it is. */
        Job: {
            /** @description Id of a job. */
            jobId: components["schemas"]["Uuid"];
            /**
             * @description Kind of work.
             * @enum {string}
             */
            kind: "file-deletion";
            state: components["schemas"]["JobState"];
            s3uid: components["schemas"]["S3Uid"];
            bucket: components["schemas"]["BucketName"];
            /** @description What the job works on. */
            selection: {
                /**
                 * Format: int32
                 * @description Number of named paths.
                 */
                pathCount: number;
            } | {
                /** @description Beginning of the paths. */
                prefix: components["schemas"]["FilePath"];
            } | {
                /**
                 * @description Every file of the bucket.
                 * @enum {boolean}
                 */
                all: true;
            };
            counts: components["schemas"]["JobCounts"];
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description When it began.
             */
            startedAt?: string;
            /**
             * Format: date-time
             * @description When it ended. It is kept for 7 days from then on.
             */
            endedAt?: string;
            problem?: components["schemas"]["FailureReason"];
            /** @description Addresses of related operations. */
            links: {
                /** @description This job. */
                self: string;
                /** @description What became of each file. */
                results: string;
                /** @description Progress as server-sent events. */
                events: string;
            };
        };
        /** @description What a job has done so far. */
        JobCounts: {
            /** @description Files found so far. */
            found: components["schemas"]["WholeNumber"];
            /** @description Files that were deleted. */
            deleted: components["schemas"]["WholeNumber"];
            /** @description Named paths without a file. */
            missing: components["schemas"]["WholeNumber"];
            /** @description Files that could not be deleted. */
            failed: components["schemas"]["WholeNumber"];
            /** @description Files that are left at the end: they came meanwhile, or were not reached. null while the job has not ended, and when the list could not be read. */
            remaining: components["schemas"]["WholeNumber"] | null;
        };
        /** @description A page of jobs, the newest first. */
        JobList: {
            /** @description The jobs of this page. */
            items: components["schemas"]["Job"][];
            nextCursor: components["schemas"]["NextCursor"];
        };
        /**
         * @description State and counts of a job: the data of the events `progress` and `end`.
         * @example {
         *       "jobId": "9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f",
         *       "state": "succeeded",
         *       "counts": {
         *         "found": 3,
         *         "deleted": 3,
         *         "missing": 0,
         *         "failed": 0,
         *         "remaining": 0
         *       }
         *     }
         */
        JobProgress: {
            /** @description Id of a job. */
            jobId: components["schemas"]["Uuid"];
            state: components["schemas"]["JobState"];
            counts: components["schemas"]["JobCounts"];
            problem?: components["schemas"]["FailureReason"];
        };
        /** @description One line of a list of results: a result, or the last line, which reports how the list ended. */
        JobResultLine: {
            result?: components["schemas"]["FileVerdict"];
            /** @description The last line. `nextCursor` is null when the list is complete. Otherwise this replica is shutting down: continue with `nextCursor` as `cursor`. */
            end?: {
                nextCursor: components["schemas"]["NextCursor"];
            };
        };
        /** @description A page of results, in the order in which the files were found. */
        JobResultList: {
            /** @description The results of this page. */
            items: components["schemas"]["FileVerdict"][];
            nextCursor: components["schemas"]["NextCursor"];
        };
        /**
         * @description `queued`: it has not begun. `running`: it works, or waits for HOSTKEY. `paused`: its credential ended; resume it within 7 days. `succeeded`: nothing failed and nothing is left. `partly-failed`: see `counts` and `problem`. `cancelled`: it was cancelled.
         * @enum {string}
         */
        JobState: "queued" | "running" | "paused" | "succeeded" | "partly-failed" | "cancelled";
        /** @description One half of the key pair of an account. It is a credential: never store it in a web page. */
        Key: {
            /**
             * @description Which half this is.
             * @enum {string}
             */
            kind: "access-key" | "secret-key";
            /** @description The credential itself. */
            value: string;
        };
        /** @description A session of the customer. */
        ListedSession: {
            /** @description Id of the session, which is no credential. */
            sessionId: string;
            /**
             * Format: date-time
             * @description When the session began.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description Last use, to five minutes.
             */
            lastUsedAt: string;
            /** @description Network of the login: 24 bits of an IPv4 address, 64 of an IPv6 address. */
            network?: string;
            /** @description Family of the program that logged in, such as `firefox`. */
            userAgent?: string;
            /** @description Is it the session of this request? */
            isCurrent: boolean;
        };
        /** @description Region code of the storage. */
        Location: string;
        /** @description A free account with its first bucket. */
        NewAccount: {
            /**
             * Format: int32
             * @description Number of a free plan: `id` in `GET /plans`.
             */
            planId: number;
            bucketName: components["schemas"]["NewBucketName"];
            /** @description One of the `locations` of the plan. Default: NL. */
            location?: components["schemas"]["Location"];
        };
        /** @description A bucket to create. */
        NewBucket: {
            name: components["schemas"]["NewBucketName"];
        };
        /** @description Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix. */
        NewBucketName: string;
        /** @description Which files to delete: exactly one of `paths`, `prefix` and `all`. `prefix` and `all` need `confirm`. */
        NewFileDeletion: {
            /** @description These files, each exactly as listed. */
            paths?: components["schemas"]["FilePath"][];
            /** @description Every file whose path begins with this text, byte by byte. A folder ends with `/`. */
            prefix?: components["schemas"]["FilePath"];
            /**
             * @description Every file of the bucket.
             * @enum {boolean}
             */
            all?: true;
            /** @description Name of the bucket, exactly as in the URL. */
            confirm?: components["schemas"]["BucketName"];
        };
        /** @description An order of a paid account. HOSTKEY bills it. */
        NewOrder: {
            /**
             * Format: int32
             * @description Number of a paid plan: `id` in `GET /plans`.
             */
            planId: number;
            bucketName: components["schemas"]["NewBucketName"];
            /** @description One of the `locations` of the plan. Optional when the plan has only one. */
            location?: components["schemas"]["Location"];
            expectedPrice?: components["schemas"]["Price"];
        };
        /** @description One upload or download that a URL is for. */
        NewPresignedUrl: {
            /**
             * @description What the URL allows.
             * @enum {string}
             */
            operation: "download" | "upload";
            path: components["schemas"]["FilePath"];
            /**
             * Format: int32
             * @description How long the URL is valid, in seconds; default 300.
             */
            expiresInSeconds?: number;
            /** @description Type of the content. The upload must send it; the storage refuses another one. */
            contentType?: string;
            /**
             * Format: int64
             * @description Size of the content, in bytes. The storage refuses an upload of another size.
             */
            contentLength?: number;
            /** @description Name under which a browser saves the file. */
            downloadName?: string;
        };
        /** @description One credential: an API key, or e-mail address and password, or a HOSTKEY token. The gateway uses it once and does not store it. */
        NewSession: {
            /** @description An API key of HOSTKEY. */
            apiKey?: string;
            /** @description E-mail address of the customer, in ASCII. Spaces around it are ignored. */
            email?: string;
            /** @description The customer’s password. */
            password?: string;
            /** @description A HOSTKEY token. */
            token?: string;
        };
        /** @description What a new token may do. What is left out is as its maker has it. */
        NewToken: {
            /** @description What the token is for. Lists show it. */
            name: string;
            /** @description What the token may do: scopes of its maker. */
            scopes: components["schemas"]["Scope"][];
            /** @description The only accounts of the token. Default: those of its maker. */
            accounts?: components["schemas"]["S3Uid"][];
            /** @description The only buckets of the token. Default: those of its maker. */
            buckets?: components["schemas"]["BucketOfAccount"][];
            /** @description The beginning of every path of the token, byte by byte. Default: that of its maker. */
            pathPrefix?: string;
            /**
             * Format: int32
             * @description Lifetime, in seconds. It must not be longer than that of the credential that makes the token.
             */
            expiresInSeconds: number;
        };
        /** @description Cursor of the next page; null on the last page. */
        NextCursor: string | null;
        /** @description An order of a paid account, and its state. */
        Order: {
            /** @description Id of an order. */
            orderId: components["schemas"]["Uuid"];
            /**
             * @description `pending`: in progress. `succeeded`: the account is `s3uid`. `failed`: see `problem`. `unknown`: HOSTKEY’s answer was lost. Send the same request with the same key: the gateway checks again and never orders twice.
             * @enum {string}
             */
            state: "pending" | "succeeded" | "failed" | "unknown";
            /**
             * Format: int32
             * @description Number of a pricing plan.
             */
            planId: number;
            bucketName: components["schemas"]["NewBucketName"];
            /** @description Requested region code. */
            location: components["schemas"]["Location"];
            /**
             * Format: date-time
             * @description Time of the order.
             */
            createdAt: string;
            /** @description Name of the created account. */
            s3uid?: components["schemas"]["S3Uid"];
            /** @description Actual name of its first bucket; null when there is none, or HOSTKEY does not list it yet. */
            bucket?: components["schemas"]["BucketName"] | null;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
            problem?: components["schemas"]["FailureReason"];
            /** @description Addresses of related resources. */
            links: {
                /**
                 * Format: uri-reference
                 * @description Address of the order.
                 */
                self: string;
                /**
                 * Format: uri-reference
                 * @description Address of the created account.
                 */
                account?: string;
            };
        };
        /** @description A checked order that was not sent. */
        OrderCheck: {
            plan: components["schemas"]["Plan"];
            price: components["schemas"]["Price"];
            /** @description Region code where the account would be. */
            location: components["schemas"]["Location"];
            /** @description Region codes where the plan is available. */
            locations: components["schemas"]["Location"][];
            /** @description What may refuse the order. */
            warnings: components["schemas"]["Warning"][];
        };
        /** @description A pricing plan. */
        Plan: {
            /**
             * Format: int32
             * @description Number of a pricing plan.
             */
            id: number;
            /** @description Name of the plan. */
            name?: string;
            /** @description True when the plan can be ordered. */
            active?: boolean;
            /** @description Storage quota of an account with this plan, in bytes. */
            quotaBytes?: components["schemas"]["WholeNumber"];
            /** @description Region codes where the plan is available. */
            locations: components["schemas"]["Location"][];
            /** @description Kind of storage. */
            storageType?: string;
            /** @description Bandwidth limit as HOSTKEY reports it. HOSTKEY documents neither the unit nor the meaning of 0. */
            bandwidthLimit?: number;
            price: components["schemas"]["Price"];
        };
        /** @description One change of a plan. */
        PlanChange: {
            /** @description Number of the change. */
            id?: components["schemas"]["WholeNumber"];
            /** @description Kind of change. */
            action?: string;
            /**
             * Format: date-time
             * @description Time of the change.
             */
            changedAt?: string;
            /** @description What changed. */
            details?: string;
        };
        /** @description The changes of a plan. */
        PlanHistory: {
            /** @description The changes, in the order of HOSTKEY. */
            items: components["schemas"]["PlanChange"][];
        };
        /** @description The available plans. */
        PlanList: {
            /** @description The plans. */
            items: components["schemas"]["Plan"][];
        };
        /** @description A URL that allows one upload or download. It is a credential until it expires: whoever has it can use it, repeatedly. */
        PresignedUrl: {
            /** @description The URL. Use it unchanged. */
            url: string;
            /**
             * @description Method of the request.
             * @enum {string}
             */
            method: "GET" | "PUT";
            /** @description Headers that the request must have with exactly these values. Browsers send `content-length` by themselves. */
            headers: {
                [key: string]: string;
            };
            /**
             * Format: date-time
             * @description End of the validity.
             */
            expiresAt: string;
        };
        /** @description Monthly price in each currency. */
        Price: {
            /** @description Monthly price in EUR. */
            monthlyEur?: number;
            /** @description Monthly price in USD. */
            monthlyUsd?: number;
            /** @description Monthly price in RUB. */
            monthlyRub?: number;
        };
        /** @description A failure, RFC 9457. */
        Problem: {
            /**
             * Format: uri-reference
             * @description Address of the page of this problem.
             */
            type: string;
            /**
             * @description Name of the problem: stable.
             * @enum {string}
             */
            name: "invalid-request" | "malformed-url" | "file-path-required" | "file-path-encoding" | "invalid-cursor" | "idempotency-key-required" | "unauthenticated" | "session-expired" | "invalid-token" | "invalid-credentials" | "payment-required" | "forbidden" | "csrf-rejected" | "https-required" | "insufficient-scope" | "scope-exceeds-caller" | "switched-off" | "api-key-login-unavailable" | "two-factor-required" | "route-not-found" | "account-not-found" | "bucket-not-found" | "file-not-found" | "plan-not-found" | "customer-not-found" | "job-not-found" | "token-not-found" | "session-not-found" | "order-not-found" | "method-not-allowed" | "not-acceptable" | "bucket-exists" | "bucket-not-empty" | "job-running" | "job-not-resumable" | "not-a-paid-account" | "limit-reached" | "too-many-tokens" | "idempotency-in-progress" | "price-changed" | "probable-duplicate-order" | "confirmation-mismatch" | "body-too-large" | "uri-too-long" | "unsupported-media-type" | "plan-not-orderable" | "location-not-offered" | "invalid-bucket-name" | "path-not-presignable" | "idempotency-key-reused" | "confirmation-required" | "rate-limited" | "headers-too-large" | "internal" | "endpoint-not-configured" | "not-offered-upstream" | "upstream-refused" | "upstream-bad-response" | "upstream-unreachable" | "upstream-storage-error" | "account-state-unknown" | "overloaded" | "upstream-unavailable" | "store-unavailable" | "upstream-throttled" | "draining" | "upstream-timeout";
            /** @description Short text, the same for every occurrence of the problem. */
            title: string;
            /**
             * Format: int32
             * @description HTTP status.
             */
            status: number;
            /** @description What happened in this request. */
            detail: string;
            /** @description Id of the request, as in `X-Request-Id`. */
            instance: string;
            /** @description True when the same request can be sent again. */
            retryable: boolean;
            /** @description One entry for each fault. */
            errors?: {
                /**
                 * @description Where the fault is.
                 * @enum {string}
                 */
                in: "body" | "query" | "path" | "header";
                /** @description JSON pointer to the member of the body. */
                pointer?: string;
                /** @description Name of the parameter or header. */
                parameter?: string;
                /**
                 * @description What is wrong: stable.
                 * @enum {string}
                 */
                code: "missing" | "unknown-member" | "wrong-type" | "too-short" | "too-long" | "too-small" | "too-large" | "too-few" | "too-many" | "pattern" | "not-listed" | "one-of" | "repeated" | "mismatch" | "not-allowed" | "unreadable";
                /** @description What is wrong, as a text for people. */
                detail: string;
            }[];
            /**
             * @description Effect of a write that failed. `not-applied`: no effect. `applied`: the write took effect. `partial`: HOSTKEY created something and then failed. `unknown`: the effect is unknown; check the resource before you send the request again.
             * @enum {string}
             */
            outcome?: "applied" | "not-applied" | "partial" | "unknown";
            /** @description Refusal by HOSTKEY. */
            upstream?: {
                /** @description Action of HOSTKEY. */
                action: string;
                /** @description Text of HOSTKEY, where the gateway knows its wording. */
                message?: string;
                /** @description Stands for a text of HOSTKEY that the gateway does not know. The operator finds the text under it in the log. */
                reference?: string;
            };
            /** @description Related resources. */
            links?: {
                [key: string]: string;
            };
        };
        /** @description Name of an S3 account. Opaque. */
        S3Uid: string;
        /**
         * @description A scope.
         * @enum {string}
         */
        Scope: "accounts:read" | "accounts:write" | "accounts:delete" | "buckets:read" | "buckets:write" | "files:read" | "files:delete" | "files:download" | "files:upload" | "keys:read" | "orders:write" | "plans:read" | "admin";
        /** @description Identity, scopes and expiry of the caller. The token never leaves the gateway. */
        Session: {
            /**
             * Format: date-time
             * @description Latest end of the session. It ends earlier after 15 minutes without a request.
             */
            expiresAt?: string;
            /**
             * Format: int32
             * @description Number of the customer at HOSTKEY.
             */
            customerId?: number;
            /** @description E-mail address of the customer. */
            email?: string;
            /** @description Role at HOSTKEY. */
            role?: string;
            /** @description Scopes of the caller. */
            scopes: string[];
        };
        /** @description The live sessions of the customer, the newest first. */
        SessionList: {
            /** @description The sessions. */
            items: components["schemas"]["ListedSession"][];
        };
        /** @description Liveness or readiness of this replica. */
        Status: {
            /**
             * @description `unready`: this replica is draining, or its store is unavailable.
             * @enum {string}
             */
            status: "ok" | "unready";
        };
        /** @description The scheduled end of a paid account. */
        Termination: {
            /** @description When HOSTKEY ends the account with its data; null when HOSTKEY did not tell. */
            effectiveAt: string | null;
        };
        /** @description A token of the gateway, without the token itself. */
        Token: {
            /** @description Id of the token, which is no credential. */
            tokenId: string;
            /** @description What the token is for. Lists show it. */
            name: string;
            /** @description What the token may do: scopes of its maker. */
            scopes: components["schemas"]["Scope"][];
            /** @description The only accounts of the token. Default: those of its maker. */
            accounts?: components["schemas"]["S3Uid"][];
            /** @description The only buckets of the token. Default: those of its maker. */
            buckets?: components["schemas"]["BucketOfAccount"][];
            /** @description The beginning of every path of the token, byte by byte. Default: that of its maker. */
            pathPrefix?: string;
            /**
             * Format: date-time
             * @description When the token was made.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description Latest end of the token. It ends earlier with the credential that made it.
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @description Last use, to the hour. Missing until the token is used.
             */
            lastUsedAt?: string;
            /**
             * @description The credential of the maker. `bearer`: a HOSTKEY token. `token`: such a token.
             * @enum {string}
             */
            madeBy: "session" | "bearer" | "service" | "token";
        };
        /** @description The live tokens that the caller may see, the newest first. */
        TokenList: {
            /** @description The tokens. */
            items: components["schemas"]["Token"][];
        };
        /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
        Traffic: number;
        /** @description Storage and traffic of an account. HOSTKEY measures them from time to time, so the values lag. */
        Usage: {
            /** @description Storage used, in bytes. */
            storageBytes?: components["schemas"]["WholeNumber"];
            /** @description Storage quota, in bytes. */
            quotaBytes?: components["schemas"]["WholeNumber"];
            /** @description `storageBytes` divided by `quotaBytes`; absent without a quota. */
            quotaUsedRatio?: number;
            /** @description Growth of the storage by the snapshots since the last purge, of at most 90 days, in bytes a day; negative when it shrinks. Null below three snapshots or a day. */
            growthBytesPerDay: number | null;
            /** @description Days until the quota is reached at this growth. Null without a quota, without a clear growth, and beyond ten years. */
            daysUntilFull: number | null;
            /** @description The snapshots behind the forecast. */
            basis: components["schemas"]["ForecastBasis"] | null;
            bandwidth?: components["schemas"]["Traffic"];
            /** @description Storage of each bucket. */
            buckets: components["schemas"]["BucketUsage"][];
            /** @description Earlier measurements. */
            snapshots: components["schemas"]["UsageSnapshot"][];
        };
        /** @description Usage of the accounts of the customer. */
        UsageList: {
            /** @description The accounts whose usage is known. */
            items: components["schemas"]["AccountUsage"][];
            /** @description The accounts whose usage could not be read. */
            partial: {
                s3uid: components["schemas"]["S3Uid"];
                problem: components["schemas"]["Problem"];
            }[];
            /** @description True when there are more than 100 accounts: the others are left out. */
            truncated: boolean;
        };
        /** @description Storage and traffic at one point in time. */
        UsageSnapshot: {
            /** @description Storage used, in bytes. */
            storageBytes?: components["schemas"]["WholeNumber"];
            bandwidth?: components["schemas"]["Traffic"];
            /**
             * Format: date-time
             * @description Time of the measurement.
             */
            createdAt?: string;
        };
        /**
         * Format: uuid
         * @description An id that the gateway made.
         */
        Uuid: string;
        /**
         * @description A success with a reservation.
         * @example {
         *       "code": "bucket-name-unconfirmed",
         *       "detail": "HOSTKEY does not list the bucket yet; its name may differ from the requested one."
         *     }
         */
        Warning: {
            /**
             * @description `account-created-with-error`: HOSTKEY reported an error, but the account exists. `bucket-name-unconfirmed`: HOSTKEY does not list the bucket yet; its name may differ from the requested one. `bucket-name-ordered`: another order for this bucket name is refused.
             * @enum {string}
             */
            code: "account-created-with-error" | "bucket-name-unconfirmed" | "bucket-name-ordered";
            /** @description What happened. */
            detail: string;
        };
        /**
         * Format: int64
         * @description A whole number, not negative.
         */
        WholeNumber: number;
    };
    responses: {
        /** @description Done. */
        204: {
            headers: {
                "Set-Cookie": components["headers"]["Set-Cookie"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The version that the caller has is current. */
        304: {
            headers: {
                ETag: components["headers"]["ETag"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description `invalid-request`, `malformed-url`, `invalid-cursor` */
        400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-credentials`, `invalid-token` */
        401: {
            headers: {
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required` */
        402: {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `csrf-rejected`, `insufficient-scope`, `forbidden`, `two-factor-required` */
        403: {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `customer-not-found`, `account-not-found` */
        404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-not-empty`, `limit-reached` */
        409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `confirmation-mismatch` */
        412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `plan-not-orderable`, `invalid-bucket-name`, `location-not-offered`, `idempotency-key-reused` */
        422: {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `confirmation-required` */
        428: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-offered-upstream` */
        501: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-storage-error`, `upstream-refused`, `upstream-bad-response`, `upstream-unreachable`, `account-state-unknown` */
        502: {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The version that the caller has is current. */
        "304-getJob": {
            headers: {
                ETag: components["headers"]["ETag"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The version that the caller has is current. */
        "304-listFiles": {
            headers: {
                ETag: components["headers"]["ETag"];
                Link: components["headers"]["Link"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description `invalid-request`, `malformed-url` */
        "400-createAccount": {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-request`, `malformed-url`, `idempotency-key-required` */
        "400-createOrder": {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-request`, `malformed-url`, `file-path-required`, `file-path-encoding` */
        "400-deleteFile": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `csrf-rejected`, `insufficient-scope`, `forbidden`, `switched-off` */
        "403-createPresignedUrl": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `csrf-rejected`, `https-required`, `api-key-login-unavailable`, `two-factor-required`, `forbidden` */
        "403-createSession": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `csrf-rejected`, `forbidden`, `two-factor-required`, `scope-exceeds-caller` */
        "403-createToken": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found` */
        "404-deleteAccount": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-not-found`, `account-not-found` */
        "404-deleteBucket": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `file-not-found`, `bucket-not-found`, `account-not-found` */
        "404-deleteFile": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `session-not-found` */
        "404-deleteSessionById": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `token-not-found` */
        "404-deleteToken": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-not-found` */
        "404-getJob": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `order-not-found` */
        "404-getOrder": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `plan-not-found` */
        "404-getPlan": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `route-not-found` */
        "404-getProblemPage": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `price-changed` */
        "409-checkOrder": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `limit-reached`, `bucket-exists`, `idempotency-in-progress`, `probable-duplicate-order` */
        "409-createAccount": {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-exists`, `limit-reached` */
        "409-createBucket": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-running` */
        "409-createFileDeletion": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-exists`, `limit-reached`, `idempotency-in-progress`, `probable-duplicate-order`, `price-changed` */
        "409-createOrder": {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-a-paid-account`, `limit-reached` */
        "409-createTermination": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `too-many-tokens` */
        "409-createToken": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `limit-reached` */
        "409-deleteFile": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-not-resumable` */
        "409-resumeJob": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-bucket-name`, `plan-not-orderable`, `location-not-offered` */
        "422-checkOrder": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-bucket-name` */
        "422-createBucket": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency-key-reused` */
        "422-createFileDeletion": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `path-not-presignable` */
        "422-createPresignedUrl": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `endpoint-not-configured` */
        "501-createPresignedUrl": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-storage-error`, `upstream-refused`, `upstream-bad-response`, `upstream-unreachable` */
        "502-createOrder": {
            headers: {
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Any operation: the request is wrong as HTTP (406, 413, 414, 415, 431), the gateway fails (500, 503), or HOSTKEY refuses an unpaid customer (402) or fails (502, 503, 504). */
        default: {
            headers: {
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "Set-Cookie": components["headers"]["Set-Cookie"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /**
         * @description `1`: required with the session cookie, to log in and to log out.
         * @example 1
         */
        "x-csrf": string;
        /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
        "if-none-match": string;
        /**
         * @description Name of an S3 account. Opaque.
         * @example s3_user_1
         */
        s3uid: components["schemas"]["S3Uid"];
        /** @description Name of the account, exactly as in the URL. */
        "confirm-delete": components["schemas"]["S3Uid"];
        /** @description Name of a bucket, exactly as listed. */
        bucket: components["schemas"]["BucketName"];
        /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
        folder: string;
        /** @description `true` lists every file below the folder, in all folders; `false` what is directly inside. */
        recursive: boolean;
        /** @description Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search. */
        search: string;
        /** @description `nextCursor` of an earlier reply, for the same list. */
        cursor: string;
        /**
         * @description Name of a bucket, exactly as listed.
         * @example holiday-pictures
         */
        "bucket-deleteFile": components["schemas"]["BucketName"];
        /** @description `nextCursor` of the previous page. */
        "cursor-listJobs": string;
        /**
         * @description Id of a job.
         * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
         */
        jobId: components["schemas"]["Uuid"];
        /** @description Only results with this outcome. */
        outcome: "deleted" | "missing" | "failed";
        /**
         * @description Number of a pricing plan.
         * @example 2
         */
        planId: number;
    };
    requestBodies: never;
    headers: {
        /**
         * @description Methods that the path supports.
         * @example GET, POST
         */
        Allow: string;
        /**
         * @description Version of the reply. Send it as `If-None-Match` to get 304 while nothing has changed.
         * @example W/"1f-2Zk8Q"
         */
        ETag: string;
        /**
         * @description `true` when this is the recorded reply to an earlier request with the same key.
         * @example true
         */
        "Idempotency-Replayed": string;
        /**
         * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
         * @example </accounts?cursor=x>; rel="next"
         */
        Link: string;
        /**
         * @description Address of the created resource.
         * @example /accounts/s3_user_12345
         */
        Location: string;
        /**
         * @description For each limit that applies: `r`, the requests left, and `t`, the seconds until the window ends.
         * @example "ip";r=1199;t=60, "caller";r=599;t=60
         */
        RateLimit: string;
        /**
         * @description For each limit that applies: `q`, the requests allowed, and `w`, the length of the window in seconds.
         * @example "ip";q=1200;w=60, "caller";q=600;w=60
         */
        "RateLimit-Policy": string;
        /**
         * @description Seconds to wait before the next attempt.
         * @example 5
         */
        "Retry-After": string;
        /**
         * @description Time in milliseconds: `queue` for a slot, `upstream` at HOSTKEY, and `total`.
         * @example queue;dur=0.0, upstream;dur=41.7, total;dur=43.2
         */
        "Server-Timing": string;
        /**
         * @description The session cookie, or the instruction to delete it.
         * @example __Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict
         */
        "Set-Cookie": string;
        /**
         * @description How to authenticate.
         * @example Bearer realm="hostkey-s3-gateway"
         */
        "WWW-Authenticate": string;
        /**
         * @description Id of the request: the one that the caller sent, or one that the gateway generated.
         * @example req-7f3a
         */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["Status"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["Status"];
                };
            };
            /** @description Liveness or readiness of this replica. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "unready"
                     *     }
                     */
                    "application/json": components["schemas"]["Status"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    getProblemPage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of the problem.
                 * @example bucket-not-empty
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            404: components["responses"]["404-getProblemPage"];
            default: components["responses"]["default"];
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "expiresAt": "2026-11-22T20:00:00.000Z",
                     *       "customerId": 1002,
                     *       "email": "demo@example.com",
                     *       "role": "Customer",
                     *       "scopes": [
                     *         "accounts:read",
                     *         "accounts:write",
                     *         "accounts:delete",
                     *         "buckets:read",
                     *         "buckets:write",
                     *         "files:read",
                     *         "files:delete",
                     *         "files:download",
                     *         "files:upload",
                     *         "keys:read",
                     *         "orders:write",
                     *         "plans:read"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Session"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description `1`: required with the session cookie, to log in and to log out.
                 * @example 1
                 */
                "x-csrf"?: components["parameters"]["x-csrf"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "apiKey": "0123456789abcdef-fedcba9876543210"
                 *     }
                 */
                "application/json": components["schemas"]["NewSession"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "expiresAt": "2026-11-22T20:00:00.000Z",
                     *       "customerId": 1002,
                     *       "email": "demo@example.com",
                     *       "role": "Customer billing",
                     *       "scopes": [
                     *         "accounts:read",
                     *         "accounts:write",
                     *         "accounts:delete",
                     *         "buckets:read",
                     *         "buckets:write",
                     *         "files:read",
                     *         "files:delete",
                     *         "files:download",
                     *         "files:upload",
                     *         "keys:read",
                     *         "orders:write",
                     *         "plans:read"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Session"];
                };
            };
            401: components["responses"]["401"];
            403: components["responses"]["403-createSession"];
            default: components["responses"]["default"];
        };
    };
    deleteSession: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description `1`: required with the session cookie, to log in and to log out.
                 * @example 1
                 */
                "x-csrf"?: components["parameters"]["x-csrf"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["204"];
            default: components["responses"]["default"];
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "sessionId": "YkLHiDpZJ-mJufjXmL6BYe",
                     *           "createdAt": "2026-11-22T12:00:00.000Z",
                     *           "lastUsedAt": "2026-11-22T12:00:00.000Z",
                     *           "network": "192.0.2.0/24",
                     *           "userAgent": "firefox",
                     *           "isCurrent": false
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    deleteSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["204"];
            default: components["responses"]["default"];
        };
    };
    listTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "tokenId": "A9hfo2YF6CVacIm8HQH4qE",
                     *           "name": "partner: reads the logs",
                     *           "scopes": [
                     *             "buckets:read",
                     *             "files:read",
                     *             "files:download"
                     *           ],
                     *           "buckets": [
                     *             "s3_user_1/logs"
                     *           ],
                     *           "createdAt": "2026-11-22T12:00:00.000Z",
                     *           "expiresAt": "2026-11-22T13:00:00.000Z",
                     *           "madeBy": "bearer"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "partner: reads the logs",
                 *       "scopes": [
                 *         "buckets:read",
                 *         "files:read",
                 *         "files:download"
                 *       ],
                 *       "buckets": [
                 *         "s3_user_1/logs"
                 *       ],
                 *       "expiresInSeconds": 3600
                 *     }
                 */
                "application/json": components["schemas"]["NewToken"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "token": "hkt_AAAAAAAAAAAAAAAAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
                     *       "tokenId": "A9hfo2YF6CVacIm8HQH4qE",
                     *       "expiresAt": "2026-11-22T13:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
            403: components["responses"]["403-createToken"];
            409: components["responses"]["409-createToken"];
            default: components["responses"]["default"];
        };
    };
    deleteToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Id of the token, which is no credential.
                 * @example A9hfo2YF6CVacIm8HQH4qE
                 */
                tokenId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404-deleteToken"];
            default: components["responses"]["default"];
        };
    };
    deleteSessionById: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Id of the session, which is no credential.
                 * @example YkLHiDpZJ-mJufjXmL6BYe
                 */
                sessionId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404-deleteSessionById"];
            default: components["responses"]["default"];
        };
    };
    listAccounts: {
        parameters: {
            query?: {
                /** @description Only accounts of this plan. */
                planId?: number;
                /** @description Only this account. */
                s3uid?: components["schemas"]["S3Uid"];
                /** @description Only the account that owns this bucket. */
                bucketName?: string;
                /** @description Only accounts at this location. */
                location?: components["schemas"]["Location"];
                /** @description Maximum number of accounts in the reply. */
                limit?: number;
                /** @description Member to sort by, ascending; with a leading hyphen descending. */
                sort?: "id" | "s3uid" | "email" | "planId" | "location" | "quotaBytes" | "storageBytes" | "traffic" | "-id" | "-s3uid" | "-email" | "-planId" | "-location" | "-quotaBytes" | "-storageBytes" | "-traffic";
                /** @description First day of a period, `YYYY-MM-DD`. Passed to HOSTKEY unchanged; HOSTKEY does not document what the period filters. */
                periodFrom?: components["schemas"]["Day"];
                /** @description Last day of that period, `YYYY-MM-DD`. */
                periodTo?: components["schemas"]["Day"];
                /** @description Admin only: accounts of this customer. */
                customerId?: number;
                /** @description Admin only: accounts of the customer with this e-mail address. */
                email?: string;
                /** @description Admin only: accounts of this billing. */
                billing?: string;
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "s3uid": "s3_user_1",
                     *           "id": 1,
                     *           "email": "demo@example.com",
                     *           "planId": 2,
                     *           "location": "NL",
                     *           "quotaBytes": 268435456000,
                     *           "storageBytes": 80962140,
                     *           "traffic": 102400
                     *         }
                     *       ],
                     *       "truncated": false
                     *     }
                     */
                    "application/json": components["schemas"]["AccountList"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404"];
            default: components["responses"]["default"];
        };
    };
    createAccount: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description A new key for each order, the same key for each retry: 16 to 255 characters, such as a random UUID.
                 * @example 2f6c1a7e-5d0b-4c0e-8a3d-91b4f7e2c605
                 */
                "idempotency-key"?: components["schemas"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "planId": 1,
                 *       "bucketName": "music",
                 *       "location": "NL"
                 *     }
                 */
                "application/json": components["schemas"]["NewAccount"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "s3uid": "s3_user_100",
                     *       "planId": 1,
                     *       "location": "NL",
                     *       "bucket": "music",
                     *       "warnings": []
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedAccount"];
                };
            };
            400: components["responses"]["400-createAccount"];
            402: components["responses"]["402"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            409: components["responses"]["409-createAccount"];
            422: components["responses"]["422"];
            502: components["responses"]["502"];
            default: components["responses"]["default"];
        };
    };
    getAccount: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "s3uid": "s3_user_1",
                     *       "id": 1,
                     *       "email": "demo@example.com",
                     *       "planId": 2,
                     *       "location": "NL",
                     *       "quotaBytes": 268435456000,
                     *       "storageBytes": 80962140,
                     *       "traffic": 102400
                     *     }
                     */
                    "application/json": components["schemas"]["Account"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404"];
            default: components["responses"]["default"];
        };
    };
    deleteAccount: {
        parameters: {
            query?: never;
            header: {
                /** @description Name of the account, exactly as in the URL. */
                "confirm-delete": components["parameters"]["confirm-delete"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404-deleteAccount"];
            409: components["responses"]["409"];
            412: components["responses"]["412"];
            428: components["responses"]["428"];
            default: components["responses"]["default"];
        };
    };
    createTermination: {
        parameters: {
            query?: never;
            header: {
                /** @description Name of the account, exactly as in the URL. */
                "confirm-delete": components["parameters"]["confirm-delete"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "effectiveAt": "2026-01-31T00:00:00Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Termination"];
                };
            };
            404: components["responses"]["404-deleteAccount"];
            409: components["responses"]["409-createTermination"];
            412: components["responses"]["412"];
            428: components["responses"]["428"];
            501: components["responses"]["501"];
            default: components["responses"]["default"];
        };
    };
    cancelTermination: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404-deleteAccount"];
            409: components["responses"]["409-createTermination"];
            501: components["responses"]["501"];
            default: components["responses"]["default"];
        };
    };
    listBuckets: {
        parameters: {
            query?: {
                /** @description `usage` adds `storageBytes` to each bucket. It needs a second, slower call to HOSTKEY. */
                expand?: "usage";
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "name": "holiday-pictures",
                     *           "createdAt": "2023-10-01T12:00:00Z"
                     *         },
                     *         {
                     *           "name": "empty-bucket",
                     *           "createdAt": "2023-10-01T12:00:00Z"
                     *         },
                     *         {
                     *           "name": "logs",
                     *           "createdAt": "2023-10-01T12:00:00Z"
                     *         }
                     *       ],
                     *       "bandwidth": 102400,
                     *       "snapshot": {
                     *         "storageBytes": 1024000000,
                     *         "bandwidth": 102400,
                     *         "createdAt": "2023-10-27T10:00:00Z"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["BucketList"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404-deleteAccount"];
            default: components["responses"]["default"];
        };
    };
    createBucket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "photos"
                 *     }
                 */
                "application/json": components["schemas"]["NewBucket"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "photos",
                     *       "createdAt": "2026-11-22T12:00:00Z",
                     *       "warnings": []
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedBucket"];
                };
            };
            404: components["responses"]["404-deleteAccount"];
            409: components["responses"]["409-createBucket"];
            422: components["responses"]["422-createBucket"];
            default: components["responses"]["default"];
        };
    };
    deleteBucket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /** @description Name of a bucket, exactly as listed. */
                bucket: components["parameters"]["bucket"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["404-deleteBucket"];
            409: components["responses"]["409"];
            default: components["responses"]["default"];
        };
    };
    listFiles: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: components["parameters"]["folder"];
                /** @description `true` lists every file below the folder, in all folders; `false` what is directly inside. */
                recursive?: components["parameters"]["recursive"];
                /** @description Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search. */
                search?: components["parameters"]["search"];
                /**
                 * @description Maximum number of files and folders in the reply. Default: 100.
                 * @example 3
                 */
                limit?: number;
                /** @description `nextCursor` of an earlier reply, for the same list. */
                cursor?: components["parameters"]["cursor"];
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example logs
                 */
                bucket: components["schemas"]["BucketName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "path": "access-00000.log.gz",
                     *           "name": "access-00000.log.gz",
                     *           "sizeBytes": 4096,
                     *           "modifiedAt": "2023-10-27T10:00:00Z",
                     *           "links": {
                     *             "self": "/accounts/s3_user_1/buckets/logs/files?path=access-00000.log.gz"
                     *           }
                     *         },
                     *         {
                     *           "path": "access-00001.log.gz",
                     *           "name": "access-00001.log.gz",
                     *           "sizeBytes": 4097,
                     *           "modifiedAt": "2023-10-27T10:01:00Z",
                     *           "links": {
                     *             "self": "/accounts/s3_user_1/buckets/logs/files?path=access-00001.log.gz"
                     *           }
                     *         }
                     *       ],
                     *       "folders": [
                     *         {
                     *           "path": "2023/"
                     *         }
                     *       ],
                     *       "nextCursor": "z2G0TUYMsVQT.WzcsIjIwMjMvIixbIiIsImV5SkRiMjUwYVc1MVlYUnBiMjVVYjJ0bGJpSTZJamt6UkRRMU9Ua3pNVGhCUmpNMVJETTFOelJHTjBVd01TSjkiLCIiXV0",
                     *       "complete": false
                     *     }
                     */
                    "application/json": components["schemas"]["FileList"];
                };
            };
            304: components["responses"]["304-listFiles"];
            400: components["responses"]["400"];
            404: components["responses"]["404-deleteBucket"];
            default: components["responses"]["default"];
        };
    };
    deleteFile: {
        parameters: {
            query: {
                /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
                path: components["schemas"]["FilePath"];
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: components["parameters"]["bucket-deleteFile"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400-deleteFile"];
            404: components["responses"]["404-deleteFile"];
            409: components["responses"]["409-deleteFile"];
            default: components["responses"]["default"];
        };
    };
    streamFiles: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: components["parameters"]["folder"];
                /** @description `true` lists every file below the folder, in all folders; `false` what is directly inside. */
                recursive?: components["parameters"]["recursive"];
                /** @description Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search. */
                search?: components["parameters"]["search"];
                /** @description `nextCursor` of an earlier reply, for the same list. */
                cursor?: components["parameters"]["cursor"];
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: components["parameters"]["bucket-deleteFile"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["FileLine"];
                };
            };
            400: components["responses"]["400"];
            404: components["responses"]["404-deleteBucket"];
            default: components["responses"]["default"];
        };
    };
    summarizeFolder: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: components["parameters"]["folder"];
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: components["parameters"]["bucket-deleteFile"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "files": 48,
                     *       "storageBytes": 7102464,
                     *       "newestModifiedAt": "2023-10-27T12:47:00Z",
                     *       "complete": true
                     *     }
                     */
                    "application/json": components["schemas"]["FolderSummary"];
                };
            };
            404: components["responses"]["404-deleteBucket"];
            default: components["responses"]["default"];
        };
    };
    deleteFileByPath: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: components["parameters"]["bucket-deleteFile"];
                /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
                path: components["schemas"]["FilePath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400-deleteFile"];
            404: components["responses"]["404-deleteFile"];
            409: components["responses"]["409-deleteFile"];
            default: components["responses"]["default"];
        };
    };
    createFileDeletion: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and the same body answer with the same job: 16 to 255 characters, such as a random UUID. */
                "idempotency-key"?: components["schemas"]["IdempotencyKey"];
                /** @description `respond-async`: the reply is 202 with a job, also for few paths (RFC 7240). */
                prefer?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /** @description Name of a bucket, exactly as listed. */
                bucket: components["parameters"]["bucket"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "paths": [
                 *         "with space.txt",
                 *         "no-such-file.txt"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewFileDeletion"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21",
                     *       "kind": "file-deletion",
                     *       "state": "queued",
                     *       "s3uid": "s3_user_1",
                     *       "bucket": "holiday-pictures",
                     *       "selection": {
                     *         "pathCount": 2
                     *       },
                     *       "counts": {
                     *         "found": 2,
                     *         "deleted": 0,
                     *         "missing": 0,
                     *         "failed": 0,
                     *         "remaining": null
                     *       },
                     *       "createdAt": "2026-11-22T12:00:00.000Z",
                     *       "links": {
                     *         "self": "/jobs/0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21",
                     *         "results": "/jobs/0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21/results",
                     *         "events": "/jobs/0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21/events"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Multi-Status */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "path": "with space.txt",
                     *           "outcome": "deleted"
                     *         },
                     *         {
                     *           "path": "no-such-file.txt",
                     *           "outcome": "missing"
                     *         }
                     *       ],
                     *       "deleted": 1,
                     *       "missing": 1,
                     *       "failed": 0
                     *     }
                     */
                    "application/json": components["schemas"]["FileDeletionResult"];
                };
            };
            404: components["responses"]["404-deleteBucket"];
            409: components["responses"]["409-createFileDeletion"];
            412: components["responses"]["412"];
            422: components["responses"]["422-createFileDeletion"];
            default: components["responses"]["default"];
        };
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description Only jobs in this state. */
                state?: "queued" | "running" | "paused" | "succeeded" | "partly-failed" | "cancelled";
                /**
                 * @description Maximum number of jobs in the reply. Default: 20.
                 * @example 1
                 */
                limit?: number;
                /** @description `nextCursor` of the previous page. */
                cursor?: components["parameters"]["cursor-listJobs"];
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "jobId": "c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19",
                     *           "kind": "file-deletion",
                     *           "state": "paused",
                     *           "s3uid": "s3_user_1",
                     *           "bucket": "empty-bucket",
                     *           "selection": {
                     *             "prefix": "tmp/"
                     *           },
                     *           "counts": {
                     *             "found": 0,
                     *             "deleted": 0,
                     *             "missing": 0,
                     *             "failed": 0,
                     *             "remaining": null
                     *           },
                     *           "createdAt": "2023-10-01T12:10:00.000Z",
                     *           "startedAt": "2023-10-01T12:10:00.000Z",
                     *           "problem": {
                     *             "name": "invalid-token",
                     *             "status": 401,
                     *             "detail": "HOSTKEY does not accept the token of the job any more."
                     *           },
                     *           "links": {
                     *             "self": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19",
                     *             "results": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19/results",
                     *             "events": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19/events"
                     *           }
                     *         }
                     *       ],
                     *       "nextCursor": "c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19"
                     *     }
                     */
                    "application/json": components["schemas"]["JobList"];
                };
            };
            304: components["responses"]["304-listFiles"];
            400: components["responses"]["400"];
            default: components["responses"]["default"];
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: components["parameters"]["jobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f",
                     *       "kind": "file-deletion",
                     *       "state": "succeeded",
                     *       "s3uid": "s3_user_1",
                     *       "bucket": "logs",
                     *       "selection": {
                     *         "prefix": "2022/"
                     *       },
                     *       "counts": {
                     *         "found": 3,
                     *         "deleted": 3,
                     *         "missing": 0,
                     *         "failed": 0,
                     *         "remaining": 0
                     *       },
                     *       "createdAt": "2023-10-01T12:05:00.000Z",
                     *       "startedAt": "2023-10-01T12:05:00.000Z",
                     *       "endedAt": "2023-10-01T12:05:01.000Z",
                     *       "links": {
                     *         "self": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f",
                     *         "results": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/results",
                     *         "events": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/events"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
            304: components["responses"]["304-getJob"];
            404: components["responses"]["404-getJob"];
            default: components["responses"]["default"];
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: components["parameters"]["jobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f",
                     *       "kind": "file-deletion",
                     *       "state": "succeeded",
                     *       "s3uid": "s3_user_1",
                     *       "bucket": "logs",
                     *       "selection": {
                     *         "prefix": "2022/"
                     *       },
                     *       "counts": {
                     *         "found": 3,
                     *         "deleted": 3,
                     *         "missing": 0,
                     *         "failed": 0,
                     *         "remaining": 0
                     *       },
                     *       "createdAt": "2023-10-01T12:05:00.000Z",
                     *       "startedAt": "2023-10-01T12:05:00.000Z",
                     *       "endedAt": "2023-10-01T12:05:01.000Z",
                     *       "links": {
                     *         "self": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f",
                     *         "results": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/results",
                     *         "events": "/jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/events"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
            404: components["responses"]["404-getJob"];
            default: components["responses"]["default"];
        };
    };
    listJobResults: {
        parameters: {
            query?: {
                /** @description Only results with this outcome. */
                outcome?: components["parameters"]["outcome"];
                /**
                 * @description Maximum number of results in the reply. Default: 100.
                 * @example 2
                 */
                limit?: number;
                /** @description `nextCursor` of the previous page. */
                cursor?: components["parameters"]["cursor-listJobs"];
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: components["parameters"]["jobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "path": "2022/01.log",
                     *           "outcome": "deleted"
                     *         },
                     *         {
                     *           "path": "2022/02.log",
                     *           "outcome": "deleted"
                     *         }
                     *       ],
                     *       "nextCursor": "Mg"
                     *     }
                     */
                    "application/json": components["schemas"]["JobResultList"];
                };
            };
            304: components["responses"]["304-listFiles"];
            400: components["responses"]["400"];
            404: components["responses"]["404-getJob"];
            default: components["responses"]["default"];
        };
    };
    streamJobResults: {
        parameters: {
            query?: {
                /** @description Only results with this outcome. */
                outcome?: components["parameters"]["outcome"];
                /** @description `nextCursor` of the previous page. */
                cursor?: components["parameters"]["cursor-listJobs"];
            };
            header?: never;
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: components["parameters"]["jobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["JobResultLine"];
                };
            };
            400: components["responses"]["400"];
            404: components["responses"]["404-getJob"];
            default: components["responses"]["default"];
        };
    };
    streamJobEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description `id` of the last event that was received: the stream goes on after it. */
                "last-event-id"?: string;
            };
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: components["parameters"]["jobId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example : open
                     *     retry: 3000
                     *
                     *     id: 1
                     *     event: end
                     *     data: {"jobId":"9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f","state":"succeeded","counts":{"found":3,"deleted":3,"missing":0,"failed":0,"remaining":0}}
                     */
                    "text/event-stream": string;
                };
            };
            404: components["responses"]["404-getJob"];
            default: components["responses"]["default"];
        };
    };
    resumeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Id of a job.
                 * @example c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19
                 */
                jobId: components["schemas"]["Uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19",
                     *       "kind": "file-deletion",
                     *       "state": "queued",
                     *       "s3uid": "s3_user_1",
                     *       "bucket": "empty-bucket",
                     *       "selection": {
                     *         "prefix": "tmp/"
                     *       },
                     *       "counts": {
                     *         "found": 0,
                     *         "deleted": 0,
                     *         "missing": 0,
                     *         "failed": 0,
                     *         "remaining": null
                     *       },
                     *       "createdAt": "2023-10-01T12:10:00.000Z",
                     *       "startedAt": "2023-10-01T12:10:00.000Z",
                     *       "links": {
                     *         "self": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19",
                     *         "results": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19/results",
                     *         "events": "/jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19/events"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
            404: components["responses"]["404-getJob"];
            409: components["responses"]["409-resumeJob"];
            default: components["responses"]["default"];
        };
    };
    getKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Which half of the key pair.
                 * @example access-key
                 */
                kind: "access-key" | "secret-key";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "kind": "access-key",
                     *       "value": "AKIAIOSFODNN7EXAMPLE"
                     *     }
                     */
                    "application/json": components["schemas"]["Key"];
                };
            };
            404: components["responses"]["404-deleteAccount"];
            default: components["responses"]["default"];
        };
    };
    createPresignedUrl: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: components["parameters"]["bucket-deleteFile"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "operation": "download",
                 *       "path": "readme.txt",
                 *       "downloadName": "read me.txt"
                 *     }
                 */
                "application/json": components["schemas"]["NewPresignedUrl"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "url": "https://s3-nl.hostkey.com/holiday-pictures/readme.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=…",
                     *       "method": "GET",
                     *       "headers": {},
                     *       "expiresAt": "2026-11-22T12:05:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["PresignedUrl"];
                };
            };
            403: components["responses"]["403-createPresignedUrl"];
            404: components["responses"]["404"];
            422: components["responses"]["422-createPresignedUrl"];
            501: components["responses"]["501-createPresignedUrl"];
            default: components["responses"]["default"];
        };
    };
    getConnection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "endpoint": "https://s3-nl.hostkey.com",
                     *       "region": "nl",
                     *       "addressing": "path",
                     *       "examples": {
                     *         "awsCli": "aws s3 ls --endpoint-url https://s3-nl.hostkey.com --region nl",
                     *         "rclone": "rclone lsd :s3,provider=Other,env_auth=true,endpoint='https://s3-nl.hostkey.com',region=nl,force_path_style=true:"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Connection"];
                };
            };
            404: components["responses"]["404"];
            501: components["responses"]["501-createPresignedUrl"];
            default: components["responses"]["default"];
        };
    };
    getUsage: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: components["parameters"]["s3uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "storageBytes": 80962140,
                     *       "quotaBytes": 268435456000,
                     *       "quotaUsedRatio": 0.00030160747468471527,
                     *       "growthBytesPerDay": 208000000,
                     *       "daysUntilFull": 1290,
                     *       "basis": {
                     *         "snapshots": 5,
                     *         "from": "2023-10-23T10:00:00.000Z",
                     *         "to": "2023-10-27T10:00:00.000Z"
                     *       },
                     *       "bandwidth": 102400,
                     *       "buckets": [
                     *         {
                     *           "name": "holiday-pictures",
                     *           "storageBytes": 47472640
                     *         },
                     *         {
                     *           "name": "empty-bucket",
                     *           "storageBytes": 0
                     *         },
                     *         {
                     *           "name": "logs",
                     *           "storageBytes": 33489500
                     *         }
                     *       ],
                     *       "snapshots": [
                     *         {
                     *           "storageBytes": 128000000,
                     *           "bandwidth": 20480,
                     *           "createdAt": "2023-10-23T10:00:00Z"
                     *         },
                     *         {
                     *           "storageBytes": 224000000,
                     *           "bandwidth": 40960,
                     *           "createdAt": "2023-10-24T10:00:00Z"
                     *         },
                     *         {
                     *           "storageBytes": 352000000,
                     *           "bandwidth": 61440,
                     *           "createdAt": "2023-10-25T10:00:00Z"
                     *         },
                     *         {
                     *           "storageBytes": 512000000,
                     *           "bandwidth": 81920,
                     *           "createdAt": "2023-10-26T10:00:00Z"
                     *         },
                     *         {
                     *           "storageBytes": 1024000000,
                     *           "bandwidth": 102400,
                     *           "createdAt": "2023-10-27T10:00:00Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Usage"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404-deleteAccount"];
            default: components["responses"]["default"];
        };
    };
    listUsage: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "s3uid": "s3_user_1",
                     *           "storageBytes": 80962140,
                     *           "quotaBytes": 268435456000,
                     *           "quotaUsedRatio": 0.00030160747468471527,
                     *           "growthBytesPerDay": 208000000,
                     *           "daysUntilFull": 1290,
                     *           "basis": {
                     *             "snapshots": 5,
                     *             "from": "2023-10-23T10:00:00.000Z",
                     *             "to": "2023-10-27T10:00:00.000Z"
                     *           },
                     *           "bandwidth": 102400
                     *         }
                     *       ],
                     *       "partial": [],
                     *       "truncated": false
                     *     }
                     */
                    "application/json": components["schemas"]["UsageList"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404"];
            default: components["responses"]["default"];
        };
    };
    listPlans: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": 1,
                     *           "name": "Free Plan",
                     *           "active": true,
                     *           "storageType": "standard",
                     *           "bandwidthLimit": 0,
                     *           "quotaBytes": 5368709120,
                     *           "locations": [
                     *             "NL",
                     *             "DE"
                     *           ],
                     *           "price": {
                     *             "monthlyEur": 0,
                     *             "monthlyUsd": 0,
                     *             "monthlyRub": 0
                     *           }
                     *         },
                     *         {
                     *           "id": 2,
                     *           "name": "Standard 250",
                     *           "active": true,
                     *           "storageType": "standard",
                     *           "bandwidthLimit": 0,
                     *           "quotaBytes": 268435456000,
                     *           "locations": [
                     *             "NL"
                     *           ],
                     *           "price": {
                     *             "monthlyEur": 4.9,
                     *             "monthlyUsd": 5.4,
                     *             "monthlyRub": 490
                     *           }
                     *         },
                     *         {
                     *           "id": 4,
                     *           "name": "Standard 1000",
                     *           "active": true,
                     *           "storageType": "standard",
                     *           "bandwidthLimit": 0,
                     *           "quotaBytes": 1073741824000,
                     *           "locations": [
                     *             "NL",
                     *             "DE"
                     *           ],
                     *           "price": {
                     *             "monthlyEur": 14.9,
                     *             "monthlyUsd": 16.4,
                     *             "monthlyRub": 1490
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PlanList"];
                };
            };
            304: components["responses"]["304"];
            default: components["responses"]["default"];
        };
    };
    getPlan: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Number of a pricing plan.
                 * @example 2
                 */
                planId: components["parameters"]["planId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": 2,
                     *       "name": "Standard 250",
                     *       "active": true,
                     *       "storageType": "standard",
                     *       "bandwidthLimit": 0,
                     *       "quotaBytes": 268435456000,
                     *       "locations": [
                     *         "NL"
                     *       ],
                     *       "price": {
                     *         "monthlyEur": 4.9,
                     *         "monthlyUsd": 5.4,
                     *         "monthlyRub": 490
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Plan"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404-getPlan"];
            default: components["responses"]["default"];
        };
    };
    listPlanHistory: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Number of a pricing plan.
                 * @example 2
                 */
                planId: components["parameters"]["planId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": 2,
                     *           "action": "create",
                     *           "changedAt": "2023-10-01T12:00:00Z",
                     *           "details": "Plan created"
                     *         },
                     *         {
                     *           "id": 3,
                     *           "action": "update",
                     *           "changedAt": "2023-10-28T10:00:00Z",
                     *           "details": "Quota raised to 250 GiB"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["PlanHistory"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404-getPlan"];
            default: components["responses"]["default"];
        };
    };
    createOrder: {
        parameters: {
            query?: never;
            header: {
                /** @description A new key for each order, the same key for each retry: 16 to 255 characters, such as a random UUID. */
                "idempotency-key": components["schemas"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "planId": 2,
                 *       "bucketName": "backups",
                 *       "location": "NL",
                 *       "expectedPrice": {
                 *         "monthlyEur": 0
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewOrder"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    Location: components["headers"]["Location"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "orderId": "0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04",
                     *       "state": "succeeded",
                     *       "planId": 2,
                     *       "bucketName": "backups",
                     *       "location": "NL",
                     *       "createdAt": "2026-11-22T12:00:00.000Z",
                     *       "s3uid": "s3_user_100",
                     *       "bucket": "backups",
                     *       "warnings": [],
                     *       "links": {
                     *         "self": "/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04",
                     *         "account": "/accounts/s3_user_100"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "orderId": "0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04",
                     *       "state": "unknown",
                     *       "planId": 2,
                     *       "bucketName": "backups",
                     *       "location": "NL",
                     *       "createdAt": "2026-11-22T12:00:00.000Z",
                     *       "problem": {
                     *         "name": "upstream-bad-response",
                     *         "status": 502,
                     *         "detail": "The answer of HOSTKEY cannot be used: HTTP 502 Bad Gateway."
                     *       },
                     *       "warnings": [],
                     *       "links": {
                     *         "self": "/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            400: components["responses"]["400-createOrder"];
            402: components["responses"]["402"];
            403: components["responses"]["403"];
            404: components["responses"]["404"];
            409: components["responses"]["409-createOrder"];
            422: components["responses"]["422"];
            502: components["responses"]["502-createOrder"];
            default: components["responses"]["default"];
        };
    };
    checkOrder: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "planId": 2,
                 *       "bucketName": "backups",
                 *       "location": "NL"
                 *     }
                 */
                "application/json": components["schemas"]["NewOrder"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "plan": {
                     *         "id": 2,
                     *         "name": "Standard 250",
                     *         "active": true,
                     *         "storageType": "standard",
                     *         "bandwidthLimit": 0,
                     *         "quotaBytes": 268435456000,
                     *         "locations": [
                     *           "NL"
                     *         ],
                     *         "price": {
                     *           "monthlyEur": 4.9,
                     *           "monthlyUsd": 5.4,
                     *           "monthlyRub": 490
                     *         }
                     *       },
                     *       "price": {
                     *         "monthlyEur": 4.9,
                     *         "monthlyUsd": 5.4,
                     *         "monthlyRub": 490
                     *       },
                     *       "location": "NL",
                     *       "locations": [
                     *         "NL"
                     *       ],
                     *       "warnings": []
                     *     }
                     */
                    "application/json": components["schemas"]["OrderCheck"];
                };
            };
            409: components["responses"]["409-checkOrder"];
            422: components["responses"]["422-checkOrder"];
            default: components["responses"]["default"];
        };
    };
    getOrder: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: components["parameters"]["if-none-match"];
            };
            path: {
                /**
                 * @description Id of an order.
                 * @example 5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11
                 */
                orderId: components["schemas"]["Uuid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "orderId": "5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11",
                     *       "state": "succeeded",
                     *       "planId": 2,
                     *       "bucketName": "holiday-pictures",
                     *       "location": "NL",
                     *       "createdAt": "2023-10-01T12:00:00.000Z",
                     *       "s3uid": "s3_user_1",
                     *       "bucket": "holiday-pictures",
                     *       "warnings": [],
                     *       "links": {
                     *         "self": "/orders/5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11",
                     *         "account": "/accounts/s3_user_1"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            304: components["responses"]["304"];
            404: components["responses"]["404-getOrder"];
            default: components["responses"]["default"];
        };
    };
}
