/** How many questions of one scope are remembered, and of all scopes together. */
const MAX_PER_SCOPE = 2000
const MAX_QUESTIONS = 20_000

interface Question {
  readonly vector: Float32Array
  /** Where its answer is in the store. */
  readonly key: string
}

/** Questions as unit vectors; the nearest by cosine is found by looking at all of its scope, which is small. */
export class SemanticIndex {
  readonly #scopes = new Map<string, Question[]>()
  #count = 0

  add(scope: string, vector: readonly number[], key: string): void {
    const unit = normalised(vector)
    if (unit === undefined) return
    const questions = this.#scopes.get(scope) ?? []
    this.#scopes.delete(scope)
    this.#scopes.set(scope, questions)
    if (questions.length >= MAX_PER_SCOPE) {
      questions.shift()
      this.#count--
    }
    questions.push({ vector: unit, key })
    this.#count++
    for (const [oldest, held] of this.#scopes) {
      if (this.#count <= MAX_QUESTIONS) break
      this.#scopes.delete(oldest)
      this.#count -= held.length
    }
  }

  nearest(scope: string, vector: readonly number[]): { key: string; similarity: number } | undefined {
    const unit = normalised(vector)
    if (unit === undefined) return undefined
    let best: { key: string; similarity: number } | undefined
    for (const question of this.#scopes.get(scope) ?? []) {
      if (question.vector.length !== unit.length) continue
      const similarity = dot(question.vector, unit)
      if (best === undefined || similarity > best.similarity) best = { key: question.key, similarity }
    }
    return best
  }

  /** The answer is gone, or was wrong for others. */
  forget(scope: string, key: string): void {
    const questions = this.#scopes.get(scope)
    if (questions === undefined) return
    const kept = questions.filter((question) => question.key !== key)
    this.#count -= questions.length - kept.length
    this.#scopes.set(scope, kept)
  }
}

export function cosine(left: readonly number[], right: readonly number[]): number {
  const [a, b] = [normalised(left), normalised(right)]
  return a === undefined || b === undefined || a.length !== b.length ? 0 : dot(a, b)
}

function normalised(vector: readonly number[]): Float32Array | undefined {
  let square = 0
  for (const value of vector) square += value * value
  if (!(square > 0) || !Number.isFinite(square)) return undefined
  const scale = 1 / Math.sqrt(square)
  return Float32Array.from(vector, (value) => value * scale)
}

function dot(left: Float32Array, right: Float32Array): number {
  let sum = 0
  for (let index = 0; index < left.length; index++) sum += (left[index] as number) * (right[index] as number)
  return sum
}
