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
         * @description Replies 503 while this replica is draining or its store is unavailable. It does not depend on HOSTKEY; otherwise all replicas would become unready together.
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
         * @description For browsers. Exchanges one credential (`apiKey`, or `email` and `password`, or `token`) for a session cookie that scripts can neither read nor set. The gateway uses the credential once and does not store it. Needs the header `X-CSRF: 1`. Every login creates a new session.
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
        get?: never;
        put?: never;
        post?: never;
        /**
         * End all sessions
         * @description Ends every session of the customer on every replica, including the current one.
         */
        delete: operations["deleteSessions"];
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
         * @description HOSTKEY supports a limit but no cursor: `truncated` reports that there may be more accounts. The gateway itself filters by `location`. Needs the scope `accounts:read`.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Create a free account
         * @description Creates a free account with its first bucket. The gateway sends the request to HOSTKEY at most once. HOSTKEY may rename the bucket: `bucket` is the actual name. Needs the scope `accounts:write`.
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
         * @description Returns one account of the customer. An account of another customer is 404, like one that does not exist. Needs the scope `accounts:read`.
         */
        get: operations["getAccount"];
        put?: never;
        post?: never;
        /**
         * Delete an account with all its data
         * @description Deletes the account, its buckets and all their files. This cannot be undone. Needs the header `Confirm-Delete` with the name in the URL. Needs the scope `accounts:delete`.
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
         * @description Asks HOSTKEY to end a paid account with all its data; HOSTKEY sets the day. Needs the header `Confirm-Delete` with the name in the URL. The request is sent at most once, and no read shows a termination: after `outcome: unknown` ask HOSTKEY. Not every edition of HOSTKEY offers it (501). Needs the scope `accounts:delete`.
         */
        put: operations["createTermination"];
        post?: never;
        /**
         * Undo the termination of an account
         * @description Withdraws the termination before its day: the account stays, and is billed again. The request is sent at most once. Needs the scope `accounts:delete`.
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
         * @description Lists the buckets of an account, with its traffic. `expand=usage` adds the size of each bucket. Needs the scope `buckets:read`.
         */
        get: operations["listBuckets"];
        put?: never;
        /**
         * Create a bucket
         * @description HOSTKEY may add a prefix to the name. The reply and `Location` contain the actual name. Needs the scope `buckets:write`.
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
         * @description The bucket must be empty; otherwise the reply is 409 `bucket-not-empty`. Needs the scope `buckets:write`.
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
         * @description The files and folders directly inside `folder`; with `recursive` every file below it; with `search` the files below it whose path contains the text. Follow `nextCursor` until it is null. The gateway joins HOSTKEY’s pages of 100 up to `limit`, and filters them: HOSTKEY does not document what its search matches. Needs the scope `files:read`.
         */
        get: operations["listFiles"];
        put?: never;
        post?: never;
        /**
         * Delete a file (path in the query)
         * @description Use this form for every file path: clients and proxies do not rewrite a query. `links.self` of a file is this address. In the path of a URL, libraries would resolve `../../other` and send `DELETE …/buckets/other`, which deletes that bucket if it is empty. Needs the scope `files:delete`.
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
         * @description The whole list of `listFiles` in one reply, one `FileLine` per line. The last line contains `end`, or `problem` if HOSTKEY failed after the status was sent; without either the transfer was cut off. A stream counts as one request. Needs the scope `files:read`.
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
         * @description Number, size and newest change of all files below `folder`. The gateway counts for 10 s at most; `complete` says whether it counted all. Needs the scope `files:read`.
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
         * @description Only for paths that you chose yourself; use the query form for all others. Percent-encode everything except slashes once. URL libraries resolve the segments `.` and `..`, also as `%2e`, before they send: `../../other` becomes `DELETE …/buckets/other`, which deletes that bucket if it is empty. The gateway cannot detect this. Needs the scope `files:delete`.
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
         * @description Up to 100 `paths` are deleted at once: 207 with an outcome for each. More paths, `prefix`, `all`, `Prefer: respond-async` and an `Idempotency-Key` make a job: 202, and the work goes on without the caller, also after a restart. `prefix` and `all` need `confirm`, the name of the bucket. One job works on a bucket at a time. It counts as one request, whatever it deletes. Needs the scope `files:delete`.
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
         * @description The jobs of the customer, the newest first. A job is kept for 7 days after its end. Needs the scope `files:delete`.
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
         * @description State and counts of a job. `Retry-After` tells, while it has not ended, when to look again. Needs the scope `files:delete`.
         */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Cancel a job
         * @description Nothing new is sent; what was sent ends and is recorded. What is deleted stays deleted. A job that has ended stays as it is. Needs the scope `files:delete`.
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
         * @description One outcome for each file, in the order in which they were found. `outcome=failed` lists only those that failed. Needs the scope `files:delete`.
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
         * @description All of `listJobResults` in one reply, one `JobResultLine` per line. The last line contains `end`; without it the transfer was cut off. A stream counts as one request. Needs the scope `files:delete`.
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
         * @description Server-sent events: `progress` at most twice a second, and `end`, the last one. The data of both is a `JobProgress`. `id` counts the events of the job: 1, 2, 3 …; with `Last-Event-ID` the stream goes on after that event. A comment comes every 15 s. A replica that shuts down ends the stream with `retry`. Browsers with a session cookie read it with `fetch` and `X-CSRF: 1`, because `EventSource` sends no headers. Needs the scope `files:delete`.
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
         * @description A paused job goes on with the credential of this request. Any caller of the customer may resume it. After 7 days it ends as `partly-failed`. Needs the scope `files:delete`.
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
         * @description Returns a credential for all buckets of the account. It has its own, strict rate limit. Never cache the reply. Needs the scope `keys:read`.
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
         * @description Signs a URL of the storage, so that a browser or a partner can upload or download one file without the key pair. Neither the bucket nor the file is looked up. The secret key does not leave the gateway, which keeps only a key derived from it, for at most 10 minutes. A gateway that only reads refuses uploads with `switched-off`. Needs the scope `files:download` or `files:upload`.
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
         * @description Endpoint, region and addressing for S3 clients. It holds no key: see `getKey`. Needs the scope `buckets:read`.
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
         * @description HOSTKEY answers through a queue, so this is slower than a list and has its own rate limit. HOSTKEY measures from time to time: see `createdAt` of each entry in `snapshots`. Needs the scope `buckets:read`.
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
         * @description Reads the usage of up to 100 accounts, eight at a time. An account whose usage cannot be read is in `partial` with its problem, and leaves the others as they are. Needs the scope `buckets:read`.
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
         * @description Lists the plans that HOSTKEY offers to the customer. Needs the scope `plans:read`.
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
         * @description Returns one available plan. Needs the scope `plans:read`.
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
         * @description Lists the changes that HOSTKEY has recorded. Needs the scope `plans:read`.
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
         * @description HOSTKEY bills the order. Each `Idempotency-Key` sends at most one order: retry with the same request and the same key. The gateway checks the order against a fresh list of plans; `POST /orders/checks` does only that. `expectedPrice` refuses the order if a price has changed. The reply is 202 when HOSTKEY’s answer was lost and the outcome is not known yet. Needs the scope `orders:write`.
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
         * @description Checks the order as `POST /orders` would, and sends none. Returns the plan, its price and its locations. A form can check 60 times a minute. Needs the scope `orders:write`.
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
         * @description Returns the order from the gateway’s ledger, without a call to `s3.php`. The gateway keeps orders for 30 days. Needs the scope `orders:write`.
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
        /**
         * @description An S3 account: it owns buckets and one key pair.
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
        Account: {
            /** @description Name of an S3 account. Opaque. */
            s3uid: string;
            /**
             * Format: int64
             * @description Number of the account at HOSTKEY.
             */
            id?: number;
            /** @description E-mail address of the customer. */
            email?: string;
            /**
             * Format: int32
             * @description Number of its plan: `id` in `GET /plans`.
             */
            planId?: number;
            /** @description Region code of the place where its data is stored. */
            location?: string;
            /**
             * Format: int64
             * @description Storage quota, in bytes.
             */
            quotaBytes?: number;
            /**
             * Format: int64
             * @description Storage used, in bytes.
             */
            storageBytes?: number;
            /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
            traffic?: number;
        };
        /**
         * @description Accounts of the customer.
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
        AccountList: {
            /** @description The accounts. */
            items: components["schemas"]["Account"][];
            /** @description True when the list has reached `limit`, or 100,000 accounts: there may be more. */
            truncated: boolean;
        };
        /**
         * @description Storage and traffic of one account.
         * @example {
         *       "s3uid": "s3_user_1",
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
         *       "bandwidth": 102400
         *     }
         */
        AccountUsage: {
            /** @description Name of an S3 account. Opaque. */
            s3uid: string;
            /**
             * Format: int64
             * @description Storage used, in bytes.
             */
            storageBytes?: number;
            /**
             * Format: int64
             * @description Storage quota, in bytes.
             */
            quotaBytes?: number;
            /** @description `storageBytes` divided by `quotaBytes`; absent without a quota. */
            quotaUsedRatio?: number;
            /** @description Growth of the storage by the snapshots since the last purge, of at most 90 days, in bytes a day; negative when it shrinks. Null below three snapshots or a day. */
            growthBytesPerDay: number | null;
            /** @description Days until the quota is reached at this growth. Null without a quota, without a clear growth, and beyond ten years. */
            daysUntilFull: number | null;
            /** @description The snapshots behind the forecast. */
            basis: {
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
            } | null;
            /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
            bandwidth?: number;
        };
        /**
         * @description A bucket of an S3 account.
         * @example {
         *       "name": "holiday-pictures",
         *       "createdAt": "2023-10-01T12:00:00Z"
         *     }
         */
        Bucket: {
            /** @description Name of a bucket, exactly as listed. */
            name: string;
            /**
             * Format: date-time
             * @description Time of creation.
             */
            createdAt?: string;
            /**
             * Format: int64
             * @description Size of its files, in bytes; only with `expand=usage`.
             */
            storageBytes?: number;
        };
        /**
         * @description The buckets of an account.
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
        BucketList: {
            /** @description The buckets. */
            items: components["schemas"]["Bucket"][];
            /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
            bandwidth?: number;
            snapshot?: components["schemas"]["UsageSnapshot"];
        };
        /**
         * @description Storage of one bucket.
         * @example {
         *       "name": "holiday-pictures",
         *       "storageBytes": 47472640
         *     }
         */
        BucketUsage: {
            /** @description Name of a bucket, exactly as listed. */
            name: string;
            /**
             * Format: int64
             * @description Size of its files, in bytes.
             */
            storageBytes?: number;
        };
        /**
         * @description How S3 clients reach the storage of an account.
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
        /**
         * @description A created account with its first bucket.
         * @example {
         *       "s3uid": "s3_user_100",
         *       "planId": 1,
         *       "location": "NL",
         *       "bucket": "music",
         *       "warnings": []
         *     }
         */
        CreatedAccount: {
            /** @description Name of an S3 account. Opaque. */
            s3uid: string;
            /**
             * Format: int32
             * @description Number of its plan.
             */
            planId: number;
            /** @description Region code of the place where its data is stored. */
            location: string;
            /** @description Actual name of the first bucket; null when there is none, or HOSTKEY does not list it yet. */
            bucket: string | null;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
        };
        /**
         * @description A created bucket, with its actual name.
         * @example {
         *       "name": "photos",
         *       "createdAt": "2026-11-22T12:00:00Z",
         *       "warnings": []
         *     }
         */
        CreatedBucket: {
            /** @description Name of a bucket, exactly as listed. */
            name: string;
            /**
             * Format: date-time
             * @description Time of creation.
             */
            createdAt?: string;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
        };
        /**
         * @description A file in a bucket.
         * @example {
         *       "path": "access-00000.log.gz",
         *       "name": "access-00000.log.gz",
         *       "sizeBytes": 4096,
         *       "modifiedAt": "2023-10-27T10:00:00Z",
         *       "links": {
         *         "self": "/accounts/s3_user_1/buckets/logs/files?path=access-00000.log.gz"
         *       }
         *     }
         */
        File: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
            /** @description Display name at HOSTKEY. Use `path` in requests. */
            name?: string;
            /**
             * Format: int64
             * @description Size, in bytes.
             */
            sizeBytes?: number;
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
        /**
         * @description What became of each named file, in the order of the request.
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
        FileDeletionResult: {
            /** @description One entry for each path. */
            items: components["schemas"]["FileVerdict"][];
            /**
             * Format: int64
             * @description Files that were deleted.
             */
            deleted: number;
            /**
             * Format: int64
             * @description Named paths without a file.
             */
            missing: number;
            /**
             * Format: int64
             * @description Files that could not be deleted.
             */
            failed: number;
        };
        /**
         * @description One line of a list of files: a file, a folder, or the last line, which reports how the list ended.
         * @example {
         *       "file": {
         *         "path": "2021/winter/picture-012.jpg",
         *         "name": "2021/winter/picture-012.jpg",
         *         "sizeBytes": 172032,
         *         "modifiedAt": "2023-10-27T12:47:00Z",
         *         "links": {
         *           "self": "/accounts/s3_user_1/buckets/holiday-pictures/files?path=2021%2Fwinter%2Fpicture-012.jpg"
         *         }
         *       }
         *     }
         */
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
        /**
         * @description A page of a list of files.
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
        /**
         * @description What became of one file.
         * @example {
         *       "path": "with space.txt",
         *       "outcome": "deleted"
         *     }
         */
        FileVerdict: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
            /**
             * @description `deleted`: this job, or this request, has deleted the file. `missing`: there was no such file. `failed`: see `problem`; the file may still be there.
             * @enum {string}
             */
            outcome: "deleted" | "missing" | "failed";
            /** @description Why the file was not deleted. */
            problem?: {
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
        };
        /**
         * @description A folder in a bucket: the common beginning of file paths, up to a slash.
         * @example {
         *       "path": "2023/"
         *     }
         */
        Folder: {
            /** @description Path inside the bucket, exactly as stored. */
            path: string;
        };
        /**
         * @description What is below a folder, in all folders.
         * @example {
         *       "files": 48,
         *       "storageBytes": 7102464,
         *       "newestModifiedAt": "2023-10-27T12:47:00Z",
         *       "complete": true
         *     }
         */
        FolderSummary: {
            /**
             * Format: int64
             * @description Number of files.
             */
            files: number;
            /**
             * Format: int64
             * @description Size of the files together, in bytes.
             */
            storageBytes: number;
            /** @description Time of the last change of the newest file; null without files. */
            newestModifiedAt: string | null;
            /** @description False when not every file was counted: after 10 s the gateway stops, and HOSTKEY may not show a folder. */
            complete: boolean;
        };
        /**
         * @description Long work, and how far it is.
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
        Job: {
            /**
             * Format: uuid
             * @description Id of a job.
             */
            jobId: string;
            /**
             * @description Kind of work.
             * @enum {string}
             */
            kind: "file-deletion";
            /**
             * @description `queued`: it has not begun. `running`: it works, or waits for HOSTKEY. `paused`: HOSTKEY refuses the credential; resume it within 7 days. `succeeded`: nothing failed and nothing is left. `partly-failed`: see `counts` and `problem`. `cancelled`: it was cancelled.
             * @enum {string}
             */
            state: "queued" | "running" | "paused" | "succeeded" | "partly-failed" | "cancelled";
            /** @description Name of an S3 account. Opaque. */
            s3uid: string;
            /** @description Name of a bucket, exactly as listed. */
            bucket: string;
            /** @description What the job works on. */
            selection: {
                /**
                 * Format: int32
                 * @description Number of named paths.
                 */
                pathCount: number;
            } | {
                /** @description Beginning of the paths. */
                prefix: string;
            } | {
                /**
                 * @description Every file of the bucket.
                 * @enum {boolean}
                 */
                all: true;
            };
            /** @description What was done so far. */
            counts: {
                /**
                 * Format: int64
                 * @description Files found so far.
                 */
                found: number;
                /**
                 * Format: int64
                 * @description Files that were deleted.
                 */
                deleted: number;
                /**
                 * Format: int64
                 * @description Named paths without a file.
                 */
                missing: number;
                /**
                 * Format: int64
                 * @description Files that could not be deleted.
                 */
                failed: number;
                /** @description Files that are left at the end: they came meanwhile, or were not reached. null while the job has not ended, and when the list could not be read. */
                remaining: number | null;
            };
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
            /** @description Why it is paused, or has ended early. */
            problem?: {
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
        /**
         * @description A page of jobs, the newest first.
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
         *       "nextCursor": "Mg"
         *     }
         */
        JobList: {
            /** @description The jobs of this page. */
            items: components["schemas"]["Job"][];
            /** @description Cursor of the next page; null on the last page. */
            nextCursor: string | null;
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
            /**
             * Format: uuid
             * @description Id of a job.
             */
            jobId: string;
            /**
             * @description `queued`: it has not begun. `running`: it works, or waits for HOSTKEY. `paused`: HOSTKEY refuses the credential; resume it within 7 days. `succeeded`: nothing failed and nothing is left. `partly-failed`: see `counts` and `problem`. `cancelled`: it was cancelled.
             * @enum {string}
             */
            state: "queued" | "running" | "paused" | "succeeded" | "partly-failed" | "cancelled";
            /** @description What was done so far. */
            counts: {
                /**
                 * Format: int64
                 * @description Files found so far.
                 */
                found: number;
                /**
                 * Format: int64
                 * @description Files that were deleted.
                 */
                deleted: number;
                /**
                 * Format: int64
                 * @description Named paths without a file.
                 */
                missing: number;
                /**
                 * Format: int64
                 * @description Files that could not be deleted.
                 */
                failed: number;
                /** @description Files that are left at the end: they came meanwhile, or were not reached. null while the job has not ended, and when the list could not be read. */
                remaining: number | null;
            };
            /** @description Why it is paused, or has ended early. */
            problem?: {
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
        };
        /**
         * @description One line of a list of results: a result, or the last line, which reports how the list ended.
         * @example {
         *       "result": {
         *         "path": "2022/01.log",
         *         "outcome": "deleted"
         *       }
         *     }
         */
        JobResultLine: {
            result?: components["schemas"]["FileVerdict"];
            /** @description The last line. `nextCursor` is null when the list is complete. Otherwise this replica is shutting down: continue with `nextCursor` as `cursor`. */
            end?: {
                /** @description Cursor of the next page; null on the last page. */
                nextCursor: string | null;
            };
        };
        /**
         * @description A page of results, in the order in which the files were found.
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
        JobResultList: {
            /** @description The results of this page. */
            items: components["schemas"]["FileVerdict"][];
            /** @description Cursor of the next page; null on the last page. */
            nextCursor: string | null;
        };
        /**
         * @description One half of the key pair of an account. It is a credential: never store it in a web page.
         * @example {
         *       "kind": "access-key",
         *       "value": "AKIAIOSFODNN7EXAMPLE"
         *     }
         */
        Key: {
            /**
             * @description Which half this is.
             * @enum {string}
             */
            kind: "access-key" | "secret-key";
            /** @description The credential itself. */
            value: string;
        };
        /**
         * @description A free account with its first bucket.
         * @example {
         *       "planId": 1,
         *       "bucketName": "music",
         *       "location": "NL"
         *     }
         */
        NewAccount: {
            /**
             * Format: int32
             * @description Number of a free plan: `id` in `GET /plans`.
             */
            planId: number;
            /** @description Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix. */
            bucketName: string;
            /** @description One of the `locations` of the plan. Default: NL. */
            location?: string;
        };
        /**
         * @description A bucket to create.
         * @example {
         *       "name": "photos"
         *     }
         */
        NewBucket: {
            /** @description Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix. */
            name: string;
        };
        /**
         * @description Which files to delete: exactly one of `paths`, `prefix` and `all`. `prefix` and `all` need `confirm`.
         * @example {
         *       "paths": [
         *         "with space.txt",
         *         "no-such-file.txt"
         *       ]
         *     }
         */
        NewFileDeletion: {
            /** @description These files, each exactly as listed. */
            paths?: string[];
            /** @description Every file whose path begins with this text, byte by byte. A folder ends with `/`. */
            prefix?: string;
            /**
             * @description Every file of the bucket.
             * @enum {boolean}
             */
            all?: true;
            /** @description Name of the bucket, exactly as in the URL. */
            confirm?: string;
        };
        /**
         * @description An order of a paid account. HOSTKEY bills it.
         * @example {
         *       "planId": 2,
         *       "bucketName": "backups",
         *       "location": "NL",
         *       "expectedPrice": {
         *         "monthlyEur": 0
         *       }
         *     }
         */
        NewOrder: {
            /**
             * Format: int32
             * @description Number of a paid plan: `id` in `GET /plans`.
             */
            planId: number;
            /** @description Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix. */
            bucketName: string;
            /** @description One of the `locations` of the plan. Optional when the plan has only one. */
            location?: string;
            expectedPrice?: components["schemas"]["Price"];
        };
        /**
         * @description One upload or download that a URL is for.
         * @example {
         *       "operation": "download",
         *       "path": "readme.txt",
         *       "downloadName": "read me.txt"
         *     }
         */
        NewPresignedUrl: {
            /**
             * @description What the URL allows.
             * @enum {string}
             */
            operation: "download" | "upload";
            /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
            path: string;
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
        /**
         * @description One credential: an API key, or e-mail address and password, or a HOSTKEY token. The gateway uses it once and does not store it.
         * @example {
         *       "apiKey": "0123456789abcdef-fedcba9876543210"
         *     }
         */
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
        /**
         * @description An order of a paid account, and its state.
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
        Order: {
            /**
             * Format: uuid
             * @description Id of an order.
             */
            orderId: string;
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
            /** @description Requested name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen, no dot beside another dot or a hyphen, no IPv4 address. HOSTKEY may add a prefix. */
            bucketName: string;
            /** @description Requested region code. */
            location: string;
            /**
             * Format: date-time
             * @description Time of the order.
             */
            createdAt: string;
            /** @description Name of the created account. */
            s3uid?: string;
            /** @description Actual name of its first bucket; null when there is none, or HOSTKEY does not list it yet. */
            bucket?: string | null;
            /** @description Empty after a complete success. */
            warnings: components["schemas"]["Warning"][];
            /** @description Why the order failed, or why its outcome is unknown. */
            problem?: {
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
        /**
         * @description A checked order that was not sent.
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
        OrderCheck: {
            plan: components["schemas"]["Plan"];
            price: components["schemas"]["Price"];
            /** @description Region code where the account would be. */
            location: string;
            /** @description Region codes where the plan is available. */
            locations: string[];
            /** @description What may refuse the order. */
            warnings: components["schemas"]["Warning"][];
        };
        /**
         * @description A pricing plan.
         * @example {
         *       "id": 1,
         *       "name": "Free Plan",
         *       "active": true,
         *       "storageType": "standard",
         *       "bandwidthLimit": 0,
         *       "quotaBytes": 5368709120,
         *       "locations": [
         *         "NL",
         *         "DE"
         *       ],
         *       "price": {
         *         "monthlyEur": 0,
         *         "monthlyUsd": 0,
         *         "monthlyRub": 0
         *       }
         *     }
         */
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
            /**
             * Format: int64
             * @description Storage quota of an account with this plan, in bytes.
             */
            quotaBytes?: number;
            /** @description Region codes where the plan is available. */
            locations: string[];
            /** @description Kind of storage. */
            storageType?: string;
            /** @description Bandwidth limit as HOSTKEY reports it. HOSTKEY documents neither the unit nor the meaning of 0. */
            bandwidthLimit?: number;
            price: components["schemas"]["Price"];
        };
        /**
         * @description One change of a plan.
         * @example {
         *       "id": 2,
         *       "action": "create",
         *       "changedAt": "2023-10-01T12:00:00Z",
         *       "details": "Plan created"
         *     }
         */
        PlanChange: {
            /**
             * Format: int64
             * @description Number of the change.
             */
            id?: number;
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
        /**
         * @description The changes of a plan.
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
        PlanHistory: {
            /** @description The changes, in the order of HOSTKEY. */
            items: components["schemas"]["PlanChange"][];
        };
        /**
         * @description The available plans.
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
        PlanList: {
            /** @description The plans. */
            items: components["schemas"]["Plan"][];
        };
        /**
         * @description A URL that allows one upload or download. It is a credential until it expires: whoever has it can use it, repeatedly.
         * @example {
         *       "url": "https://s3-nl.hostkey.com/holiday-pictures/readme.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=…",
         *       "method": "GET",
         *       "headers": {},
         *       "expiresAt": "2026-11-22T12:05:00.000Z"
         *     }
         */
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
        /**
         * @description Monthly price in each currency.
         * @example {
         *       "monthlyEur": 0,
         *       "monthlyUsd": 0,
         *       "monthlyRub": 0
         *     }
         */
        Price: {
            /** @description Monthly price in EUR. */
            monthlyEur?: number;
            /** @description Monthly price in USD. */
            monthlyUsd?: number;
            /** @description Monthly price in RUB. */
            monthlyRub?: number;
        };
        /**
         * @description A failure, RFC 9457.
         * @example {
         *       "type": "https://s3-gateway.example.com/problems/invalid-request",
         *       "name": "invalid-request",
         *       "title": "Invalid request",
         *       "status": 400,
         *       "detail": "A header name contains an underscore.",
         *       "instance": "req-7f3a",
         *       "retryable": false,
         *       "errors": [
         *         {
         *           "in": "header",
         *           "parameter": "x_large",
         *           "code": "not-allowed",
         *           "detail": "contains an underscore"
         *         }
         *       ]
         *     }
         */
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
            name: "invalid-request" | "malformed-url" | "file-path-required" | "file-path-encoding" | "invalid-cursor" | "idempotency-key-required" | "unauthenticated" | "session-expired" | "invalid-token" | "invalid-credentials" | "payment-required" | "forbidden" | "csrf-rejected" | "https-required" | "insufficient-scope" | "switched-off" | "api-key-login-unavailable" | "two-factor-required" | "route-not-found" | "account-not-found" | "bucket-not-found" | "file-not-found" | "plan-not-found" | "customer-not-found" | "job-not-found" | "order-not-found" | "method-not-allowed" | "not-acceptable" | "bucket-exists" | "bucket-not-empty" | "job-running" | "job-not-resumable" | "not-a-paid-account" | "limit-reached" | "idempotency-in-progress" | "price-changed" | "probable-duplicate-order" | "confirmation-mismatch" | "body-too-large" | "uri-too-long" | "unsupported-media-type" | "plan-not-orderable" | "location-not-offered" | "invalid-bucket-name" | "path-not-presignable" | "idempotency-key-reused" | "confirmation-required" | "rate-limited" | "headers-too-large" | "internal" | "endpoint-not-configured" | "not-offered-upstream" | "upstream-refused" | "upstream-bad-response" | "upstream-unreachable" | "upstream-storage-error" | "account-state-unknown" | "overloaded" | "upstream-unavailable" | "store-unavailable" | "upstream-throttled" | "draining" | "upstream-timeout";
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
        /**
         * @description Identity, scopes and expiry of the caller. The token never leaves the gateway.
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
        /**
         * @description Liveness or readiness of this replica.
         * @example {
         *       "status": "ok"
         *     }
         */
        Status: {
            /**
             * @description `unready`: this replica is draining, or its store is unavailable.
             * @enum {string}
             */
            status: "ok" | "unready";
        };
        /**
         * @description The scheduled end of a paid account.
         * @example {
         *       "effectiveAt": "2026-01-31T00:00:00Z"
         *     }
         */
        Termination: {
            /** @description When HOSTKEY ends the account with its data; null when HOSTKEY did not tell. */
            effectiveAt: string | null;
        };
        /**
         * @description Storage and traffic of an account. HOSTKEY measures them from time to time, so the values lag.
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
        Usage: {
            /**
             * Format: int64
             * @description Storage used, in bytes.
             */
            storageBytes?: number;
            /**
             * Format: int64
             * @description Storage quota, in bytes.
             */
            quotaBytes?: number;
            /** @description `storageBytes` divided by `quotaBytes`; absent without a quota. */
            quotaUsedRatio?: number;
            /** @description Growth of the storage by the snapshots since the last purge, of at most 90 days, in bytes a day; negative when it shrinks. Null below three snapshots or a day. */
            growthBytesPerDay: number | null;
            /** @description Days until the quota is reached at this growth. Null without a quota, without a clear growth, and beyond ten years. */
            daysUntilFull: number | null;
            /** @description The snapshots behind the forecast. */
            basis: {
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
            } | null;
            /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
            bandwidth?: number;
            /** @description Storage of each bucket. */
            buckets: components["schemas"]["BucketUsage"][];
            /** @description Earlier measurements. */
            snapshots: components["schemas"]["UsageSnapshot"][];
        };
        /**
         * @description Usage of the accounts of the customer.
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
        UsageList: {
            /** @description The accounts whose usage is known. */
            items: components["schemas"]["AccountUsage"][];
            /** @description The accounts whose usage could not be read. */
            partial: {
                /** @description Name of an S3 account. Opaque. */
                s3uid: string;
                problem: components["schemas"]["Problem"];
            }[];
            /** @description True when there are more than 100 accounts: the others are left out. */
            truncated: boolean;
        };
        /**
         * @description Storage and traffic at one point in time.
         * @example {
         *       "storageBytes": 1024000000,
         *       "bandwidth": 102400,
         *       "createdAt": "2023-10-27T10:00:00Z"
         *     }
         */
        UsageSnapshot: {
            /**
             * Format: int64
             * @description Storage used, in bytes.
             */
            storageBytes?: number;
            /** @description Traffic as HOSTKEY reports it. HOSTKEY does not document the unit. */
            bandwidth?: number;
            /**
             * Format: date-time
             * @description Time of the measurement.
             */
            createdAt?: string;
        };
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
    };
    responses: {
        /** @description `uri-too-long`: URL too long. */
        "uri-too-long": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `headers-too-large`: Request headers too large. */
        "headers-too-large": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: Internal error. */
        internal: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `route-not-found`: Route not found. */
        "route-not-found": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate-limited`: Too many requests. */
        "rate-limited": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body-too-large`: Request body too large. */
        "body-too-large": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `uri-too-long`: URL too long. */
        "uri-too-long.createSession": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported-media-type`: Unsupported media type. */
        "unsupported-media-type": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate-limited`: Too many requests. */
        "rate-limited.createSession": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: Internal error. */
        "internal.createSession": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `csrf-rejected`: Cross-site request rejected. */
        "csrf-rejected": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.getSession": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-acceptable`: No acceptable media type. */
        "not-acceptable": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.deleteSessions": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-acceptable`: No acceptable media type. */
        "not-acceptable.deleteSessions": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.listAccounts": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-not-empty`: Bucket not empty. */
        "bucket-not-empty": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-timeout`: HOSTKEY timed out. */
        "upstream-timeout": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.createAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-timeout`: HOSTKEY timed out. */
        "upstream-timeout.createAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.deleteAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.deleteAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `limit-reached`: HOSTKEY limit reached. */
        "limit-reached.deleteAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `confirmation-mismatch`: Confirmation does not match. */
        "confirmation-mismatch": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `confirmation-required`: Confirmation required. */
        "confirmation-required": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-timeout`: HOSTKEY timed out. */
        "upstream-timeout.deleteAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.createTermination": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.createTermination": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-offered-upstream`: Not offered by HOSTKEY. */
        "not-offered-upstream": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.cancelTermination": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.cancelTermination": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-offered-upstream`: Not offered by HOSTKEY. */
        "not-offered-upstream.cancelTermination": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.listBuckets": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.listBuckets": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.createBucket": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.createBucket": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-bucket-name`: Invalid bucket name. */
        "invalid-bucket-name.createBucket": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.deleteBucket": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.listFiles": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-not-empty`: Bucket not empty. */
        "bucket-not-empty.listFiles": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.deleteFile": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-acceptable`: No acceptable media type. */
        "not-acceptable.streamFiles": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-running`: Another job is running. */
        "job-running": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `confirmation-mismatch`: Confirmation does not match. */
        "confirmation-mismatch.createFileDeletion": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body-too-large`: Request body too large. */
        "body-too-large.createFileDeletion": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency-key-reused`: Idempotency-Key used for another request. */
        "idempotency-key-reused": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-not-found`: Job not found. */
        "job-not-found": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-not-found`: Job not found. */
        "job-not-found.cancelJob": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `not-acceptable`: No acceptable media type. */
        "not-acceptable.streamJobEvents": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `job-not-resumable`: Job not resumable. */
        "job-not-resumable": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.getKey": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.getKey": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.createPresignedUrl": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `bucket-not-empty`: Bucket not empty. */
        "bucket-not-empty.createAccount": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `path-not-presignable`: File path without a URL. */
        "path-not-presignable": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `endpoint-not-configured`: No endpoint configured. */
        "endpoint-not-configured": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `endpoint-not-configured`: No endpoint configured. */
        "endpoint-not-configured.getConnection": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.getUsage": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `account-not-found`: Account not found. */
        "account-not-found.getUsage": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.listPlans": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `plan-not-found`: Plan not found. */
        "plan-not-found": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.listPlanHistory": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `plan-not-found`: Plan not found. */
        "plan-not-found.listPlanHistory": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.createOrder": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `payment-required`: Payment required. */
        "payment-required.checkOrder": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `price-changed`: Price changed. */
        "price-changed": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `order-not-found`: Order not found. */
        "order-not-found": {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Server-Timing": components["headers"]["Server-Timing"];
                "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description Origin of the calling page, if the operator allows it.
         * @example https://panel.example.com
         */
        "Access-Control-Allow-Origin": string;
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
         * @description Seconds to wait before the next attempt.
         * @example 5
         */
        "Optional-Retry-After": string;
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
         * @description The session cookie, or the instruction to delete it.
         * @example __Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict
         */
        "Optional-Set-Cookie": string;
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
            /** @description Liveness or readiness of this replica. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["uri-too-long"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
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
            /** @description Liveness or readiness of this replica. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["uri-too-long"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description Liveness or readiness of this replica. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example <!doctype html>
                     *     <html lang="en">
                     *     <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>bucket-not-empty</title></head>
                     *     <body>
                     *     <h1>Bucket not empty</h1>
                     *     <p><code>bucket-not-empty</code>, HTTP status 409</p>
                     *     <p>Delete its files first: <code>POST</code> to <code>links.empty</code>, with <code>all</code> and <code>confirm</code>.</p>
                     *     <p>Can the same request be sent again? No.</p>
                     *     </body>
                     *     </html>
                     */
                    "text/html": string;
                };
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["route-not-found"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
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
            /** @description Identity, scopes and expiry of the caller. The token never leaves the gateway. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                "x-csrf"?: string;
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
            /** @description Identity, scopes and expiry of the caller. The token never leaves the gateway. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid-credentials`: Invalid credentials. `invalid-token`: Invalid or expired token. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required"];
            /** @description `csrf-rejected`: Cross-site request rejected. `https-required`: Login needs https. `api-key-login-unavailable`: API key login not available. `two-factor-required`: Second factor required. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `draining`: Replica shutting down. `overloaded`: Gateway overloaded. `upstream-unavailable`: HOSTKEY is failing; calls are paused. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                "x-csrf"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["csrf-rejected"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `store-unavailable`: Store unavailable. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Set-Cookie": components["headers"]["Set-Cookie"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteSessions"];
            /** @description `csrf-rejected`: Cross-site request rejected. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. `insufficient-scope`: Insufficient scope. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAccounts: {
        parameters: {
            query?: {
                /** @description Only accounts of this plan. */
                planId?: number;
                /** @description Only this account. */
                s3uid?: string;
                /** @description Only the account that owns this bucket. */
                bucketName?: string;
                /** @description Only accounts at this location. */
                location?: string;
                /** @description Maximum number of accounts in the reply. */
                limit?: number;
                /** @description Member to sort by, ascending; with a leading hyphen descending. */
                sort?: "id" | "s3uid" | "email" | "planId" | "location" | "quotaBytes" | "storageBytes" | "traffic" | "-id" | "-s3uid" | "-email" | "-planId" | "-location" | "-quotaBytes" | "-storageBytes" | "-traffic";
                /** @description First day of a period, `YYYY-MM-DD`. Passed to HOSTKEY unchanged; HOSTKEY does not document what the period filters. */
                periodFrom?: string;
                /** @description Last day of that period, `YYYY-MM-DD`. */
                periodTo?: string;
                /** @description Admin only: accounts of this customer. */
                customerId?: number;
                /** @description Admin only: accounts of the customer with this e-mail address. */
                email?: string;
                /** @description Admin only: accounts of this billing. */
                billing?: string;
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accounts of the customer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
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
                "idempotency-key"?: string;
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
            /** @description A created account with its first bucket. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /accounts/s3_user_100
                     */
                    Location: string;
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createAccount"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-not-empty`: Bucket not empty. `limit-reached`: HOSTKEY limit reached. `bucket-exists`: Bucket name already taken. `idempotency-in-progress`: Request in progress. `probable-duplicate-order`: Probable duplicate order. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            /** @description `plan-not-orderable`: Plan not available for this operation. `invalid-bucket-name`: Invalid bucket name. `location-not-offered`: Plan not available at this location. `idempotency-key-reused`: Idempotency-Key used for another request. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. `account-state-unknown`: Account may have been created. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
        };
    };
    getAccount: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An S3 account: it owns buckets and one key pair. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    deleteAccount: {
        parameters: {
            query?: never;
            header: {
                /** @description Name of the account, exactly as in the URL. */
                "confirm-delete": string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteAccount"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.deleteAccount"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            409: components["responses"]["limit-reached.deleteAccount"];
            412: components["responses"]["confirmation-mismatch"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            428: components["responses"]["confirmation-required"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
        };
    };
    createTermination: {
        parameters: {
            query?: never;
            header: {
                /** @description Name of the account, exactly as in the URL. */
                "confirm-delete": string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scheduled end of a paid account. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createTermination"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.createTermination"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `not-a-paid-account`: Not a paid account. `limit-reached`: HOSTKEY limit reached. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            412: components["responses"]["confirmation-mismatch"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            428: components["responses"]["confirmation-required"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            501: components["responses"]["not-offered-upstream"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
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
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.cancelTermination"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.cancelTermination"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `not-a-paid-account`: Not a paid account. `limit-reached`: HOSTKEY limit reached. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            501: components["responses"]["not-offered-upstream.cancelTermination"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
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
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buckets of an account. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listBuckets"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.listBuckets"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
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
                s3uid: string;
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
            /** @description A created bucket, with its actual name. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /accounts/s3_user_1/buckets/photos
                     */
                    Location: string;
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createBucket"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.createBucket"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-exists`: Bucket name already taken. `limit-reached`: HOSTKEY limit reached. `bucket-not-empty`: Bucket not empty. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            422: components["responses"]["invalid-bucket-name.createBucket"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
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
                s3uid: string;
                /** @description Name of a bucket, exactly as listed. */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteBucket"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-not-empty`: Bucket not empty. `limit-reached`: HOSTKEY limit reached. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
        };
    };
    listFiles: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: string;
                /** @description `true` lists every file below the folder, in all folders; `false` what is directly inside. */
                recursive?: boolean;
                /** @description Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search. */
                search?: string;
                /**
                 * @description Maximum number of files and folders in the reply. Default: 100.
                 * @example 3
                 */
                limit?: number;
                /** @description `nextCursor` of an earlier reply, for the same list. */
                cursor?: string;
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example logs
                 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list of files. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </accounts/s3_user_1/buckets/logs/files?limit=3&cursor=z2G0TUYMsVQT.WzcsIjIwMjMvIixbIiIsImV5SkRiMjUwYVc1MVlYUnBiMjVVYjJ0bGJpSTZJamt6UkRRMU9Ua3pNVGhCUmpNMVJETTFOelJHTjBVd01TSjkiLCIiXV0>; rel="next"
                     */
                    Link?: string;
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </accounts/s3_user_1/buckets/logs/files?limit=3&cursor=z2G0TUYMsVQT.WzcsIjIwMjMvIixbIiIsImV5SkRiMjUwYVc1MVlYUnBiMjVVYjJ0bGJpSTZJamt6UkRRMU9Ua3pNVGhCUmpNMVJETTFOelJHTjBVd01TSjkiLCIiXV0>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `invalid-cursor`: Invalid cursor. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listFiles"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty.listFiles"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    deleteFile: {
        parameters: {
            query: {
                /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
                path: string;
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `file-path-required`: File path required. `file-path-encoding`: Invalid encoding of the file path. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteFile"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `file-not-found`: File not found. `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-not-empty`: Bucket not empty. `limit-reached`: HOSTKEY limit reached. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
        };
    };
    streamFiles: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: string;
                /** @description `true` lists every file below the folder, in all folders; `false` what is directly inside. */
                recursive?: boolean;
                /** @description Only files whose path contains this text after the folder, in all folders below. Upper and lower case differ. Empty: no search. */
                search?: string;
                /** @description `nextCursor` of an earlier reply, for the same list. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One line of a list of files: a file, a folder, or the last line, which reports how the list ended. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["FileLine"];
                };
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `invalid-cursor`: Invalid cursor. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listFiles"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.streamFiles"];
            409: components["responses"]["bucket-not-empty.listFiles"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    summarizeFolder: {
        parameters: {
            query?: {
                /** @description Path of a folder, with the slash at its end: `path` of a listed folder. Empty: the root of the bucket. */
                folder?: string;
            };
            header?: never;
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is below a folder, in all folders. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listFiles"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty.listFiles"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
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
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: string;
                /** @description Path of a file inside its bucket: 1 to 1024 bytes of UTF-8, used unchanged. */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `file-path-required`: File path required. `file-path-encoding`: Invalid encoding of the file path. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteFile"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `file-not-found`: File not found. `bucket-not-found`: Bucket not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-not-empty`: Bucket not empty. `limit-reached`: HOSTKEY limit reached. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.deleteAccount"];
        };
    };
    createFileDeletion: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and the same body answer with the same job: 16 to 255 characters, such as a random UUID. */
                "idempotency-key"?: string;
                /** @description `respond-async`: the reply is 202 with a job, also for few paths (RFC 7240). */
                prefer?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /** @description Name of a bucket, exactly as listed. */
                bucket: string;
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
            /** @description Long work, and how far it is. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /jobs/0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21
                     */
                    Location: string;
                    /**
                     * @description Seconds to wait before the next attempt.
                     * @example 2
                     */
                    "Retry-After": string;
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
            /** @description What became of each named file, in the order of the request. */
            207: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteSessions"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `account-not-found`: Account not found. `bucket-not-found`: Bucket not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            409: components["responses"]["job-running"];
            412: components["responses"]["confirmation-mismatch.createFileDeletion"];
            413: components["responses"]["body-too-large.createFileDeletion"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            422: components["responses"]["idempotency-key-reused"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. `upstream-bad-response`: Invalid response from HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
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
                cursor?: string;
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of jobs, the newest first. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </jobs?limit=1&cursor=Mg>; rel="next"
                     */
                    Link?: string;
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
                     *       "nextCursor": "Mg"
                     *     }
                     */
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </jobs?limit=1&cursor=Mg>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `invalid-cursor`: Invalid cursor. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Long work, and how far it is. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Long work, and how far it is. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                     */
                    Location: string;
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteSessions"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found.cancelJob"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listJobResults: {
        parameters: {
            query?: {
                /** @description Only results with this outcome. */
                outcome?: "deleted" | "missing" | "failed";
                /**
                 * @description Maximum number of results in the reply. Default: 100.
                 * @example 2
                 */
                limit?: number;
                /** @description `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of results, in the order in which the files were found. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/results?limit=2&cursor=Mg>; rel="next"
                     */
                    Link?: string;
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </jobs/9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f/results?limit=2&cursor=Mg>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `invalid-cursor`: Invalid cursor. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamJobResults: {
        parameters: {
            query?: {
                /** @description Only results with this outcome. */
                outcome?: "deleted" | "missing" | "failed";
                /** @description `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description Id of a job.
                 * @example 9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f
                 */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One line of a list of results: a result, or the last line, which reports how the list ended. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["JobResultLine"];
                };
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `invalid-cursor`: Invalid cursor. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found"];
            406: components["responses"]["not-acceptable.streamFiles"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description State and counts of a job: the data of the events `progress` and `end`. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example : open
                     *
                     *     id: 1
                     *     event: end
                     *     data: {"jobId":"9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f","state":"succeeded","counts":{"found":3,"deleted":3,"missing":0,"failed":0,"remaining":0}}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found"];
            406: components["responses"]["not-acceptable.streamJobEvents"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Long work, and how far it is. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /jobs/c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19
                     */
                    Location: string;
                    /**
                     * @description Seconds to wait before the next attempt.
                     * @example 2
                     */
                    "Retry-After": string;
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteSessions"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["job-not-found.cancelJob"];
            406: components["responses"]["not-acceptable.deleteSessions"];
            409: components["responses"]["job-not-resumable"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
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
                s3uid: string;
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
            /** @description One half of the key pair of an account. It is a credential: never store it in a web page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getKey"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.getKey"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
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
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as listed.
                 * @example holiday-pictures
                 */
                bucket: string;
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
            /** @description A URL that allows one upload or download. It is a credential until it expires: whoever has it can use it, repeatedly. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createPresignedUrl"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `switched-off`: Operation switched off. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `account-not-found`: Account not found. `customer-not-found`: Customer not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            409: components["responses"]["bucket-not-empty.createAccount"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            422: components["responses"]["path-not-presignable"];
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            501: components["responses"]["endpoint-not-configured"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
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
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How S3 clients reach the storage of an account. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            501: components["responses"]["endpoint-not-configured.getConnection"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    getUsage: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Storage and traffic of an account. HOSTKEY measures them from time to time, so the values lag. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getUsage"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["account-not-found.getUsage"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    listUsage: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Usage of the accounts of the customer. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            409: components["responses"]["bucket-not-empty"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    listPlans: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The available plans. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlans"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    getPlan: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Number of a pricing plan.
                 * @example 2
                 */
                planId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A pricing plan. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlans"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["plan-not-found"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    listPlanHistory: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Number of a pricing plan.
                 * @example 2
                 */
                planId: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The changes of a plan. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlanHistory"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["plan-not-found.listPlanHistory"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout"];
        };
    };
    createOrder: {
        parameters: {
            query?: never;
            header: {
                /** @description A new key for each order, the same key for each retry: 16 to 255 characters, such as a random UUID. */
                "idempotency-key": string;
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
            /** @description An order of a paid account, and its state. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /accounts/s3_user_100
                     */
                    Location: string;
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
            /** @description An order of a paid account, and its state. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of the created resource.
                     * @example /orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04
                     */
                    Location: string;
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
                     *         "detail": "The answer of HOSTKEY to create_order cannot be used: HTTP 502 Bad Gateway."
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. `idempotency-key-required`: Idempotency-Key required. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createOrder"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `customer-not-found`: Customer not found. `account-not-found`: Account not found. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            /** @description `bucket-not-empty`: Bucket not empty. `bucket-exists`: Bucket name already taken. `limit-reached`: HOSTKEY limit reached. `idempotency-in-progress`: Request in progress. `probable-duplicate-order`: Probable duplicate order. `price-changed`: Price changed. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            /** @description `plan-not-orderable`: Plan not available for this operation. `invalid-bucket-name`: Invalid bucket name. `idempotency-key-reused`: Idempotency-Key used for another request. `location-not-offered`: Plan not available at this location. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
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
            /** @description A checked order that was not sent. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.checkOrder"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["not-acceptable.deleteSessions"];
            409: components["responses"]["price-changed"];
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            /** @description `invalid-bucket-name`: Invalid bucket name. `plan-not-orderable`: Plan not available for this operation. `location-not-offered`: Plan not available at this location. */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["rate-limited.createSession"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal.createSession"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. `upstream-bad-response`: Invalid response from HOSTKEY. `upstream-unreachable`: HOSTKEY unreachable. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Optional-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. `upstream-throttled`: Rate limit of HOSTKEY reached. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["upstream-timeout.createAccount"];
        };
    };
    getOrder: {
        parameters: {
            query?: never;
            header?: {
                /** @description One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Id of an order.
                 * @example 5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11
                 */
                orderId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An order of a paid account, and its state. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
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
            /** @description The version that the caller has is current. */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: Invalid request. `malformed-url`: Malformed URL. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `unauthenticated`: Authentication required. `invalid-token`: Invalid or expired token. `session-expired`: Session expired. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Optional-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: Cross-site request rejected. `insufficient-scope`: Insufficient scope. `forbidden`: Forbidden by HOSTKEY. `two-factor-required`: Second factor required. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["order-not-found"];
            406: components["responses"]["not-acceptable"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: Storage error at HOSTKEY. `upstream-refused`: Unknown refusal by HOSTKEY. */
            502: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: Store unavailable. `upstream-unavailable`: HOSTKEY is failing; calls are paused. `overloaded`: Gateway overloaded. `draining`: Replica shutting down. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
