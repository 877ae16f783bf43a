import { meaningOf } from '../refusals.ts'
import { DONE, type Example, invalidName, LOST_DELETION } from './example.ts'

const createdAt = '2023-10-01T12:00:00Z'
const basis = { snapshots: 5, from: '2023-10-23T10:00:00.000Z', to: '2023-10-27T10:00:00.000Z' }

export const buckets: Record<string, Example> = {
  listBuckets: {
    parameters: { s3uid: 's3_user_1' },
    replies: {
      200: {
        value: {
          items: [
            { name: 'holiday-pictures', createdAt },
            { name: 'empty-bucket', createdAt },
            { name: 'logs', createdAt }
          ],
          bandwidth: 102400,
          snapshot: { storageBytes: 1024000000, bandwidth: 102400, createdAt: '2023-10-27T10:00:00Z' }
        }
      }
    }
  },
  createBucket: {
    parameters: { s3uid: 's3_user_1' },
    body: { name: 'photos' },
    replies: {
      201: {
        value: { name: 'photos', createdAt: '2026-11-22T12:00:00Z', warnings: [] },
        headers: { Location: '/accounts/s3_user_1/buckets/photos' },
        varies: ['/createdAt']
      }
    },
    problems: { 'invalid-bucket-name': invalidName('/name') }
  },
  deleteBucket: {
    parameters: { s3uid: 's3_user_1', bucket: 'empty-bucket' },
    unfilled: ['bucket'],
    replies: DONE,
    problems: {
      ...LOST_DELETION,
      'bucket-not-empty': {
        detail: meaningOf('bucket-not-empty'),
        upstream: { action: 'delete_bucket', message: 'Delete S3 bucket error: Bucket not empty' },
        links: { empty: '/accounts/s3_user_1/buckets/logs/file-deletions' }
      }
    }
  },
  getUsage: {
    parameters: { s3uid: 's3_user_1' },
    replies: {
      200: {
        value: {
          storageBytes: 80962140,
          quotaBytes: 268435456000,
          quotaUsedRatio: 0.00030160747468471527,
          growthBytesPerDay: 208000000,
          daysUntilFull: 1290,
          basis,
          bandwidth: 102400,
          buckets: [
            { name: 'holiday-pictures', storageBytes: 47472640 },
            { name: 'empty-bucket', storageBytes: 0 },
            { name: 'logs', storageBytes: 33489500 }
          ],
          snapshots: [
            { storageBytes: 128000000, bandwidth: 20480, createdAt: '2023-10-23T10:00:00Z' },
            { storageBytes: 224000000, bandwidth: 40960, createdAt: '2023-10-24T10:00:00Z' },
            { storageBytes: 352000000, bandwidth: 61440, createdAt: '2023-10-25T10:00:00Z' },
            { storageBytes: 512000000, bandwidth: 81920, createdAt: '2023-10-26T10:00:00Z' },
            { storageBytes: 1024000000, bandwidth: 102400, createdAt: '2023-10-27T10:00:00Z' }
          ]
        }
      }
    }
  },
  listUsage: {
    replies: {
      200: {
        value: {
          items: [
            {
              s3uid: 's3_user_1',
              storageBytes: 80962140,
              quotaBytes: 268435456000,
              quotaUsedRatio: 0.00030160747468471527,
              growthBytesPerDay: 208000000,
              daysUntilFull: 1290,
              basis,
              bandwidth: 102400
            }
          ],
          partial: [],
          truncated: false
        }
      }
    }
  },
  createPresignedUrl: {
    parameters: { s3uid: 's3_user_1', bucket: 'holiday-pictures' },
    body: { operation: 'download', path: 'readme.txt', downloadName: 'read me.txt' },
    replies: {
      201: {
        value: {
          url: 'https://s3-nl.hostkey.com/holiday-pictures/readme.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=…',
          method: 'GET',
          headers: {},
          expiresAt: '2026-11-22T12:05:00.000Z'
        },
        varies: ['/url', '/expiresAt']
      }
    },
    problems: {
      'insufficient-scope': { detail: 'This operation needs the scope files:download.' },
      'path-not-presignable': {
        detail: 'A segment of the path is `.` or `..`, which every client would resolve.'
      }
    }
  },
  getConnection: {
    parameters: { s3uid: 's3_user_1' },
    replies: {
      200: {
        value: {
          endpoint: 'https://s3-nl.hostkey.com',
          region: 'nl',
          addressing: 'path',
          examples: {
            awsCli: 'aws s3 ls --endpoint-url https://s3-nl.hostkey.com --region nl',
            rclone:
              "rclone lsd :s3,provider=Other,env_auth=true,endpoint='https://s3-nl.hostkey.com',region=nl,force_path_style=true:"
          }
        }
      }
    },
    problems: { 'account-not-found': { detail: 'The customer has no such account.' } }
  },
  getKey: {
    parameters: { s3uid: 's3_user_1', kind: 'access-key' },
    // Amazon's published example, also on the vendor's page.
    replies: { 200: { value: { kind: 'access-key', value: 'AKIAIOSFODNN7EXAMPLE' }, varies: ['/value'] } }
  }
}
