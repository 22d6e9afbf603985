import type { ByteSource } from '../byte-source.ts'
import { isObject, member, textAt } from '../json.ts'
import { type ModelFacts, noFacts } from '../model-facts.ts'
import { Unreadable } from '../unreadable.ts'
import type { Skimmed } from './skim.ts'
import { skimJson } from './skim-json.ts'
import { looksLikeUbj, skimUbj } from './skim-ubj.ts'

/** Trees may be gigabytes; the parameters stand behind them, so they are passed over and not kept. */
const SKIPPED = /^learner\.gradient_booster(\.gbtree)?\.model\.(trees|tree_info|weights|cats)$/
const MOST_NAMES = 4096

/** An XGBoost model as JSON or UBJ (doc/model.schema of the project). Throws `Unreadable`. */
export function xgboostFacts(source: ByteSource): ModelFacts {
  const skips = (path: string) => SKIPPED.test(path)
  const model: Skimmed = looksLikeUbj(source.bytes(0, Math.min(2, source.sizeBytes)))
    ? skimUbj(source, skips)
    : skimJson(source, skips)
  const learner = member(model, 'learner')
  if (!isObject(learner)) throw new Unreadable(0, 'a "learner"', 'none, so this is no XGBoost model')
  const booster = member(learner, 'gradient_booster')
  const parameters = member(learner, 'learner_model_param')
  const trees = member(member(member(booster, 'gbtree') ?? booster, 'model'), 'gbtree_model_param')
  const version = member(model, 'version')
  const names = member(learner, 'feature_names')
  return {
    ...noFacts('xgboost'),
    architecture: textAt(booster, 'name'),
    name: Array.isArray(version) ? `xgboost ${version.slice(0, 4).join('.')}` : null,
    table: {
      trees: countAt(trees, 'num_trees'),
      features: countAt(parameters, 'num_feature'),
      featureNames: Array.isArray(names) ? names.slice(0, MOST_NAMES).map(String) : [],
      classes: countAt(parameters, 'num_class'),
      objective: textAt(member(learner, 'objective'), 'name'),
    },
  }
}

/** XGBoost writes its numbers as texts. */
function countAt(value: unknown, key: string): number | null {
  const count = Number(textAt(value, key) ?? Number.NaN)
  return Number.isSafeInteger(count) && count >= 0 ? count : null
}
