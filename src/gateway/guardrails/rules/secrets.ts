import { type Finding, type SpanRule, withoutOverlaps } from '../rule.ts'

/** Shapes that their makers documented for keys, and the frames of private keys. All bounded. */
export const keyShapes: readonly { label: string; shape: RegExp; maxMatch: number }[] = [
  { label: 'aws-access-key', shape: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, maxMatch: 20 },
  { label: 'github-token', shape: /\bgh[pousr]_[A-Za-z0-9]{36,251}\b/g, maxMatch: 255 },
  { label: 'github-token', shape: /\bgithub_pat_[A-Za-z0-9_]{22,244}\b/g, maxMatch: 255 },
  { label: 'openai-key', shape: /\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,200}/g, maxMatch: 210 },
  { label: 'slack-token', shape: /\bxox[abprs]-[A-Za-z0-9-]{10,200}/g, maxMatch: 205 },
  { label: 'google-key', shape: /\bAIza[A-Za-z0-9_-]{35}/g, maxMatch: 39 },
  { label: 'stripe-key', shape: /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,99}\b/g, maxMatch: 108 },
  { label: 'slipway-key', shape: /\bslw_[A-Za-z0-9]{4,32}_[A-Za-z0-9_-]{16,128}/g, maxMatch: 166 },
  { label: 'npm-token', shape: /\bnpm_[A-Za-z0-9]{36}\b/g, maxMatch: 40 },
  {
    label: 'jwt',
    shape: /\beyJ[A-Za-z0-9_-]{8,400}\.eyJ[A-Za-z0-9_-]{8,800}\.[A-Za-z0-9_-]{8,400}/g,
    maxMatch: 1610,
  },
  {
    label: 'private-key',
    shape:
      /-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,4000}(?:-----END (?:[A-Z]{2,10} ){0,2}PRIVATE KEY-----)?/g,
    maxMatch: 4096,
  },
]

export function secretsRule(): SpanRule {
  return {
    kind: 'spans',
    maxMatch: Math.max(...keyShapes.map(({ maxMatch }) => maxMatch)),
    find(text) {
      const findings: Finding[] = []
      for (const { label, shape } of keyShapes)
        for (const match of text.matchAll(shape))
          findings.push({ from: match.index, to: match.index + match[0].length, label })
      return withoutOverlaps(findings)
    },
  }
}
