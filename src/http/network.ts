import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { addressOf } from '../core/address.ts'

/** An IPv6 network of this size counts as one address: a single host may use all of its addresses. */
const IPV6_SUBNET = 64

/** What limits and shares count as one address. */
export const networkOf = (request: FastifyRequest): string => normalizeIP(addressOf(request), IPV6_SUBNET)
