import type { Command, Option } from 'commander'

/** What may be typed after a command: made from the commands themselves, so that it cannot lag behind them. */
export interface WordTree {
  /** `change`, `change run`; empty for the program. */
  readonly path: string
  readonly commands: readonly Word[]
  /** Long and short names, those of the program included: they may stand anywhere. */
  readonly options: readonly OptionWord[]
  readonly arguments: readonly ArgumentKind[]
}

export interface Word {
  readonly word: string
  readonly says: string
}

export interface OptionWord extends Word {
  /** Undefined: the option takes no value. */
  readonly value: ArgumentKind | undefined
}

/** What to offer for an argument: names that control knows, files, given words, or nothing. */
export type ArgumentKind =
  | { readonly kind: 'names'; readonly of: NameKind }
  | { readonly kind: 'files' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'anything' }

export const nameKinds = ['models', 'versions', 'changes'] as const
export type NameKind = (typeof nameKinds)[number]

/** The program and every command below it, a group before its members. */
export function wordTrees(program: Command): WordTree[] {
  const everywhere = visibleOptions(program)
  const walk = (command: Command, path: string): WordTree[] => {
    const children = visibleCommands(command)
    const own = command === program ? everywhere : [...visibleOptions(command), ...everywhere]
    const tree = {
      path,
      commands: children.map((child) => ({ word: child.name(), says: child.description() })),
      options: own.filter(({ word }, index) => own.findIndex((one) => one.word === word) === index),
      arguments: command.registeredArguments.map((argument) =>
        kindOf(argument.name(), argument.argChoices ?? []),
      ),
    }
    return [tree, ...children.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))]
  }
  return walk(program, '')
}

function visibleCommands(command: Command): Command[] {
  const help = command.createHelp()
  return help.visibleCommands(command).filter((child) => command.commands.includes(child))
}

function visibleOptions(command: Command): OptionWord[] {
  const options: Option[] = command.createHelp().visibleOptions(command)
  return options.flatMap((option) => {
    const value =
      option.required || option.optional
        ? kindOf(/[<[](\w+)/.exec(option.flags)?.[1] ?? '', option.argChoices ?? wordsIn(option))
        : undefined
    return [option.long, option.short].flatMap((word) =>
      word == null ? [] : { word, says: option.description, value },
    )
  })
}

/** `--scope <scope...>` names its values in its description: predict, read, deploy. */
function wordsIn(option: Option): string[] {
  return option.variadic && /^[a-z]+(, [a-z]+)+$/.test(option.description)
    ? option.description.split(', ')
    : []
}

/** By the name of the placeholder, which is what people read too. */
function kindOf(name: string, choices: readonly string[]): ArgumentKind {
  if (choices.length > 0) return { kind: 'words', words: choices }
  if (name === 'model') return { kind: 'names', of: 'models' }
  if (name === 'version') return { kind: 'names', of: 'versions' }
  if (name === 'change') return { kind: 'names', of: 'changes' }
  if (['file', 'folder', 'bundle'].includes(name)) return { kind: 'files' }
  return { kind: 'anything' }
}
