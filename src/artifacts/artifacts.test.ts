import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../kernel/index.ts'
import { factsOf, openSource, readArtifact, readPickle, sourceOf } from './index.ts'
import { mutate } from './testing/mutate.ts'

const files = join(import.meta.dirname, 'testing/files')
const at = (name: string) => join(files, name)
const bytesOf = (name: string) => readFileSync(at(name))
const read = (bytes: Buffer, name: string) => factsOf(sourceOf(bytes, name))

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
function folderOf(contents: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'artifacts-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content)
  return folder
}

describe('what the files of the libraries say', () => {
  const heads = { heads: 4, kvHeads: 2, keyDim: 16, valueDim: 16, latent: null, window: null }
  const table = { trees: 9, features: 4, classes: 3 }
  const signature = (output: string) => ({
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, 4] }],
    outputs: [{ name: output, dtype: 'float32', shape: [null, 3] }],
  })

  test.each<[string, object]>([
    [
      'llama-q8.gguf',
      {
        format: 'gguf',
        architecture: 'llama',
        name: 'tiny',
        // One embedding of 64 × 64, and per layer 64·64·2 + 32·64·2 of attention and 3·64·64 of the MLP.
        parameters: 4096 + 2 * (12_288 + 12_288),
        // Q8_0 takes 34 bytes for 32 weights.
        weightBytes: 4 * 4096 + (2 * 24_576 * 34) / 32,
        precision: { name: 'Q8_0', method: 'gguf', byType: { F32: 4096, Q8_0: 49_152 } },
        layers: 2,
        hiddenSize: 64,
        attention: { kind: 'GQA', ...heads, fullLayers: 2 },
        contextTokens: 512,
        vocabulary: 64,
        specialTokens: { bos: { id: 1, text: '<s>' }, eos: { id: 2, text: '</s>' } },
        chatTemplate: expect.stringContaining('m.role'),
        rope: { base: 10_000 },
      },
    ],
    [
      'moe-q4.gguf',
      {
        experts: { total: 4, active: 1, shared: 0 },
        parameters: 4096 + 12_288 + 3 * 4 * 4096,
        activeParameters: 4096 + 12_288 + 3 * 4096,
        precision: { name: 'Q4_0', method: 'gguf' },
      },
    ],
    ['lora.gguf', { adapter: { kind: 'lora', rank: 8, alpha: 16, targets: ['attn_q'] } }],
    [
      'llama-folder',
      {
        format: 'safetensors',
        architecture: 'LlamaForCausalLM',
        parameters: 2 * 6400 + 64 + 2 * (12_288 + 3 * 8192 + 128),
        precision: { name: 'float16', method: null, bitsPerWeight: 16 },
        attention: { kind: 'GQA', ...heads, fullLayers: 2 },
        contextTokens: 256,
        vocabulary: 100,
        chatTemplate: expect.stringContaining('m.content'),
        specialTokens: { bos: { id: 1, text: '<s>' }, eos: { id: 2, text: '</s>' } },
        isEstimated: false,
      },
    ],
    // Eight int4 in an int32; zero points, scales and order are no parameters.
    ['gptq-folder', { parameters: 4096 + 6400, precision: { name: 'int4 (gptq)', method: 'gptq' } }],
    [
      'lora-folder',
      { adapter: { kind: 'lora', rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'], base: 'tiny/llama' } },
    ],
    [
      'iris.xgb.json',
      { format: 'xgboost', architecture: 'gbtree', table: { ...table, objective: 'multi:softprob' } },
    ],
    [
      'iris.ubj',
      { format: 'xgboost', architecture: 'gbtree', table: { ...table, objective: 'multi:softprob' } },
    ],
    ['iris.lgb.txt', { format: 'lightgbm', table: { ...table, objective: 'multiclass num_class:3' } }],
    ['softmax.onnx', { format: 'onnx', parameters: 12, weightBytes: 48, signature: signature('y') }],
    ['script.pt', { format: 'torchscript', architecture: 'Tiny', weightBytes: 60 }],
    [
      'program.pt2',
      { format: 'exported-program', parameters: 15, weightBytes: 60, signature: signature('softmax') },
    ],
    ['saved-model', { format: 'saved-model', name: 'tensorflow 2.21.0', signature: signature('y') }],
  ])('%s', (name, facts) => {
    expect(readArtifact(at(name))).toMatchObject(facts)
  })

  test('XGBoost says the same in JSON and in UBJ', () => {
    expect(readArtifact(at('iris.ubj'))).toEqual(readArtifact(at('iris.xgb.json')))
  })

  test('a configuration alone gives the size that the weights have', () => {
    const config = readArtifact(at('llama-folder/config.json'))
    expect(config).toMatchObject({ format: 'config', isEstimated: true })
    expect(config.parameters).toBe(readArtifact(at('llama-folder')).parameters)
  })
})

describe('configurations of models in use', () => {
  const config = (value: object) =>
    read(Buffer.from(JSON.stringify({ model_type: 'x', ...value })), 'config.json')
  const llama3 = {
    num_hidden_layers: 32,
    hidden_size: 4096,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14_336,
    vocab_size: 128_256,
  }
  test.each<[string, object, object]>([
    [
      'Llama 3 8B has 8.03 B parameters',
      llama3,
      { parameters: 8_030_261_248, attention: { kind: 'GQA', keyDim: 128 } },
    ],
    [
      'DeepSeek-V3 keeps 512 + 64 numbers a layer, and 37 of 671 B parameters are active',
      {
        num_hidden_layers: 61,
        hidden_size: 7168,
        num_attention_heads: 128,
        num_key_value_heads: 128,
        intermediate_size: 18_432,
        moe_intermediate_size: 2048,
        vocab_size: 129_280,
        n_routed_experts: 256,
        n_shared_experts: 1,
        num_experts_per_tok: 8,
        first_k_dense_replace: 3,
        kv_lora_rank: 512,
        q_lora_rank: 1536,
        qk_nope_head_dim: 128,
        qk_rope_head_dim: 64,
        v_head_dim: 128,
        num_nextn_predict_layers: 1,
      },
      {
        attention: { kind: 'MLA', latent: { rank: 512, ropeDim: 64 } },
        experts: { total: 256, active: 8, shared: 1 },
        predictLayers: 1,
      },
    ],
    [
      'a list of layer types says which layers have a window',
      {
        ...llama3,
        num_hidden_layers: 6,
        sliding_window: 1024,
        layer_types: [...Array(5).fill('sliding_attention'), 'full_attention'],
      },
      { attention: { fullLayers: 1, window: { tokens: 1024, layers: 5 } } },
    ],
    [
      'a window that is switched off is none',
      { ...llama3, sliding_window: 4096, use_sliding_window: false },
      { attention: { fullLayers: 32, window: null } },
    ],
    [
      'layers without attention keep no cache',
      {
        ...llama3,
        num_hidden_layers: 4,
        layer_types: ['linear_attention', 'linear_attention', 'linear_attention', 'full_attention'],
      },
      {
        attention: { fullLayers: 1, window: null },
        notes: expect.arrayContaining([expect.stringContaining('3 layers')]),
      },
    ],
    ['the text part counts', { text_config: llama3 }, { layers: 32, attention: { kvHeads: 8 } }],
    ['one head of keys is MQA', { ...llama3, num_key_value_heads: 1 }, { attention: { kind: 'MQA' } }],
  ])('%s', (_, given, facts) => {
    expect(config(given)).toMatchObject(facts)
  })

  test('DeepSeek-V3 is computed within 1 % of its published 671 B and 37 B', () => {
    const { parameters, activeParameters } = config({
      num_hidden_layers: 61,
      hidden_size: 7168,
      num_attention_heads: 128,
      intermediate_size: 18_432,
      moe_intermediate_size: 2048,
      vocab_size: 129_280,
      n_routed_experts: 256,
      n_shared_experts: 1,
      num_experts_per_tok: 8,
      first_k_dense_replace: 3,
      kv_lora_rank: 512,
      q_lora_rank: 1536,
      qk_nope_head_dim: 128,
      qk_rope_head_dim: 64,
      v_head_dim: 128,
    })
    expect(Math.abs(parameters! / 671e9 - 1)).toBeLessThan(0.01)
    expect(Math.abs(activeParameters! / 37e9 - 1)).toBeLessThan(0.03)
  })
})

describe('pickles', () => {
  test.each<[string, RegExp]>([
    ['calls.pkl', /would call posix\.system; opcodes that run code: STACK_GLOBAL × 1, REDUCE × 1/],
    ['calls-0.pkl', /would call posix\.system; opcodes that run code: GLOBAL × 1, REDUCE × 1/],
    ['sklearn.pkl', /would import .*LogisticRegression/],
    ['state.pt', /would import collections\.OrderedDict, torch\.FloatStorage/],
  ])('%s is refused with what it would do', (name, reason) => {
    expect(() => readArtifact(at(name))).toThrow(expect.objectContaining({ code: 'artifact_unsafe' }))
    expect(() => readArtifact(at(name))).toThrow(reason)
  })

  test('what it would do is listed in full', () => {
    expect(readPickle(at('calls.pkl'))).toMatchObject({
      protocol: 4,
      imports: ['posix.system'],
      dangerous: ['posix.system'],
      opcodes: { PROTO: 1, REDUCE: 1, STOP: 1 },
      endsEarly: null,
    })
    expect(readPickle(at('sklearn.pkl')).dangerous).toEqual([])
  })

  test('a name that went through the memo is still found', () => {
    // 'posix' memoised as 0 and dropped, 'system' as 1; both fetched again, then STACK_GLOBAL.
    const hidden = Buffer.concat([
      Buffer.from([0x80, 4, 0x8c, 5]),
      Buffer.from('posix'),
      Buffer.from([0x94, 0x30, 0x8c, 6]),
      Buffer.from('system'),
      Buffer.from([0x94, 0x30, 0x8c, 1, 0x61, 0x30, 0x68, 0, 0x68, 1, 0x93, 0x29, 0x52, 0x2e]),
    ])
    expect(() => read(hidden, 'm.pkl')).toThrow(/would call posix\.system/)
  })
})

describe('what is not whole or not right is told with its place', () => {
  const gguf = bytesOf('llama-q8.gguf')
  const tensors = bytesOf('lora-folder/adapter_model.safetensors')
  const changed = (bytes: Buffer, change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes)
    change(copy)
    return copy
  }
  test.each<[string, Buffer, string, RegExp]>([
    [
      'a GGUF of version 1',
      changed(gguf, (copy) => copy.writeUInt32LE(1, 4)),
      'm.gguf',
      /at byte 4: expected version 2 or 3, found version 1, which was given up/,
    ],
    [
      'a big-endian GGUF',
      changed(gguf, (copy) => copy.writeUInt32BE(3, 4)),
      'm.gguf',
      /at byte 4: .*big-endian/,
    ],
    [
      'a GGUF with too many tensors',
      changed(gguf, (copy) => copy.writeBigUInt64LE(2n ** 40n, 8)),
      'm.gguf',
      /at byte 8: expected at most 200000 tensors, found 1099511627776/,
    ],
    [
      'a GGUF cut off in its weights',
      gguf.subarray(0, -1),
      'm.gguf',
      /expected weights up to byte \d+, found the end of the file/,
    ],
    ['a GGUF cut off in its header', gguf.subarray(0, 100), 'm.gguf', /at byte \d+: expected/],
    [
      'a safetensors with a header beyond the file',
      changed(tensors, (copy) => copy.writeBigUInt64LE(2n ** 50n)),
      'm.safetensors',
      /at byte 0: expected a header of 1 to 8688 bytes, found the length 1125899906842624/,
    ],
    [
      'a safetensors cut off in its numbers',
      tensors.subarray(0, -4),
      'm.safetensors',
      /expected numbers of ".*" up to 8192, found the end of the file after 8188/,
    ],
    [
      'a safetensors whose shape lies',
      Buffer.from(tensors.toString('latin1').replace('[8,64]', '[9,64]'), 'latin1'),
      'm.safetensors',
      /2304 bytes for F32 \[9,64\]/,
    ],
    [
      'a zip cut off',
      bytesOf('script.pt').subarray(0, -30),
      'm.pt',
      /expected the end of a zip directory, found none; the file may be cut off/,
    ],
    [
      'a LightGBM file cut off',
      bytesOf('iris.lgb.txt').subarray(0, 200),
      'm.txt',
      /expected an empty line after the head, found the end of the file/,
    ],
    [
      'an XGBoost file cut off',
      bytesOf('iris.xgb.json').subarray(0, -10),
      'm.json',
      /expected .*, found the end of the file/,
    ],
    ['JSON of something else', Buffer.from('{"hello": 1}'), 'm.json', /expected a "learner", found none/],
    ['nothing', Buffer.alloc(0), 'm.onnx', /at byte 0: expected a model file .* found an empty file/],
    [
      'a picture',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
      'm.png',
      /at byte 0: expected a model file .* found the bytes 89 50 4e 47/,
    ],
  ])('%s', (_, bytes, name, reason) => {
    expect(() => read(bytes, name)).toThrow(expect.objectContaining({ code: 'artifact_unreadable' }))
    expect(() => read(bytes, name)).toThrow(reason)
  })

  test('a shard that the index names and that is not there is told', () => {
    const folder = folderOf({
      'model.safetensors.index.json': JSON.stringify({
        weight_map: {
          a: 'model-00001-of-00002.safetensors',
          b: 'model-00002-of-00002.safetensors',
          c: '../outside.safetensors',
        },
      }),
      'model-00001-of-00002.safetensors': tensors,
    })
    expect(readArtifact(folder).notes).toEqual([
      expect.stringMatching(/^1 shards are missing: model-00002-of-00002/),
    ])
  })

  test('a folder of two models is refused', () => {
    expect(() => readArtifact(folderOf({ 'a.onnx': 'x', 'b.onnx': 'y' }))).toThrow(
      /expected one model, found a\.onnx, b\.onnx/,
    )
  })
})

describe('bounds', () => {
  test('of a file with large weights only the header is read', () => {
    const header = Buffer.from(
      JSON.stringify({ w: { dtype: 'F32', shape: [4_000_000], data_offsets: [0, 16_000_000] } }),
    )
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const folder = folderOf({ 'm.safetensors': Buffer.concat([length, header, Buffer.alloc(16_000_000)]) })
    const source = openSource(join(folder, 'm.safetensors'), 'm.safetensors')
    expect(factsOf(source).weightBytes).toBe(16_000_000)
    expect(source.readBytes()).toBeLessThan(200_000)
    source.close()
  })

  test('a header that outgrows its budget is refused', () => {
    const source = openSource(at('llama-q8.gguf'), 'm.gguf', 1000)
    expect(() => factsOf(source)).toThrow(/a header of at most 1000 bytes/)
    source.close()
  })

  test('JSON that nests without end is refused', () => {
    expect(() => read(Buffer.from(`{"learner":${'['.repeat(100_000)}`), 'm.json')).toThrow(
      /at most 64 levels/,
    )
  })
})

describe('changed files are read or refused, never a crash', () => {
  const names = readdirSync(files, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/tokenizer|index\.json|generation|fingerprint|variables|adapter_config/.test(path))

  test.each(names.map((path) => [path.slice(files.length + 1), path]))('%s', (name, path) => {
    const original = readFileSync(path)
    const random = seededRandom(20_261_125)
    const refused = Array.from({ length: 300 }, () => {
      try {
        read(mutate(original, random), name)
        return 0
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^artifact_(unreadable|unsafe)$/) })
        return 1
      }
    }).reduce((sum: number, one) => sum + one, 0)
    // Were every change read, the mutations would not reach the reader.
    expect(refused).toBeGreaterThan(20)
  })
})
