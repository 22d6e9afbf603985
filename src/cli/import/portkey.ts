import type { Guardrail } from '../../contracts/index.ts'
import { ANY_FAILURE, ProviderShelf, rungOf, type Target, uniqueName, versionsOf } from './assemble.ts'
import { type Importing, numberAt } from './fields.ts'
import type { Imported, ImportedVersion, WrittenPolicy } from './imported.ts'
import { Ledger } from './ledger.ts'
import { guardrailsOf } from './portkey-guardrails.ts'
import { type Inherited, inheritedOf, targetOf } from './portkey-target.ts'
import { SecretNames } from './secrets.ts'
import { isObject, type Path, readJsonSource } from './source.ts'

/** What a part of the tree comes to: who shares the traffic, who answers when they do not, who only by being pinned. */
interface Plan {
  readonly arms: readonly Target[]
  readonly rungs: readonly (readonly Target[])[]
  readonly aside: readonly Target[]
}

const NOTHING: Plan = { arms: [], rungs: [], aside: [] }
const MOST_RUNGS = 8

/**
 * A Portkey gateway configuration (github.com/Portkey-AI/gateway, portkey.ai/docs/api-reference/inference-api/config-object)
 * as one model of ours. Throws `FileError` for what cannot be read.
 *
 * @param model its name here, since the file has none; any words.
 */
export function importPortkey(
  text: string,
  { file, model: words }: { file: string; model: string },
): Imported {
  const source = readJsonSource(text, file)
  const ledger = new Ledger(source)
  const importing = { ledger, secrets: new SecretNames([]) }
  const plan = planOf(importing, [], source.root, { guardrails: [], overrides: [] }, 1)
  const shelf = new ProviderShelf()
  const model = uniqueName(words, new Set())
  const { rungs, versions } = versionsOfPlan(importing, plan, shelf)
  const cache = cacheOf(importing, [], source.root)
  const policy: WrittenPolicy = {
    ...(rungs === undefined ? {} : { ladder: rungs }),
    ...(cache === undefined ? {} : { cache }),
  }
  return {
    providers: shelf.providers,
    models: versions.length === 0 ? [] : [{ model, versions }],
    policies: versions.length === 0 || Object.keys(policy).length === 0 ? {} : { [model]: policy },
    limits: [],
    prices: [],
    secretsToSet: importing.secrets.toSet(),
    report: ledger.lines(),
  }
}

function planOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
  above: Inherited,
  share: number,
): Plan {
  const { ledger } = importing
  const rules: Guardrail[] = guardrailsOf(importing, path, written, above.guardrails.length)
  const level = inheritedOf(importing, path, written, above)
  const inherited = { ...level, guardrails: [...above.guardrails, ...rules] }
  if (path.length > 0 && written.cache !== undefined)
    ledger.lost([...path, 'cache'], 'A cache is of the whole model; write it at the top.')
  if (!Array.isArray(written.targets)) {
    if (isObject(written.strategy) && written.strategy.mode === 'single')
      ledger.kept([...path, 'strategy', 'mode'], 'one version')
    const target = targetOf(importing, path, written, inherited, share)
    return target === undefined ? NOTHING : { ...NOTHING, arms: [target] }
  }
  const strategy = isObject(written.strategy) ? written.strategy : {}
  const mode = strategy.mode ?? 'single'
  const targets = written.targets.map((target, index) => ({
    target,
    path: [...path, 'targets', index] as Path,
  }))
  for (const { path: at, target } of targets) if (!isObject(target)) ledger.dropped(at, 'It is no target.')
  const whole = targets.filter((one): one is { target: Record<string, unknown>; path: Path } =>
    isObject(one.target),
  )
  const inner = (one: (typeof whole)[number], part: number) =>
    planOf(importing, one.path, one.target, inherited, part)
  if (mode === 'loadbalance') return balanced(importing, path, whole, inner, share)
  if (mode === 'fallback') return fallingBack(importing, path, strategy, whole, inner, share)
  if (mode === 'conditional') return conditional(importing, path, strategy, whole, inner, share)
  if (mode === 'single') {
    ledger.kept([...path, 'strategy', 'mode'], 'one version')
    for (const { path: at } of whole.slice(1))
      ledger.dropped(at, 'With the mode single only the first target is asked.')
    return whole[0] === undefined ? NOTHING : inner(whole[0], share)
  }
  ledger.dropped(path, 'The mode of the strategy is not known.')
  return NOTHING
}

type Inner = (one: { target: Record<string, unknown>; path: Path }, part: number) => Plan
type Targets = readonly { target: Record<string, unknown>; path: Path }[]

function balanced(importing: Importing, path: Path, targets: Targets, inner: Inner, share: number): Plan {
  importing.ledger.kept([...path, 'strategy', 'mode'], 'accounts by weight, versions by share')
  const weights = targets.map(({ path: at, target }) =>
    target.weight === undefined
      ? 1
      : (numberAt(importing, [...at, 'weight'], target.weight, {
          to: 'weight of the account, or share of the version',
          least: 0,
          most: 1e9,
          isWhole: false,
        }) ?? 1),
  )
  const sum = weights.reduce((left, right) => left + right, 0)
  const plans = targets.map((one, index) =>
    inner(one, sum === 0 ? share / targets.length : (share * (weights[index] as number)) / sum),
  )
  return joined(plans)
}

function fallingBack(
  { ledger }: Importing,
  path: Path,
  strategy: Readonly<Record<string, unknown>>,
  targets: Targets,
  inner: Inner,
  share: number,
): Plan {
  ledger.changed(
    [...path, 'strategy', 'mode'],
    'ladder of the policy',
    'Rungs answer after failures before any content; one that fails often is left aside. Its quality is a guess: measure it.',
  )
  if (strategy.on_status_codes !== undefined)
    ledger.lost(
      [...path, 'strategy', 'on_status_codes'],
      'A rung is triggered by kinds of failure (error, timeout, rate-limited, unready, overloaded), not by single codes.',
    )
  const plans = targets.map((one) => inner(one, share)).filter(({ arms }) => arms.length > 0)
  const [first, ...others] = plans
  if (first === undefined) return NOTHING
  const below = others.flatMap(({ arms, rungs }) => [arms, ...rungs])
  return { arms: first.arms, rungs: [...first.rungs, ...below], aside: plans.flatMap(({ aside }) => aside) }
}

function conditional(
  { ledger }: Importing,
  path: Path,
  strategy: Readonly<Record<string, unknown>>,
  targets: Targets,
  inner: Inner,
  share: number,
): Plan {
  const why =
    'No request is sent by what it says; a client asks a version by name (x-slipway-version). The default has the traffic.'
  ledger.lost([...path, 'strategy'], why)
  const chosen = targets.find(({ target }) => target.name === strategy.default) ?? targets[0]
  if (chosen === undefined) return NOTHING
  if (strategy.default === chosen.target.name)
    ledger.kept([...path, 'strategy', 'default'], 'all of the traffic')
  for (const { path: at } of targets)
    ledger.changed([...at, 'name'], 'a version', 'Versions are v1, v2 and so on in the order of the report.')
  const main = inner(chosen, share)
  const others = targets.filter((one) => one !== chosen).map((one) => inner(one, 1))
  return {
    arms: main.arms,
    rungs: main.rungs,
    aside: [
      ...main.aside,
      ...others.flatMap(({ aside, arms, rungs }) => [...arms, ...rungs.flat(), ...aside]),
    ],
  }
}

function joined(plans: readonly Plan[]): Plan {
  return {
    arms: plans.flatMap(({ arms }) => arms),
    rungs: plans.flatMap(({ rungs }) => rungs),
    aside: plans.flatMap(({ aside }) => aside),
  }
}

function versionsOfPlan(
  { ledger }: Importing,
  { arms, aside, rungs }: Plan,
  shelf: ProviderShelf,
): { versions: ImportedVersion[]; rungs: WrittenPolicy['ladder'] | undefined } {
  const sharing = versionsOf(arms, shelf)
  const versions = [...sharing]
  const add = (targets: readonly Target[]): string[] =>
    versionsOf(targets, shelf).map(({ spec }) => {
      const label = `v${versions.length + 1}`
      versions.push({ label, spec, sharePercent: 0 })
      return label
    })
  const labels = rungs.map((group) => add(group))
  if (aside.length > 0) add(aside)
  const below = labels.flat()
  if (below.length === 0) return { versions, rungs: undefined }
  if (below.length > MOST_RUNGS - 1)
    ledger.lost(
      ['strategy', 'mode'],
      `A ladder has at most ${MOST_RUNGS} rungs; versions beyond them get no requests.`,
    )
  return {
    versions,
    rungs: {
      rungs: [
        { kind: 'primary', name: 'primary', quality: 1, trigger: { on: [...ANY_FAILURE] } },
        ...below
          .slice(0, MOST_RUNGS - 1)
          .map((label, index) => rungOf(index + 1, undefined, label, ANY_FAILURE)),
      ],
      monthlyDegradedShare: 1,
      degradeUnderLoad: [],
    },
  }
}

/** Portkey keeps an answer for a week where no age is said. */
const DEFAULT_AGE_SECONDS = 604_800

function cacheOf(
  importing: Importing,
  path: Path,
  written: Readonly<Record<string, unknown>>,
): WrittenPolicy['cache'] | undefined {
  if (!isObject(written.cache)) return undefined
  const { max_age: maxAge, mode } = written.cache
  const at = [...path, 'cache', 'mode']
  if (mode === 'semantic')
    importing.ledger.lost(
      at,
      'Equal questions are cached; for similar ones write cache.semantic with a model that embeds.',
    )
  else if (mode === 'simple')
    importing.ledger.changed(
      at,
      'cache.exact of the policy',
      'Each gateway has its own; sampled answers are not cached unless cacheSampled is set.',
    )
  else return undefined
  const ttlMs = numberAt(importing, [...path, 'cache', 'max_age'], maxAge, {
    to: 'cache.exact.ttlMs',
    least: 1,
    most: 2_592_000_000,
    times: 1000,
    isWhole: true,
  })
  return { exact: { ttlMs: ttlMs ?? DEFAULT_AGE_SECONDS * 1000 } }
}
