import type { FastifyRequest } from 'fastify'
import { addressOf, subnetOf } from '../core/address.ts'

/** What limits and shares count as one address. */
export const networkOf = (request: FastifyRequest): string => subnetOf(addressOf(request))
