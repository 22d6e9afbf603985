import { type JudgingRule, PASS } from '../rule.ts'

/**
 * Signs that a text tries to give the model orders, each with the weight of evidence that it adds; two independent ones
 * are as good as a strong one. A heuristic: it finds what is written plainly, in English, and says so in its name; a
 * model behind the `http` rule finds more.
 */
const signs: readonly { name: string; weight: number; shape: RegExp }[] = [
  {
    name: 'sets instructions aside',
    weight: 0.85,
    shape:
      /\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|all|your|system)\b.{0,20}\b(?:instructions?|prompts?|rules?|directions?|guidelines?|context)\b/i,
  },
  {
    name: 'asks for the hidden prompt',
    weight: 0.85,
    shape:
      /\b(?:reveal|show|print|repeat|output|tell|display|leak|what (?:is|are))\b.{0,30}\b(?:system|initial|hidden|original|secret|developer)\b.{0,12}\b(?:prompt|instructions?|message)\b/i,
  },
  {
    name: 'gives the model another role',
    weight: 0.5,
    shape:
      /\b(?:you are now|from now on,? you|pretend (?:to be|you are)|act as (?:if|an?) (?:unrestricted|unfiltered|jailbroken|evil|different))\b/i,
  },
  {
    name: 'names a known jailbreak',
    weight: 0.85,
    shape:
      /\b(?:DAN mode|do anything now|developer mode enabled|jailbreak(?:ed)?(?: mode| prompt)?|god mode)\b/i,
  },
  {
    name: 'lifts the limits',
    weight: 0.5,
    shape:
      /\b(?:without|no|remove|disable|turn off)\b.{0,20}\b(?:restrictions?|filters?|safety|guardrails?|censorship|moderation|ethical guidelines)\b/i,
  },
  {
    name: 'forges the frame of a conversation',
    weight: 0.6,
    shape:
      /(?:<\|?(?:im_start|im_end|system|endoftext|start_header_id)\|?>|\[\/?INST\]|^\s*#{2,}\s*(?:system|instruction)s?\s*:|^\s*(?:system|assistant)\s*:)/im,
  },
  // Letters that nobody sees: tags (E0000) and runs of zero-width characters.
  { name: 'hides letters', weight: 0.85, shape: /[\u{E0020}-\u{E007F}]{4}|[\u200B-\u200D\u2060\uFEFF]{8}/u },
]

/** Signs are within a few lines of each other or they are not signs, so a longer text is looked at in pieces. */
const PIECE = 4000

export function promptInjectionRule(threshold: number): JudgingRule {
  return {
    kind: 'judgement',
    judge({ text }) {
      for (let from = 0; from < text.length; from += PIECE / 2) {
        const { found, score } = injectionScore(text.slice(from, from + PIECE))
        if (score >= threshold)
          return { verdict: 'block', reason: `it ${found.join(', and it ')} (${score.toFixed(2)})` }
        if (from + PIECE >= text.length) break
      }
      return PASS
    },
  }
}

/** 1 − Π(1 − weight): each sign takes its share of what doubt is left. */
export function injectionScore(text: string): { score: number; found: string[] } {
  let doubt = 1
  const found: string[] = []
  for (const { name, shape, weight } of signs)
    if (shape.test(text)) {
      doubt *= 1 - weight
      found.push(name)
    }
  return { score: 1 - doubt, found }
}
