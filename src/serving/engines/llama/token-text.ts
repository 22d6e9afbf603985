import type { NativeModel } from './binding.ts'

/**
 * The bytes that a token stands for. One token may be a part of a character, so texts are put together from bytes.
 * Control tokens stand for nothing that a person reads.
 */
export class TokenBytes {
  readonly #model: NativeModel
  readonly #isByteLevel: boolean
  readonly #known = new Map<number, Uint8Array>()

  constructor(model: NativeModel) {
    this.#model = model
    this.#isByteLevel = model.getVocabularyType() === BYTE_PAIRS
  }

  of(token: number): Uint8Array {
    const known = this.#known.get(token)
    if (known !== undefined) return known
    const bytes = this.#read(token)
    this.#known.set(token, bytes)
    return bytes
  }

  #read(token: number): Uint8Array {
    const attributes = this.#model.getTokenAttributes(token)
    if ((attributes & (CONTROL | UNKNOWN)) !== 0) return NOTHING
    const piece = this.#model.getTokenString(token)
    if ((attributes & USER_DEFINED) !== 0) return encoder.encode(piece)
    if (this.#isByteLevel) return bytesOfPiece(piece)
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)?.[1]
    return hex === undefined
      ? encoder.encode(piece.replaceAll('▁', ' '))
      : Uint8Array.of(Number.parseInt(hex, 16))
  }
}

/** Whole characters out of the bytes of tokens. */
export class TextJoiner {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true })
  }

  /** What is left of a character that was cut off, as the replacement character. */
  end(): string {
    return this.#decoder.decode()
  }
}

/** `llama_vocab_type` and `llama_token_attr` of llama.h. */
const BYTE_PAIRS = 2
const UNKNOWN = 1
const CONTROL = 8
const USER_DEFINED = 16

const NOTHING = new Uint8Array(0)
const encoder = new TextEncoder()

/**
 * Byte-level vocabularies write each byte as a character one can see (GPT-2, `bytes_to_unicode`): printable Latin-1 as
 * itself, the other 68 bytes from U+0100 on.
 */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>()
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const isShown = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    map.set(String.fromCodePoint(isShown ? byte : next++), byte)
  }
  return map
})()

function bytesOfPiece(piece: string): Uint8Array {
  const bytes: number[] = []
  for (const character of piece) {
    const byte = byteOfCharacter.get(character)
    // A piece that is not written this way is text as it stands.
    if (byte === undefined) return encoder.encode(piece)
    bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}
