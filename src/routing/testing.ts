export { conformsToLeaseAuthority } from './leases/lease-authority.conformance.ts'
