import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { SlipwayError } from '../kernel/index.ts'

/**
 * Addresses that no remote endpoint of the public internet has: this host, private networks, carrier NAT, link-local
 * (where clouds keep their metadata), documentation, multicast (IANA special-purpose registries, RFC 6890).
 */
const inner = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  inner.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  inner.addSubnet(network, bits, 'ipv6')

/** IPv4 inside IPv6 (`::ffff:…`) is judged by the IPv4 address: BlockList does that itself. */
export function isInnerAddress(address: string): boolean {
  return inner.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** The origin of a stored endpoint; throws `invalid_request` for one that may not be called. */
export function checkedEndpoint(url: string, allowInner: boolean): URL {
  const endpoint = URL.canParse(url) ? new URL(url) : undefined
  if (endpoint === undefined || !['http:', 'https:'].includes(endpoint.protocol))
    throw refused(`${url} is not an http or https address`)
  if (endpoint.username !== '' || endpoint.password !== '')
    throw refused('an address with a password in it would end up in logs')
  const host = endpoint.hostname.replace(/^\[(.*)\]$/, '$1')
  if (!allowInner && isIP(host) !== 0 && isInnerAddress(host))
    throw refused(`${host} is not a public address`)
  return endpoint
}

/** Checks what a name resolves to at the moment of connecting, so that a name cannot change its mind in between. */
export const outerLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses = found as LookupAddress[] | undefined
    const first = addresses?.[0]
    const wrong = addresses?.find(({ address }) => isInnerAddress(address))
    if (error !== null) callback(error, '', 0)
    else if (wrong !== undefined)
      callback(refused(`${hostname} resolves to ${wrong.address}, not a public address`), '', 0)
    else if (options.all === true) callback(null, addresses as LookupAddress[])
    else callback(null, first?.address ?? '', first?.family ?? 0)
  })
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('invalid_request', { reason: `${reason}.` })
}
