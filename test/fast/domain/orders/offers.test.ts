import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import { checkOffer } from '../../../../src/domain/orders/offers.ts'
import { priceOf } from '../../../../src/domain/orders/plans.ts'
import { fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const plans = [
  { id: 1, locations: ['DE', 'NL'], monthly_eur: 0, monthly_usd: 0, monthly_rub: 0 },
  { id: 2, locations: ['NL', 'DE'], monthly_eur: 5 },
  { id: 3, locations: ['DE'], price: { monthly_usd: 7 } },
  { id: 4, active: 0, locations: ['NL'], monthly_eur: 5 },
  { id: 5, locations: ['NL'] },
  { id: 6, monthly_rub: 300 },
  { id: 7, active: 1, locations: ['DE'], monthly_rub: 0 }
]

const offers = async (t: Test) => {
  const { upstream } = await fakeUpstream(t, { list_plans: () => ({ plans }) })
  return (kind: 'free' | 'paid', planId: number, location?: string) =>
    checkOffer(upstream, kind, { planId, ...(location !== undefined && { location }) }, contextOf()).then(
      ({ plan, location }) => [plan.id, location],
      error => error
    )
}

t.test('the offer of a paid plan', async t => {
  const check = await offers(t)

  t.test('has the requested location', async t => {
    t.same(await check('paid', 2, 'DE'), [2, 'DE'])
  })
  t.test('has the only location when none is requested', async t => {
    t.same(await check('paid', 3), [3, 'DE'])
  })
  t.test('location-not-offered when none is requested and the plan has several locations, or none', async t => {
    for (const planId of [2, 6]) t.ok(isProblem(await check('paid', planId), 'location-not-offered'), `plan ${planId}`)
  })
  t.test('location-not-offered, with the locations of the plan, when another one is requested', async t => {
    const problem = await check('paid', 2, 'FI')
    t.ok(isProblem(problem, 'location-not-offered'))
    t.match(problem.message, /FI.*NL, DE/)
    t.match(problem.options.errors, [{ in: 'body', pointer: '/location', detail: /NL, DE/ }])
    t.match((await check('paid', 6, 'NL')).message, 'Offered: none')
  })
  t.test('plan-not-orderable when the plan is free, inactive or missing', async t => {
    for (const planId of [1, 4, 5, 7, 9])
      t.ok(isProblem(await check('paid', planId), 'plan-not-orderable'), `${planId}`)
  })
})

t.test('the offer of a free plan', async t => {
  const check = await offers(t)

  t.test('has the location NL when none is requested, as at HOSTKEY (documented)', async t => {
    t.same(await check('free', 1), [1, 'NL'])
    t.ok(isProblem(await check('free', 7), 'location-not-offered'), 'NL, although the plan has only one other location')
  })
  t.test('has the requested location', async t => {
    t.same(await check('free', 1, 'DE'), [1, 'DE'])
  })
  t.test('may be of a plan without prices', async t => {
    t.same(await check('free', 5), [5, 'NL'])
  })
  t.test('plan-not-orderable when the plan has a price, in any currency, in either place', async t => {
    for (const planId of [2, 3, 6]) t.ok(isProblem(await check('free', planId), 'plan-not-orderable'), `plan ${planId}`)
  })
})

t.test('the prices in `price` come before those of the plan itself', async t => {
  const outer = { monthly_eur: 1, monthly_usd: 2, monthly_rub: 3 }
  t.same(priceOf({ id: 1, ...outer }), { monthlyEur: 1, monthlyUsd: 2, monthlyRub: 3 })
  t.same(priceOf({ id: 1, ...outer, price: { monthly_eur: 4, monthly_usd: 5, monthly_rub: 6 } }), {
    monthlyEur: 4,
    monthlyUsd: 5,
    monthlyRub: 6
  })
  t.same(priceOf({ id: 1, ...outer, price: { monthly_eur: 0 } }), { monthlyEur: 0, monthlyUsd: 2, monthlyRub: 3 })
})
