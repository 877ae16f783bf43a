import { DONE, type Example } from './example.ts'

const account = {
  s3uid: 's3_user_1',
  id: 1,
  email: 'demo@example.com',
  planId: 2,
  location: 'NL',
  quotaBytes: 268435456000,
  storageBytes: 80962140,
  traffic: 102400
}

export const accounts: Record<string, Example> = {
  listAccounts: { replies: { 200: { value: { items: [account], truncated: false } } } },
  getAccount: { parameters: { s3uid: 's3_user_1' }, replies: { 200: { value: account } } },
  createAccount: {
    parameters: { 'idempotency-key': '2f6c1a7e-5d0b-4c0e-8a3d-91b4f7e2c605' },
    body: { planId: 1, bucketName: 'music', location: 'NL' },
    replies: { 201: { value: { s3uid: 's3_user_100', planId: 1, location: 'NL', bucket: 'music', warnings: [] } } }
  },
  deleteAccount: { parameters: { s3uid: 's3_user_1', 'confirm-delete': 's3_user_1' }, replies: DONE }
}
