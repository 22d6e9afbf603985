/** Model servers of other projects that can be started here. */
export const foreignServers = ['vllm', 'tgi', 'triton-trtllm'] as const
export type ForeignServer = (typeof foreignServers)[number]

/** Settings that not every one of them has. */
export type ForeignSetting =
  | 'chunkedPrefill'
  | 'dtype'
  | 'gpuMemoryShare'
  | 'kvCacheDtype'
  | 'loras'
  | 'maxModelTokens'
  | 'maxSequences'
  | 'pipelineParallel'
  | 'prefixCaching'
  | 'quantization'
  | 'speculative'
  | 'tensorParallel'

/** What a server makes of a setting; a text says that it has none, and where to look instead. */
export type ForeignSupport =
  | string
  | {
      /** The values that it knows. Left out: it judges by itself, and its reason is told. */
      readonly values?: readonly string[]
      /** Values that are younger than the oldest release that is started, by the first release that was seen to have them. */
      readonly valuesSince?: Readonly<Record<string, string>>
      /** The keys that it knows, where the setting is an object. */
      readonly keys?: readonly string[]
    }

const IN_REPOSITORY = 'it is set in model.yaml or config.pbtxt of the model repository'
const ANY: ForeignSupport = {}

/**
 * Facts about the servers' own flags, from their sources; `test/foreign/facts` has them with file and release, and a
 * test holds this table to them.
 */
export const foreignSupport: Readonly<
  Record<ForeignServer, Readonly<Record<ForeignSetting, ForeignSupport>>>
> = {
  vllm: {
    chunkedPrefill: ANY,
    dtype: { values: ['auto', 'half', 'float16', 'bfloat16', 'float', 'float32'] },
    gpuMemoryShare: ANY,
    kvCacheDtype: { valuesSince: { fp8_inc: '0.10.2', bfloat16: '0.11.0', fp8_ds_mla: '0.16.0' } },
    loras: ANY,
    maxModelTokens: ANY,
    maxSequences: ANY,
    pipelineParallel: ANY,
    prefixCaching: ANY,
    quantization: ANY,
    speculative: ANY,
    tensorParallel: ANY,
  },
  tgi: {
    chunkedPrefill: ANY,
    dtype: { values: ['float16', 'bfloat16'] },
    gpuMemoryShare: ANY,
    kvCacheDtype: { values: ['fp8_e4m3fn', 'fp8_e5m2'] },
    loras: ANY,
    maxModelTokens: ANY,
    maxSequences: ANY,
    pipelineParallel: 'it shares layers among GPUs (tensorParallel) and does not share them out',
    prefixCaching: ANY,
    quantization: {
      values: [
        'awq',
        'compressed-tensors',
        'eetq',
        'exl2',
        'gptq',
        'marlin',
        'bitsandbytes',
        'bitsandbytes-nf4',
        'bitsandbytes-fp4',
        'fp8',
      ],
    },
    speculative: { keys: ['num_speculative_tokens'] },
    tensorParallel: ANY,
  },
  'triton-trtllm': {
    chunkedPrefill: IN_REPOSITORY,
    dtype: IN_REPOSITORY,
    gpuMemoryShare: IN_REPOSITORY,
    kvCacheDtype: IN_REPOSITORY,
    loras: IN_REPOSITORY,
    maxModelTokens: IN_REPOSITORY,
    maxSequences: IN_REPOSITORY,
    pipelineParallel: IN_REPOSITORY,
    prefixCaching: IN_REPOSITORY,
    quantization: IN_REPOSITORY,
    speculative: IN_REPOSITORY,
    tensorParallel: IN_REPOSITORY,
  },
}

/** The oldest release whose flags are the ones that are written here; vLLM before it took other words. */
export const oldestForeign: Readonly<Partial<Record<ForeignServer, string>>> = { vllm: '0.8.5' }

export interface RefusedSetting {
  readonly path: readonly string[]
  /** A whole sentence that names setting, server and, where it is known, the release. */
  readonly reason: string
}

/** Every setting that its server does not have, by name, so that it is told before anything is started. */
export function refusedSettings(
  settings: { readonly server: ForeignServer; readonly serverVersion?: string | undefined } & Readonly<
    Partial<Record<ForeignSetting, unknown>>
  >,
): RefusedSetting[] {
  const { server, serverVersion } = settings
  const refused: RefusedSetting[] = []
  const oldest = oldestForeign[server]
  if (serverVersion !== undefined && oldest !== undefined && isOlder(serverVersion, oldest))
    refused.push({
      path: ['serverVersion'],
      reason: `${server} ${serverVersion} has other flags than the ones written here; ${oldest} is the oldest release that can be started.`,
    })
  for (const [setting, support] of Object.entries(foreignSupport[server]) as [
    ForeignSetting,
    ForeignSupport,
  ][]) {
    const value = settings[setting]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    const reason = refusalOf(server, serverVersion, setting, support, value)
    if (reason !== undefined) refused.push({ path: [setting], reason })
  }
  return refused
}

function refusalOf(
  server: ForeignServer,
  serverVersion: string | undefined,
  setting: ForeignSetting,
  support: ForeignSupport,
  value: unknown,
): string | undefined {
  if (typeof support === 'string') return `${server} has no ${setting}: ${support}.`
  const { keys, values, valuesSince } = support
  if (values !== undefined && !values.includes(String(value)))
    return `${server} knows the ${setting} ${values.join(', ')}, not ${String(value)}.`
  const since = valuesSince?.[String(value)]
  if (since !== undefined && serverVersion !== undefined && isOlder(serverVersion, since))
    return `${server} knows the ${setting} ${String(value)} since ${since}, and this is ${serverVersion}.`
  const unknown =
    keys === undefined
      ? undefined
      : Object.keys(value as Record<string, unknown>).find((key) => !keys.includes(key))
  return unknown === undefined
    ? undefined
    : `${server} knows of ${setting} only ${(keys ?? []).join(', ')}, not ${unknown}.`
}

/** By the numbers of `1.2.3`; what comes after them (`rc1`, `.post1`) is not looked at. */
function isOlder(version: string, than: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(than)]
  for (let place = 0; place < 3; place++)
    if (left[place] !== right[place]) return (left[place] ?? 0) < (right[place] ?? 0)
  return false
}

function numbersOf(version: string): number[] {
  const found = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)
  return [1, 2, 3].map((place) => Number(found?.[place] ?? 0))
}
