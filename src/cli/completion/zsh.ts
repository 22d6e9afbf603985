import type { ArgumentKind, Word, WordTree } from './word-tree.ts'

/** Sourced after compinit, or as a file \`_slipway\` in a folder of fpath. */
export function zshScript(trees: readonly WordTree[]): string {
  return `#compdef slipway
# Completion of slipway for zsh: eval "$(slipway completion zsh)" after compinit
_slipway() {
  emulate -L zsh
  local at='' word model=''
  integer i skip=0 position=0
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if ((skip)); then skip=0; continue; fi
    case "$at|$word" in
${trees
  .flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .map(({ word }) => `      (${quoted(`${path}|${word}`)}) skip=1; continue ;;`),
  )
  .join('\n')}
      (*'|-'*) continue ;;
    esac
    case "\${at:+$at }$word" in
      (${trees
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at="\${at:+$at }$word" ;;
      (*) ((position == 0)) && model=$word; ((position += 1)) ;;
    esac
  done
  if ((skip)); then
    case "$at|$words[CURRENT-1]" in
${trees
  .flatMap(({ path, options }) =>
    options.flatMap(({ word, value }) =>
      value === undefined ? [] : `      (${quoted(`${path}|${word}`)}) ${offer(value)} ;;`,
    ),
  )
  .join('\n')}
    esac
    return
  fi
  if [[ $words[CURRENT] == -* ]]; then
    case "$at" in
${trees.map(({ path, options }) => `      (${quoted(path)}) ${described(options, 'option')} ;;`).join('\n')}
    esac
    return
  fi
  case "$at|$position" in
${trees
  .filter(({ commands }) => commands.length > 0)
  .map(({ path, commands }) => `    (${quoted(`${path}|0`)}) ${described(commands, 'command')} ;;`)
  .join('\n')}
${trees
  .flatMap(({ path, arguments: kinds }) =>
    kinds.map((kind, position) => `    (${quoted(`${path}|${position}`)}) ${offer(kind)} ;;`),
  )
  .join('\n')}
  esac
}
if [[ $funcstack[1] == _slipway ]]; then _slipway "$@"; else compdef _slipway slipway; fi
`
}

function offer(kind: ArgumentKind): string {
  switch (kind.kind) {
    case 'words':
      return `compadd -- ${kind.words.map(quoted).join(' ')}`
    case 'files':
      return '_files'
    case 'names':
      return `compadd -- \${(f)"$(slipway completion zsh --names ${kind.of} --of "$model" 2>/dev/null)"}`
    case 'anything':
      return ':'
  }
}

function described(words: readonly Word[], what: string): string {
  const list = words.map(({ word, says }) => quoted(`${word.replaceAll(':', '\\:')}:${says}`))
  return `found=(${list.join(' ')}); _describe -t ${what}s ${what} found`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
