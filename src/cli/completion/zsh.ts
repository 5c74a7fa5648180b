// cli/completion/zsh.ts: the completion script of zsh. Pure.
import type { CommandWords, Expected, OptionWords } from '../completion.ts';

/** A text between single quotes in an _arguments spec, where : and brackets have a meaning. */
const plain = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');

function action(expected: Expected): string {
  if ('words' in expected) return `(${expected.words.join(' ')})`;
  if ('folders' in expected) return '_files -/';
  if ('files' in expected) return expected.files.length === 0 ? '_files' : `_files -g "*.(${expected.files.join('|')})(-.)"`;
  return ' ';
}

function optionSpec({ flags, description, value }: OptionWords): string {
  const group = flags.length > 1 ? `'(${flags.join(' ')})'{${flags.join(',')}}` : flags[0]!;
  return `${group}'[${plain(description)}]${value === null ? '' : `:value:${action(value)}`}'`;
}

function commandCase({ name, options, places, variadic }: CommandWords): string {
  const specs = [...options.map(optionSpec), ...places.map((place, i) => `'${i === places.length - 1 && variadic ? '*' : i + 1}:argument:${action(place)}'`)];
  return `    ${name})\n      _arguments -s ${specs.join(' \\\n        ')} ;;`;
}

export const zshScript = (commands: readonly CommandWords[]): string => `#compdef understory
# Completion of understory for zsh: source <(understory completion zsh) after compinit, or save it as _understory in a folder of $fpath
_understory() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    '${name}:${plain(description)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _understory ]]; then _understory "$@"; else compdef _understory understory; fi
`;
