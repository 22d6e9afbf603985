import type { ArgumentKind, WordTree } from './word-tree.ts'

/** For bash 3.2 and newer, without the bash-completion package. */
export function bashScript(trees: readonly WordTree[]): string {
  const cases = (line: (tree: WordTree) => string) => trees.map(line).filter((text) => text !== '')
  return `# Completion of slipway for bash: eval "$(slipway completion bash)"
_slipway() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' word skip=0 position=0 model='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((skip)); then skip=0; continue; fi
    case "$path|$word" in
${valued(trees)}
      *'|-'*) continue ;;
    esac
    case "\${path:+$path }$word" in
      ${trees
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) path="\${path:+$path }$word" ;;
      *) ((position == 0)) && model=$word; ((position++)) ;;
    esac
  done
  if ((skip)); then
    case "$path|$prev" in
${trees.flatMap((tree) => tree.options.flatMap(({ word, value }) => (value === undefined ? [] : `      ${quoted(`${tree.path}|${word}`)}) ${offer(value)} ;;`))).join('\n')}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    case "$path" in
${cases(({ path, options }) => `      ${quoted(path)}) ${words(options.map(({ word }) => word))} ;;`).join('\n')}
    esac
    return
  fi
  case "$path|$position" in
${cases(({ path, commands }) => (commands.length === 0 ? '' : `    ${quoted(`${path}|0`)}) ${words(commands.map(({ word }) => word))} ;;`)).join('\n')}
${trees.flatMap(({ path, arguments: kinds }) => kinds.map((kind, position) => `    ${quoted(`${path}|${position}`)}) ${offer(kind)} ;;`)).join('\n')}
  esac
}
complete -F _slipway slipway
`
}

/** Options whose next word is their value. */
function valued(trees: readonly WordTree[]): string {
  return trees
    .flatMap(({ path, options }) =>
      options
        .filter(({ value }) => value !== undefined)
        .map(({ word }) => `      ${quoted(`${path}|${word}`)}) skip=1; continue ;;`),
    )
    .join('\n')
}

function offer(kind: ArgumentKind): string {
  switch (kind.kind) {
    case 'words':
      return words(kind.words)
    case 'files':
      return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
    case 'names':
      return `COMPREPLY=($(compgen -W "$(slipway completion bash --names ${kind.of} --of "$model" 2>/dev/null)" -- "$cur"))`
    case 'anything':
      return ':'
  }
}

function words(list: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quoted(list.join(' '))} -- "$cur"))`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
