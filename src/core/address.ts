import { isIP, isIPv4, isIPv6 } from 'node:net'
import { compile } from '@fastify/proxy-addr'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'

/**
 * The IP address in a text, in the forms that proxies send: with a port, in brackets, in quotes, with a zone, as an IPv4
 * address in IPv6. Load balancers of Azure and AWS send a port (documented).
 * @returns undefined when there is none
 */
export const plainAddress = (text: string): string | undefined => {
  // Almost every address: no copy is made.
  if (isIPv4(text)) return text
  const bare = withoutQuotes(text)
  const inner =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(bare)?.[1] ?? (isIP(bare) === 0 ? bare.replace(/:\d{1,5}$/, '') : bare)
  const [address = ''] = inner.split('%', 1)
  if (!isIPv6(address)) return isIPv4(address) ? address : undefined
  const mapped = /^[0:]*:ffff:/i.test(address) ? normalizeIP(address) : ''
  return isIPv4(mapped) ? mapped : address
}

const withoutQuotes = (text: string): string => {
  const value = /^\s*for=/i.test(text) ? text.slice(text.indexOf('=') + 1) : text
  return value.replaceAll(/["'\s]/g, '')
}

/** Does this host name or address, as in a URL or without brackets, name the machine itself? */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/.test(plainAddress(host) ?? '')

/**
 * Does a browser keep a `Secure` cookie of a page at this address? Over https and on the machine itself; the schemes of apps
 * are not http either.
 */
export const keepsSecureCookie = ({ protocol, hostname }: URL): boolean =>
  protocol !== 'http:' || isLoopback(hostname) || hostname.endsWith('.localhost')

/** Is this a network in the form of CIDR, such as `10.1.0.0/16`? */
export const isNetwork = (text: string): boolean => {
  const [address = '', bits = '', ...rest] = text.split('/')
  const maxBits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= maxBits
}

/** Is this address, in any form, a proxy whose `X-Forwarded-*` headers are trusted? */
export type Trust = (address: string | undefined) => boolean

/**
 * @param proxies IP addresses, CIDR networks and names of networks
 * @param trustsSocket is a connection without an address trusted, which is one of a unix socket?
 */
export const trustOf = (proxies: readonly string[], trustsSocket = false): Trust => {
  const isTrusted = proxies.length === 0 ? () => false : compile([...proxies])
  return address => {
    if (address === undefined || address === '') return trustsSocket
    const plain = plainAddress(address)
    return plain !== undefined && isTrusted(plain, 0)
  }
}

/**
 * The IP address of the caller, from `X-Forwarded-For` where a trusted proxy sends it. A value that holds no IP address is
 * text of the caller and reaches no limit and no log: then the address of the connection counts.
 */
export const addressOf = ({ ip, socket: { remoteAddress = '' } }: FastifyRequest): string =>
  // A connection that has ended has no address, unless it was asked for before.
  plainAddress(ip ?? '') ?? plainAddress(remoteAddress) ?? ''

/** An IPv6 network of this size counts as one address: a single host may use all of its addresses. */
const IPV6_SUBNET = 64

/** What counts as one client: an IPv4 address, or an IPv6 network. */
export const subnetOf = (address: string): string => (isIPv4(address) ? address : normalizeIP(address, IPV6_SUBNET))
