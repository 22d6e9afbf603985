import type { ArgumentKind, WordTree } from './word-tree.ts'

export function fishScript(trees: readonly WordTree[]): string {
  const paths = trees.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  const valued = trees.flatMap(({ path, options }) =>
    options.filter(({ value }) => value !== undefined).map(({ word }) => quoted(`${path}|${word}`)),
  )
  return `# Completion of slipway for fish: slipway completion fish | source
set -g __slipway_commands ${paths.join(' ')}
set -g __slipway_valued ${valued.join(' ')}

# The command that was typed so far, the number of its arguments after it, and the first of them; one a line.
function __slipway_typed
    set -l path ''
    set -l position 0
    set -l first ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
        else if contains -- "$path|$word" $__slipway_valued
            set skip 1
        else if not string match -q -- '-*' $word
            if contains -- (string trim "$path $word") $__slipway_commands
                set path (string trim "$path $word")
            else
                test $position -eq 0; and set first $word
                set position (math $position + 1)
            end
        end
    end
    printf '%s\\n' "$path" $position "$first"
end
function __slipway_at
    set -l typed (__slipway_typed)
    test "$typed[1]" = "$argv[1]"; and begin
        test (count $argv) -eq 1; or test "$typed[2]" = "$argv[2]"
    end
end
function __slipway_names
    slipway completion fish --names $argv[1] --of (__slipway_typed)[3] 2>/dev/null
end

complete -c slipway -f
${trees.map(linesOf).join('\n')}
`
}

function linesOf({ path, commands, options, arguments: kinds }: WordTree): string {
  const at = `complete -c slipway -n ${quoted(`__slipway_at ${quoted(path)}`)}`
  const nth = (position: number) =>
    `complete -c slipway -n ${quoted(`__slipway_at ${quoted(path)} ${position}`)}`
  return [
    ...commands.map(({ word, says }) => `${nth(0)} -a ${word} -d ${quoted(says)}`),
    ...kinds.flatMap((kind, position) => (kind.kind === 'anything' ? [] : `${nth(position)} ${offer(kind)}`)),
    ...options.map(({ word, says, value }) => {
      const name = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`
      const takes = value === undefined ? '' : ` -r ${offer(value)}`.trimEnd()
      return `${at} ${name}${takes} -d ${quoted(says)}`
    }),
  ].join('\n')
}

function offer(kind: ArgumentKind): string {
  switch (kind.kind) {
    case 'words':
      return `-a ${quoted(kind.words.join(' '))}`
    case 'files':
      return '-F'
    case 'names':
      return `-a '(__slipway_names ${kind.of})'`
    case 'anything':
      return ''
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
