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
         * Is the process alive?
         * @description Depends on nothing but the process.
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
         * May this replica get requests?
         * @description 503 while it drains or its store does not answer. Does not depend on HOSTKEY: all replicas would leave together.
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
         * Read about a problem
         * @description A page for people: what the problem means and what to do.
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
         * Who am I?
         * @description Who the caller is at HOSTKEY, by whichever door it came, and what it may do.
         */
        get: operations["getSession"];
        put?: never;
        /**
         * Log in
         * @description For browsers: turns one credential (`apiKey`, or `email` and `password`, or `token`) into a session cookie that page script can neither read nor plant. The credential is used once and not kept. Needs the header `X-CSRF: 1`. A login always makes a new session.
         */
        post: operations["createSession"];
        /**
         * Log out
         * @description Ends the session on every replica, clears the cookie, and ends the token at HOSTKEY, even if HOSTKEY does not answer now. Twice is as good as once.
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
         * End all my sessions
         * @description Ends every session of the customer, on every replica: this one too.
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
         * @description HOSTKEY has a limit here and no cursor: `truncated` says that there may be more. `location` is filtered by the gateway. Needs the scope `accounts:read`.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Create a free account
         * @description Makes a free account with its first bucket. Sent once and never repeated. HOSTKEY may name the bucket otherwise than asked: `bucket` is its actual name. Needs the scope `accounts:write`.
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
         * @description One account of the customer; another customer’s is 404 like one that does not exist. Needs the scope `accounts:read`.
         */
        get: operations["getAccount"];
        put?: never;
        post?: never;
        /**
         * Delete an account with all its data
         * @description Deletes the account, its buckets and every file in them; nothing brings them back. Needs the header `Confirm-Delete` with the same name as the URL. Needs the scope `accounts:delete`.
         */
        delete: operations["deleteAccount"];
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
         * @description The buckets of an account, with its traffic. `expand=usage` adds the storage of each bucket. Needs the scope `buckets:read`.
         */
        get: operations["listBuckets"];
        put?: never;
        /**
         * Create a bucket
         * @description HOSTKEY may put a prefix before the name: the reply and `Location` hold the actual name. Needs the scope `buckets:write`.
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
         * @description The bucket must be empty: 409 `bucket-not-empty` otherwise. Needs the scope `buckets:write`.
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
         * @description HOSTKEY’s pages of 100 are joined up to `limit`. Follow `nextCursor` until it is null. With `Accept: application/x-ndjson` the whole list comes as lines, each a `FileLine`, as fast as they are read; the last line holds `end`, or `problem` when HOSTKEY failed on the way, after the status was sent. Lines without such a last line were cut off. Counts as one request, however long the list is. Needs the scope `files:read`.
         */
        get: operations["listFiles"];
        put?: never;
        post?: never;
        /**
         * Delete a file, named in the query
         * @description The exact form for every path: no client and no proxy rewrites a query. `links.self` of a file is this address. In the path of a URL libraries would resolve `../../other` and send `DELETE …/buckets/other`, which deletes that bucket if it is empty. Needs the scope `files:delete`.
         */
        delete: operations["deleteFile"];
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
         * Delete a file, named in the path
         * @description Slashes may stay as they are; everything else is percent-encoded once. URL libraries resolve `.` and `..` segments before they send, also as `%2e`: `../../other` becomes `DELETE …/buckets/other`, which deletes that bucket if it is empty. The gateway cannot see what was meant. Take the query form for every path that is not your own choice. Needs the scope `files:delete`.
         */
        delete: operations["deleteFileByPath"];
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
         * @description Discloses a credential that opens every bucket of the account. Has a strict limit of its own; never cache the reply. Needs the scope `keys:read`.
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
    "/accounts/{s3uid}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read storage and traffic
         * @description Asked through a queue at HOSTKEY, so slower than a list, with a limit of its own. Counted from time to time: `createdAt` of each of the `snapshots` says when. Needs the scope `buckets:read`.
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
    "/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List plans
         * @description The plans that HOSTKEY offers to this customer. Needs the scope `plans:read`.
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
         * @description One of the plans on offer. Needs the scope `plans:read`.
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
         * @description As HOSTKEY keeps them. Needs the scope `plans:read`.
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
         * @description It bills, and at most once for an `Idempotency-Key`: send the same request with the same key as often as needed. Checked against a fresh list of plans. With `validateOnly=true` everything is checked and nothing is ordered; `expectedPrice` refuses the order when a price that it names is another one. 202 when HOSTKEY’s answer was lost and nobody can tell yet. Needs the scope `orders:write`.
         */
        post: operations["createOrder"];
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
         * How does an order stand?
         * @description As the gateway has it in its ledger, without asking HOSTKEY. Kept for 30 days. Needs the scope `orders:write`.
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
             * @description Number of its plan, as in `GET /plans`.
             */
            planId?: number;
            /** @description Region code of where its data lies. */
            location?: string;
            /**
             * Format: int64
             * @description How many bytes it may hold.
             */
            quotaBytes?: number;
            /**
             * Format: int64
             * @description How many bytes it holds.
             */
            storageBytes?: number;
            /** @description Traffic as HOSTKEY counts it; the unit is not documented. */
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
            /** @description True when the list is as long as `limit`: there may be more. */
            truncated: boolean;
        };
        /**
         * @description A bucket of an S3 account.
         * @example {
         *       "name": "holiday-pictures",
         *       "createdAt": "2023-10-01T12:00:00Z"
         *     }
         */
        Bucket: {
            /** @description Name of a bucket, exactly as it is listed. */
            name: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            createdAt?: string;
            /**
             * Format: int64
             * @description How many bytes its files take; only with `expand=usage`.
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
            /** @description Traffic as HOSTKEY counts it; the unit is not documented. */
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
            /** @description Name of a bucket, exactly as it is listed. */
            name: string;
            /**
             * Format: int64
             * @description How many bytes its files take.
             */
            storageBytes?: number;
        };
        /**
         * @description An order that would be sent as it is.
         * @example {
         *       "planId": 2,
         *       "bucketName": "backups",
         *       "location": "NL",
         *       "price": {
         *         "monthlyEur": 4.9,
         *         "monthlyUsd": 5.4,
         *         "monthlyRub": 490
         *       }
         *     }
         */
        CheckedOrder: {
            /**
             * Format: int32
             * @description Number of a pricing plan.
             */
            planId: number;
            /** @description Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it. */
            bucketName: string;
            /** @description Region code of where the account would be. */
            location: string;
            price: components["schemas"]["Price"];
        };
        /**
         * @description An account that was made, with its first bucket.
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
            /** @description Region code of where its data lies. */
            location: string;
            /** @description Actual name of the first bucket; null when there is none, or none was seen yet. */
            bucket: string | null;
            /** @description Empty when all went well. */
            warnings: components["schemas"]["Warning"][];
        };
        /**
         * @description A bucket that was made, under its actual name.
         * @example {
         *       "name": "photos",
         *       "createdAt": "2026-11-22T12:00:00Z",
         *       "warnings": []
         *     }
         */
        CreatedBucket: {
            /** @description Name of a bucket, exactly as it is listed. */
            name: string;
            /**
             * Format: date-time
             * @description When it was created.
             */
            createdAt?: string;
            /** @description Empty when all went well. */
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
            /** @description Path inside the bucket, exactly as it is stored. */
            path: string;
            /** @description The path as HOSTKEY displays it. */
            name?: string;
            /**
             * Format: int64
             * @description How many bytes it has.
             */
            sizeBytes?: number;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            modifiedAt?: string;
            /** @description Addresses. */
            links: {
                /**
                 * Format: uri-reference
                 * @description Address of this file, to delete it: a path from the root of the server, mount point included.
                 */
                self: string;
            };
        };
        /**
         * @description One line of a list of files: a file, a folder, or as the last line how it ended.
         * @example {
         *       "folder": {
         *         "path": "2023/"
         *       }
         *     }
         */
        FileLine: {
            file?: components["schemas"]["File"];
            folder?: components["schemas"]["Folder"];
            /** @description The last line. `nextCursor` is null when everything was sent; else ask again with it: `limit` was reached, or this replica is shutting down. */
            end?: {
                /** @description Where the list goes on; null at its end. */
                nextCursor: string | null;
            };
            problem?: components["schemas"]["Problem"];
        };
        /**
         * @description A page of files and folders.
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
         *       "nextCursor": "9f4ZoiuDUxSJ.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqa3pSRFExT1Rrek1UaEJSak0xUkRNMU56UkdOMFV3TVNKOQ"
         *     }
         */
        FileList: {
            /** @description The files of this page. */
            items: components["schemas"]["File"][];
            /** @description The folders of this page. */
            folders: components["schemas"]["Folder"][];
            /** @description Where the next page begins; null on the last page. A page may be empty and still have a next one. */
            nextCursor: string | null;
        };
        /**
         * @description A folder in a bucket: what several files share before a slash.
         * @example {
         *       "path": "2023/"
         *     }
         */
        Folder: {
            /** @description Path inside the bucket, exactly as it is stored. */
            path: string;
        };
        /**
         * @description One half of the key pair of an account. A credential: never store it in a page.
         * @example {
         *       "kind": "access-key",
         *       "value": "AKIAIOSFODNN7EXAMPLE"
         *     }
         */
        Key: {
            /**
             * @description Which half.
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
             * @description Number of a free plan of `GET /plans`.
             */
            planId: number;
            /** @description Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it. */
            bucketName: string;
            /** @description One of the `locations` of the plan; NL when left out. */
            location?: string;
        };
        /**
         * @description A bucket to be made.
         * @example {
         *       "name": "photos"
         *     }
         */
        NewBucket: {
            /** @description Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it. */
            name: string;
        };
        /**
         * @description An order of a paid account. It bills.
         * @example {
         *       "planId": 2,
         *       "bucketName": "backups",
         *       "location": "NL"
         *     }
         */
        NewOrder: {
            /**
             * Format: int32
             * @description Number of a paid plan of `GET /plans`.
             */
            planId: number;
            /** @description Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it. */
            bucketName: string;
            /** @description One of the `locations` of the plan; may be left out where the plan has only one. */
            location?: string;
            expectedPrice?: components["schemas"]["Price"];
        };
        /**
         * @description A credential, used once and not kept: an API key, or e-mail address and password, or a HOSTKEY token.
         * @example {
         *       "apiKey": "0123456789abcdef-fedcba9876543210"
         *     }
         */
        NewSession: {
            /** @description An API key of HOSTKEY. */
            apiKey?: string;
            /** @description E-mail address of the customer. */
            email?: string;
            /** @description The customer’s password. */
            password?: string;
            /** @description A HOSTKEY token. */
            token?: string;
        };
        /**
         * @description A purchase, from its request to its end.
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
         *         "detail": "HOSTKEY's answer to create_order cannot be used: HTTP 502 Bad Gateway."
         *       }
         *     }
         */
        Order: {
            /**
             * Format: uuid
             * @description Name of an order.
             */
            orderId: string;
            /**
             * @description `pending`: it is on its way. `succeeded`: the account is `s3uid`. `failed`: `problem` says why. `unknown`: HOSTKEY’s answer was lost. Send the same request with the same key: the gateway looks again, and never orders twice.
             * @enum {string}
             */
            state: "pending" | "succeeded" | "failed" | "unknown";
            /**
             * Format: int32
             * @description Number of a pricing plan.
             */
            planId: number;
            /** @description Wished name of the bucket: 3 to 63 of a-z, 0-9, dot and hyphen. HOSTKEY may put a prefix before it. */
            bucketName: string;
            /** @description Region code of where the account is wanted. */
            location: string;
            /**
             * Format: date-time
             * @description When it was placed.
             */
            createdAt: string;
            /** @description Name of the account, once it was made. */
            s3uid?: string;
            /** @description Why it failed, or why nobody knows. */
            problem?: {
                /** @description Name of the problem. */
                name: string;
                /**
                 * Format: int32
                 * @description Its status.
                 */
                status: number;
                /** @description What happened. */
                detail: string;
            };
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
            /** @description Is it on offer? */
            active?: boolean;
            /**
             * Format: int64
             * @description How many bytes an account of this plan may hold.
             */
            quotaBytes?: number;
            /** @description Where it is offered. */
            locations: string[];
            /** @description Kind of storage. */
            storageType?: string;
            /** @description As HOSTKEY prints it; neither the unit nor the meaning of 0 is documented. */
            bandwidthLimit?: number;
            price: components["schemas"]["Price"];
        };
        /**
         * @description A change of a plan.
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
            /** @description What was done. */
            action?: string;
            /**
             * Format: date-time
             * @description When the plan was changed.
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
            /** @description The changes, as HOSTKEY orders them. */
            items: components["schemas"]["PlanChange"][];
        };
        /**
         * @description The plans on offer.
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
         * @description Price of a month, in each currency.
         * @example {
         *       "monthlyEur": 0,
         *       "monthlyUsd": 0,
         *       "monthlyRub": 0
         *     }
         */
        Price: {
            /** @description Price of a month in EUR. */
            monthlyEur?: number;
            /** @description Price of a month in USD. */
            monthlyUsd?: number;
            /** @description Price of a month in RUB. */
            monthlyRub?: number;
        };
        /**
         * @description A failure, RFC 9457.
         * @example {
         *       "type": "https://s3-gateway.example.com/problems/invalid-request",
         *       "title": "The request is not valid",
         *       "status": 400,
         *       "detail": "The request is not valid; nothing was sent to HOSTKEY.",
         *       "instance": "req-7f3a",
         *       "retryable": false,
         *       "errors": [
         *         {
         *           "in": "query",
         *           "parameter": "colour",
         *           "detail": "is unknown"
         *         }
         *       ]
         *     }
         */
        Problem: {
            /**
             * Format: uri-reference
             * @description Address of the page about this problem; its last segment is the name.
             */
            type: string;
            /** @description The problem in a few words; the same for every occurrence. */
            title: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description What happened this time. */
            detail: string;
            /** @description Id of the request, as in `X-Request-Id`. */
            instance: string;
            /** @description May the same request be sent again as it is? */
            retryable: boolean;
            /** @description One entry for each fault. */
            errors?: {
                /**
                 * @description Where the fault is.
                 * @enum {string}
                 */
                in: "body" | "query" | "path" | "header";
                /** @description JSON pointer into the body. */
                pointer?: string;
                /** @description Name of the parameter or header. */
                parameter?: string;
                /** @description What is wrong. */
                detail: string;
            }[];
            /**
             * @description What became of a write that failed. `not-applied`: nothing was done. `applied`: it was done all the same. `partial`: HOSTKEY made something, and then failed. `unknown`: nobody can tell; look before you send it again.
             * @enum {string}
             */
            outcome?: "applied" | "not-applied" | "partial" | "unknown";
            /** @description What HOSTKEY said. */
            upstream?: {
                /** @description The action of HOSTKEY. */
                action: string;
                /** @description What HOSTKEY said, bounded and redacted. */
                message: string;
            };
            /** @description Where to look next. */
            links?: {
                [key: string]: string;
            };
        };
        /**
         * @description Who the caller is, what it may do, and until when. The token itself never leaves the gateway.
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
         *         "keys:read",
         *         "orders:write",
         *         "plans:read"
         *       ]
         *     }
         */
        Session: {
            /**
             * Format: date-time
             * @description When it ends at the latest. A session ends sooner after 15 minutes without a request.
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
            /** @description What the caller may do. */
            scopes: string[];
        };
        /**
         * @description Whether the gateway is alive, or ready.
         * @example {
         *       "status": "ok"
         *     }
         */
        Status: {
            /**
             * @description `unready`: this replica drains, or its store does not answer.
             * @enum {string}
             */
            status: "ok" | "unready";
        };
        /**
         * @description Storage and traffic of an account. Counted from time to time, so a little old.
         * @example {
         *       "storageBytes": 80962140,
         *       "quotaBytes": 268435456000,
         *       "quotaUsedRatio": 0.00030160747468471527,
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
         *           "storageBytes": 512000000,
         *           "bandwidth": 51200,
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
             * @description How many bytes the account holds.
             */
            storageBytes?: number;
            /**
             * Format: int64
             * @description How many bytes it may hold.
             */
            quotaBytes?: number;
            /** @description `storageBytes` over `quotaBytes`; absent without a quota. */
            quotaUsedRatio?: number;
            /** @description Traffic as HOSTKEY counts it; the unit is not documented. */
            bandwidth?: number;
            /** @description Storage of each bucket. */
            buckets: components["schemas"]["BucketUsage"][];
            /** @description Earlier counts. */
            snapshots: components["schemas"]["UsageSnapshot"][];
        };
        /**
         * @description Storage and traffic as HOSTKEY counted them at an instant.
         * @example {
         *       "storageBytes": 1024000000,
         *       "bandwidth": 102400,
         *       "createdAt": "2023-10-27T10:00:00Z"
         *     }
         */
        UsageSnapshot: {
            /**
             * Format: int64
             * @description How many bytes the files took.
             */
            storageBytes?: number;
            /** @description Traffic as HOSTKEY counts it; the unit is not documented. */
            bandwidth?: number;
            /**
             * Format: date-time
             * @description When HOSTKEY counted.
             */
            createdAt?: string;
        };
        /**
         * @description Something to know about a success.
         * @example {
         *       "code": "bucket-name-unconfirmed",
         *       "detail": "HOSTKEY does not list the bucket yet; it may have another name."
         *     }
         */
        Warning: {
            /**
             * @description `account-created-with-error`: HOSTKEY reported an error, and the account is there. `bucket-name-unconfirmed`: HOSTKEY does not list the bucket yet; it may have another name than wished.
             * @enum {string}
             */
            code: "account-created-with-error" | "bucket-name-unconfirmed";
            /** @description What happened. */
            detail: string;
        };
    };
    responses: {
        /** @description `uri-too-long`: The URL is too long. */
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
        /** @description `headers-too-large`: The headers are too large. */
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
        /** @description `internal`: Something went wrong in the gateway. */
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
        /** @description `route-not-found`: There is no such route. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `body-too-large`: The body is too large. */
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
        /** @description `uri-too-long`: The URL is too long. */
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
        /** @description `unsupported-media-type`: The media type is not supported. */
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
        /** @description `internal`: Something went wrong in the gateway. */
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
        /** @description `csrf-rejected`: The request does not come from an allowed page. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `not-acceptable`: No representation is acceptable. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `not-acceptable`: No representation is acceptable. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `bucket-not-empty`: The bucket is not empty. */
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
        /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `account-not-found`: There is no such account. */
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
        /** @description `limit-reached`: A limit at HOSTKEY is reached. */
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
        /** @description `confirmation-mismatch`: The confirmation names something else. */
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
        /** @description `confirmation-required`: The deletion must be confirmed. */
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
        /** @description `upstream-timeout`: HOSTKEY did not answer in time. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `account-not-found`: There is no such account. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `account-not-found`: There is no such account. */
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
        /** @description `invalid-bucket-name`: HOSTKEY refuses the bucket name. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `not-acceptable`: No representation is acceptable. */
        "not-acceptable.listFiles": {
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
        /** @description `bucket-not-empty`: The bucket is not empty. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `account-not-found`: There is no such account. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `account-not-found`: There is no such account. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `plan-not-found`: There is no such plan. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `plan-not-found`: There is no such plan. */
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
        /** @description `payment-required`: HOSTKEY asks for payment. */
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
        /** @description `order-not-found`: There is no such order. */
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
         * @description Origin of the calling page, when the operator allows it; absent otherwise.
         * @example https://panel.example.com
         */
        "Access-Control-Allow-Origin": string;
        /**
         * @description Version of the reply: send it back as `If-None-Match`.
         * @example W/"1f-2Zk8Q"
         */
        ETag: string;
        /**
         * @description Version of the reply: send it back as `If-None-Match`.
         * @example W/"1f-2Zk8Q"
         */
        "Possible-ETag": string;
        /**
         * @description `true` when the reply was recorded earlier, under the same key.
         * @example true
         */
        "Idempotency-Replayed": string;
        /**
         * @description For each limit that applies: how much is left, and the seconds until it is full again.
         * @example "ip";r=1199;t=60, "caller";r=599;t=60
         */
        RateLimit: string;
        /**
         * @description Those limits: how much they grant, and the seconds of their window.
         * @example "ip";q=1200;w=60, "caller";q=600;w=60
         */
        "RateLimit-Policy": string;
        /**
         * @description Seconds to wait before the next try.
         * @example 5
         */
        "Retry-After": string;
        /**
         * @description Seconds to wait before the next try.
         * @example 5
         */
        "Possible-Retry-After": string;
        /**
         * @description Milliseconds that HOSTKEY took, and all in all.
         * @example upstream;dur=41.7, total;dur=43.2
         */
        "Server-Timing": string;
        /**
         * @description The session cookie, or its end.
         * @example __Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict
         */
        "Set-Cookie": string;
        /**
         * @description The session cookie, or its end.
         * @example __Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict
         */
        "Possible-Set-Cookie": string;
        /**
         * @description How to authenticate.
         * @example Bearer realm="hostkey-s3-gateway"
         */
        "WWW-Authenticate": string;
        /**
         * @description Id of the request: the caller’s own, or ours.
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
            /** @description Whether the gateway is alive, or ready. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            429: components["responses"]["rate-limited"];
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
            /** @description Whether the gateway is alive, or ready. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description Whether the gateway is alive, or ready. */
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
                     *     <h1>The bucket is not empty</h1>
                     *     <p><code>bucket-not-empty</code>, HTTP status 409</p>
                     *     <p>Delete its files first.</p>
                     *     <p>May the same request be sent again? No.</p>
                     *     </body>
                     *     </html>
                     */
                    "text/html": string;
                };
            };
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description Who the caller is, what it may do, and until when. The token itself never leaves the gateway. */
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
                     *         "keys:read",
                     *         "orders:write",
                     *         "plans:read"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. */
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
                 * @description `1`, with every request by cookie, and to log in and out.
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
            /** @description Who the caller is, what it may do, and until when. The token itself never leaves the gateway. */
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
                     *         "keys:read",
                     *         "orders:write",
                     *         "plans:read"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `invalid-credentials`: The credential is not accepted. `invalid-token`: The token is not accepted. */
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
            /** @description `csrf-rejected`: The request does not come from an allowed page. `api-key-login-unavailable`: Login by API key is not possible for this customer. `two-factor-required`: A second factor is required. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `draining`: This replica is shutting down. `overloaded`: The gateway is overloaded. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. */
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
                 * @description `1`, with every request by cookie, and to log in and out.
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `draining`: This replica is shutting down. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteSessions"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. */
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
                /** @description At most so many accounts. */
                limit?: number;
                /** @description Sort by this field, ascending; descending with a hyphen before it. */
                sort?: "id" | "s3uid" | "email" | "planId" | "location" | "quotaBytes" | "storageBytes" | "traffic" | "-id" | "-s3uid" | "-email" | "-planId" | "-location" | "-quotaBytes" | "-storageBytes" | "-traffic";
                /** @description First day of a period, `YYYY-MM-DD`. Passed to HOSTKEY as it is: what the period limits is not documented. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `customer-not-found`: There is no such customer. `account-not-found`: There is no such account. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                 * @description One key for each intent, 16 to 255 characters: a random UUID serves.
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
            /** @description An account that was made, with its first bucket. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of what was made.
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createAccount"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `customer-not-found`: There is no such customer. `account-not-found`: There is no such account. */
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
            /** @description `bucket-not-empty`: The bucket is not empty. `limit-reached`: A limit at HOSTKEY is reached. `bucket-exists`: The bucket name is taken. `idempotency-in-progress`: The same request is still running. `probable-duplicate-order`: The same order exists already. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Possible-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            /** @description `plan-not-orderable`: The plan cannot be ordered here. `invalid-bucket-name`: HOSTKEY refuses the bucket name. `location-not-offered`: The plan is not offered at this location. `idempotency-key-reused`: The idempotency key was used for another request. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. `account-state-unknown`: The account may have been created. */
            502: {
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listAccounts"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `customer-not-found`: There is no such customer. `account-not-found`: There is no such account. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /**
                 * @description Name of the account once more, exactly as in the URL.
                 * @example s3_user_1
                 */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteAccount"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `usage` adds `storageBytes` to each bucket, from a second, slower question. */
                expand?: "usage";
            };
            header?: {
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listBuckets"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
            /** @description A bucket that was made, under its actual name. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of what was made.
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createBucket"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `bucket-exists`: The bucket name is taken. `limit-reached`: A limit at HOSTKEY is reached. `bucket-not-empty`: The bucket is not empty. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /**
                 * @description Name of a bucket, exactly as it is listed.
                 * @example empty-bucket
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteBucket"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `bucket-not-found`: There is no such bucket. `account-not-found`: There is no such account. */
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
            /** @description `bucket-not-empty`: The bucket is not empty. `limit-reached`: A limit at HOSTKEY is reached. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description Passed to HOSTKEY as it is: whether it is a prefix or a part of the path is not documented. */
                search?: string;
                /**
                 * @description At most so many files and folders. When left out: 100, or as lines all of them.
                 * @example 3
                 */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: {
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an S3 account. Opaque.
                 * @example s3_user_1
                 */
                s3uid: string;
                /**
                 * @description Name of a bucket, exactly as it is listed.
                 * @example logs
                 */
                bucket: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of files and folders. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    ETag: components["headers"]["Possible-ETag"];
                    /**
                     * @description Address of the next page, `rel="next"` (RFC 8288); absent on the last page.
                     * @example </accounts/s3_user_1/buckets/logs/files?limit=3&cursor=9f4ZoiuDUxSJ.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqa3pSRFExT1Rrek1UaEJSak0xUkRNMU56UkdOMFV3TVNKOQ>; rel="next"
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
                     *       "nextCursor": "9f4ZoiuDUxSJ.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqa3pSRFExT1Rrek1UaEJSak0xUkRNMU56UkdOMFV3TVNKOQ"
                     *     }
                     */
                    "application/json": components["schemas"]["FileList"];
                    "application/x-ndjson": components["schemas"]["FileLine"];
                };
            };
            /** @description The reply that the caller has is still the right one. */
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
                     * @example </accounts/s3_user_1/buckets/logs/files?limit=3&cursor=9f4ZoiuDUxSJ.ZXlKRGIyNTBhVzUxWVhScGIyNVViMnRsYmlJNklqa3pSRFExT1Rrek1UaEJSak0xUkRNMU56UkdOMFV3TVNKOQ>; rel="next"
                     */
                    Link?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. `invalid-cursor`: The cursor is not valid. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listFiles"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `bucket-not-found`: There is no such bucket. `account-not-found`: There is no such account. */
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
            406: components["responses"]["not-acceptable.listFiles"];
            409: components["responses"]["bucket-not-empty.listFiles"];
            414: components["responses"]["uri-too-long"];
            429: components["responses"]["rate-limited"];
            431: components["responses"]["headers-too-large"];
            500: components["responses"]["internal"];
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /**
                 * @description Path of a file inside its bucket, 1 to 1024 bytes of UTF-8, taken exactly as it is.
                 * @example with space.txt
                 */
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
                 * @description Name of a bucket, exactly as it is listed.
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. `file-path-required`: The file path is missing. `file-path-encoding`: The file path is not well encoded. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteFile"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `file-not-found`: There is no such file. `bucket-not-found`: There is no such bucket. `account-not-found`: There is no such account. */
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
            /** @description `bucket-not-empty`: The bucket is not empty. `limit-reached`: A limit at HOSTKEY is reached. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                 * @description Name of a bucket, exactly as it is listed.
                 * @example holiday-pictures
                 */
                bucket: string;
                /**
                 * @description Path of a file inside its bucket, 1 to 1024 bytes of UTF-8, taken exactly as it is.
                 * @example 2021/winter/picture-001.jpg
                 */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. `file-path-required`: The file path is missing. `file-path-encoding`: The file path is not well encoded. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.deleteFile"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `file-not-found`: There is no such file. `bucket-not-found`: There is no such bucket. `account-not-found`: There is no such account. */
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
            /** @description `bucket-not-empty`: The bucket is not empty. `limit-reached`: A limit at HOSTKEY is reached. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
            /** @description One half of the key pair of an account. A credential: never store it in a page. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getKey"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description Storage and traffic of an account. Counted from time to time, so a little old. */
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
                     *           "storageBytes": 512000000,
                     *           "bandwidth": 51200,
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getUsage"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The plans on offer. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlans"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlans"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
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
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.listPlanHistory"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
            query?: {
                /** @description Check everything, order nothing. */
                validateOnly?: boolean;
            };
            header: {
                /**
                 * @description One key for each intent, 16 to 255 characters: a random UUID serves.
                 * @example 7b1f0c3e-2a54-4a0c-9c57-1d8f6f0b7a11
                 */
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
                 *       "location": "NL"
                 *     }
                 */
                "application/json": components["schemas"]["NewOrder"];
            };
        };
        responses: {
            /** @description An order that would be sent as it is. */
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
                     *       "planId": 2,
                     *       "bucketName": "backups",
                     *       "location": "NL",
                     *       "price": {
                     *         "monthlyEur": 4.9,
                     *         "monthlyUsd": 5.4,
                     *         "monthlyRub": 490
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["CheckedOrder"];
                };
            };
            /** @description An account that was made, with its first bucket. */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of what was made.
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
                     *       "planId": 2,
                     *       "location": "NL",
                     *       "bucket": "backups",
                     *       "warnings": []
                     *     }
                     */
                    "application/json": components["schemas"]["CreatedAccount"];
                };
            };
            /** @description A purchase, from its request to its end. */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    /**
                     * @description Address of what was made.
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
                     *         "detail": "HOSTKEY's answer to create_order cannot be used: HTTP 502 Bad Gateway."
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. `idempotency-key-required`: An idempotency key is required. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.createOrder"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `customer-not-found`: There is no such customer. `account-not-found`: There is no such account. */
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
            /** @description `bucket-not-empty`: The bucket is not empty. `bucket-exists`: The bucket name is taken. `limit-reached`: A limit at HOSTKEY is reached. `idempotency-in-progress`: The same request is still running. `probable-duplicate-order`: The same order exists already. `price-changed`: The price has changed. */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "Retry-After": components["headers"]["Possible-Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["body-too-large"];
            414: components["responses"]["uri-too-long.createSession"];
            415: components["responses"]["unsupported-media-type"];
            /** @description `plan-not-orderable`: The plan cannot be ordered here. `invalid-bucket-name`: HOSTKEY refuses the bucket name. `idempotency-key-reused`: The idempotency key was used for another request. `location-not-offered`: The plan is not offered at this location. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. `upstream-bad-response`: HOSTKEY’s answer makes no sense. `upstream-unreachable`: HOSTKEY cannot be reached. */
            502: {
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. `upstream-throttled`: HOSTKEY asks for patience. */
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
                /** @description `ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same. */
                "if-none-match"?: string;
            };
            path: {
                /**
                 * @description Name of an order.
                 * @example 5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11
                 */
                orderId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A purchase, from its request to its end. */
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
                     *       "s3uid": "s3_user_1"
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description The reply that the caller has is still the right one. */
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
            /** @description `invalid-request`: The request is not valid. `malformed-url`: The URL is not well formed. */
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
            /** @description `unauthenticated`: No credential was sent. `invalid-token`: The token is not accepted. `session-expired`: The session has ended. */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Server-Timing": components["headers"]["Server-Timing"];
                    "Access-Control-Allow-Origin": components["headers"]["Access-Control-Allow-Origin"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "Set-Cookie": components["headers"]["Possible-Set-Cookie"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            402: components["responses"]["payment-required.getSession"];
            /** @description `csrf-rejected`: The request does not come from an allowed page. `insufficient-scope`: The scope is not sufficient. `forbidden`: HOSTKEY does not permit this. `two-factor-required`: A second factor is required. */
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
            /** @description `upstream-storage-error`: HOSTKEY’s storage reports an error. `upstream-refused`: HOSTKEY refused for a reason the gateway does not know. */
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
            /** @description `store-unavailable`: The gateway’s store does not answer. `upstream-unavailable`: HOSTKEY is failing; the gateway lets it rest. `overloaded`: The gateway is overloaded. `draining`: This replica is shutting down. */
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
