import { stringify } from 'yaml'
import { z } from 'zod'
import { defaultPolicy, policyForm } from '../../src/changes/index.ts'
import { changeProposal, newModel, versionSpec } from '../../src/contracts/index.ts'
import { changeFileForm, modelFileForm } from '../../src/sdk/index.ts'
import { changeMeanings, modelMeanings, policyMeanings } from './meanings.ts'

type Schema = z.core.JSONSchema.JSONSchema

interface Key {
  readonly path: string
  readonly schema: Schema
  readonly isRequired: boolean
}

const forms = {
  change: { form: changeFileForm, meanings: changeMeanings },
  model: { form: modelFileForm, meanings: modelMeanings },
  policy: { form: policyForm, meanings: policyMeanings },
} as const

/** Draft 2020-12, with the meanings as descriptions, so that editors complete, check and explain. */
export function fileSchema(name: keyof typeof forms): Schema {
  const { form, meanings } = forms[name]
  const schema = z.toJSONSchema(form, { io: 'input' }) as Schema
  const keys = [...keysOf(schema)]
  for (const { path, schema: own } of keys) {
    const meaning = meanings[path]
    if (meaning === undefined) throw new Error(`${name}.yaml: the key ${path} has no meaning in meanings.ts`)
    own.description = meaning.replaceAll('`', '').replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
  }
  const known = new Set(keys.map(({ path }) => path))
  const stale = Object.keys(meanings).filter((path) => !known.has(path))
  if (stale.length > 0) throw new Error(`${name}.yaml has no key ${stale.join(', ')}`)
  return { title: `${name}.yaml of Slipway`, ...schema }
}

/** `docs/reference/files.md`. */
export function filesPage(): string {
  return `# Files

Written by \`make docs\` from the forms that read them. Unknown keys, values without their unit and plans that cannot work
are refused with the line, the reason and the nearest valid word. Paths are relative to the file that names them; a file
has at most 256 KiB.

Schemas for editors: [change.schema.json](../schemas/change.schema.json), [model.schema.json](../schemas/model.schema.json), [policy.schema.json](../schemas/policy.schema.json). With the YAML
language server the first line of a file may be

\`\`\`yaml
# yaml-language-server: $schema=<path of the checkout>/docs/schemas/change.schema.json
\`\`\`

## change.yaml
One proposed change; read by \`slipway change plan\` and \`slipway change run\`, written by \`slipway change new\`. A value in
percent or percentage points is written with its unit: \`10%\`, \`1pp\`.

${tableOf('change', { ...defaultsOf(changeProposal), 'rollout.guardMargins': 'see [the judge](../judge.md#guards)' })}

## model.yaml
A model with its first version and its data; \`slipway up\` reads that of the sample. Your own model is registered
through the API, [as the tutorial does](../first-change.md#register-the-model).

${tableOf('model', { ...prefixed('champion.', defaultsOf(versionSpec)), ...defaultsOf(newModel), 'champion.engine': '`onnx`' })}

## policy.yaml
What a change of a risk tier must show; read by control when it starts, from the data folder or the path in \`SLIPWAY_POLICY\`,
in place of the [built-in one](../checks.md#policy-and-risk-tiers). It is written whole: what is left out is missing, not
inherited. A file that cannot be read keeps control from starting.

${tableOf('policy', { holdout: '–', 'holdout.warnAbove': '`20`' })}

The built-in policy as a file, to begin with:

\`\`\`yaml
${stringify(defaultPolicy, { collectionStyle: 'any', aliasDuplicateObjects: false }).trimEnd()}
\`\`\`

## Lines of a dataset
\`PUT /api/v1/datasets/{dataset}?model={model}\` takes one JSON object a line, gzip allowed, at most 64 MiB packed and 512 MiB
unpacked: \`{"id": "…", "inputs": {…}, "label": …}\`. \`id\` names the item, once; \`inputs\` is a row of the contract; \`label\`
is what a person said is right (a class name where the model has \`classes\`). \`at\` (a time) and \`slice\` (an object of texts)
may be added.

## traffic.json
\`{"model", "dataset", "key"}\` in the data folder: while it is there, \`slipway up\` keeps a process that sends the items of
the dataset as live traffic, 20 requests a second, 1,500 while a canary runs. The key needs the scopes \`predict\` and
\`read\`. Made for trying things out where no users are.
`
}

function tableOf(name: keyof typeof forms, defaults: Readonly<Record<string, string>>): string {
  const rows = [...keysOf(fileSchema(name))].map(({ path, schema, isRequired }) => {
    const fallback = isRequired
      ? '**required**'
      : (defaults[path] ?? (schema.default === undefined ? '–' : code(schema.default)))
    const said = forms[name].meanings[path] as string
    return `| \`${path}\` | ${kindOf(schema)} | ${inherited(name, path) ?? fallback} | ${said} |`
  })
  return `| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}`
}

/** Top-level fields of a candidate come from the champion. */
function inherited(name: keyof typeof forms, path: string): string | undefined {
  return name === 'change' && /^to\.[a-z]+$/i.test(path) && path !== 'to.label' ? 'inherited' : undefined
}

/** Depth first, in the order of the form. `[]` stands for each element, `*` for each name that the writer chooses. */
function* keysOf(schema: Schema, at = ''): Generator<Key> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = at === '' ? name : `${at}.${name}`
    const own = property as Schema
    yield { path, schema: own, isRequired: schema.required?.includes(name) === true }
    yield* keysOf(own, path)
    const items = own.items as Schema | undefined
    if (items?.properties !== undefined) yield* keysOf(items, `${path}[]`)
    const values = own.additionalProperties
    if (typeof values === 'object' && values.properties !== undefined) yield* keysOf(values, `${path}.*`)
  }
}

/** Defaults of the contract behind the file, by path, as the file would write them. */
function defaultsOf(contract: z.ZodType): Record<string, string> {
  const schema = z.toJSONSchema(contract, { io: 'input' }) as Schema
  return Object.fromEntries(
    [...keysOf(schema)].flatMap(({ path, schema: own }) => {
      const value = own.default
      if (value === undefined || typeof value === 'object' ? !Array.isArray(value) : value === '') return []
      return [[path, code(withUnit(path, value))]]
    }),
  )
}

function prefixed(prefix: string, defaults: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(defaults).map(([path, value]) => [`${prefix}${path}`, value]))
}

function withUnit(path: string, value: unknown): unknown {
  if (typeof value !== 'number' || !path.startsWith('margins.')) return value
  const unit = /accuracy|stability/.test(path) ? 'pp' : '%'
  return `${Number((value * 100).toFixed(4))}${unit}`
}

function code(value: unknown): string {
  if (Array.isArray(value)) return `\`[${value.join(', ')}]\``
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  const { pattern } = schema
  if (pattern?.endsWith('pp$')) return 'percentage points: `1pp`'
  if (pattern?.endsWith('%$')) return 'percent: `10%`'
  switch (schema.type) {
    case 'array':
      return `list of ${kindOf(schema.items as Schema)}${range(schema.minItems, schema.maxItems, '')}`
    case 'object':
      return 'block'
    case 'string':
      return `text${range(undefined, schema.maxLength, ' characters')}`
    case 'null':
      return '`null`'
    case 'boolean':
      return '`true`, `false`'
    case 'integer':
    case 'number': {
      const above = schema.exclusiveMinimum
      const least = above === undefined ? schema.minimum : `above ${above}`
      const word = schema.type === 'integer' ? 'whole number' : 'number'
      return `${word}${range(least, schema.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema.maximum, '')}`
    }
    default:
      return schema.anyOf === undefined
        ? 'block'
        : schema.anyOf.map((one) => kindOf(one as Schema)).join(' or ')
  }
}

function range(least: number | string | undefined, most: number | undefined, unit: string): string {
  if (most === undefined)
    return least === undefined ? '' : `, ${typeof least === 'string' ? least : `from ${least}`}`
  if (least === undefined) return `, at most ${grouped(most)}${unit}`
  return `, ${least} to ${grouped(most)}${unit}`
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}
