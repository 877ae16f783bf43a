import type { Example } from './example.ts'

const standard = { active: true, storageType: 'standard', bandwidthLimit: 0 }

const free = {
  id: 1,
  name: 'Free Plan',
  ...standard,
  quotaBytes: 5368709120,
  locations: ['NL', 'DE'],
  price: { monthlyEur: 0, monthlyUsd: 0, monthlyRub: 0 }
}

export const standard250 = {
  id: 2,
  name: 'Standard 250',
  ...standard,
  quotaBytes: 268435456000,
  locations: ['NL'],
  price: { monthlyEur: 4.9, monthlyUsd: 5.4, monthlyRub: 490 }
}

const standard1000 = {
  id: 4,
  name: 'Standard 1000',
  ...standard,
  quotaBytes: 1073741824000,
  locations: ['NL', 'DE'],
  price: { monthlyEur: 14.9, monthlyUsd: 16.4, monthlyRub: 1490 }
}

export const plans: Record<string, Example> = {
  listPlans: { replies: { 200: { value: { items: [free, standard250, standard1000] } } } },
  getPlan: {
    parameters: { planId: 2 },
    replies: { 200: { value: standard250 } },
    problems: { 'plan-not-found': { detail: 'Plan 77 is not on offer.' } }
  },
  listPlanHistory: {
    parameters: { planId: 2 },
    replies: {
      200: {
        value: {
          items: [
            { id: 2, action: 'create', changedAt: '2023-10-01T12:00:00Z', details: 'Plan created' },
            { id: 3, action: 'update', changedAt: '2023-10-28T10:00:00Z', details: 'Quota raised to 250 GiB' }
          ]
        }
      }
    }
  }
}
