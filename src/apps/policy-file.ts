import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultPolicy, type Policy, parsePolicy } from '../changes/index.ts'
import { SlipwayError } from '../kernel/index.ts'

/**
 * The policy that new changes are judged by: the file that was named, else `policy.yaml` of the data folder, else the one
 * that is built in. Throws `policy_invalid` with file, line and reason: a policy that cannot be read is no reason to use
 * another one.
 */
export function readPolicy(dataFolder: string, named: string | undefined): Policy {
  const path = named ?? join(dataFolder, 'policy.yaml')
  if (named === undefined && !existsSync(path)) return defaultPolicy
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = (error as Error).message
    throw new SlipwayError('policy_invalid', { file: path, reason }, { pointer: path, cause: error })
  }
  return parsePolicy(text, path)
}
