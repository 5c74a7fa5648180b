// cli/completion/bash.ts: the completion script of bash 4 and later. Pure.
import type { CommandWords, Expected } from '../completion.ts';

/** Fills COMPREPLY with what is expected in a place. */
function reply(expected: Expected): string {
  if ('words' in expected) return `_understory_words '${expected.words.join(' ')}'`;
  if ('folders' in expected) return '_understory_files -d';
  if ('files' in expected) return expected.files.length === 0 ? '_understory_files -f' : `_understory_files -f '${expected.files.join('|')}'`;
  return 'COMPREPLY=()';
}

function valueCases({ options }: CommandWords): string {
  return options.flatMap(({ flags, value }) => (value === null ? [] : [`        ${flags.join('|')}) ${reply(value)}; return ;;`])).join('\n');
}

function placeCases({ places, variadic }: CommandWords): string {
  return places.map((place, i) => `        ${i === places.length - 1 && variadic ? '*' : i}) ${reply(place)} ;;`).join('\n');
}

function commandCase(command: CommandWords): string {
  const values = valueCases(command), places = placeCases(command), taking = command.options.flatMap(({ flags, value }) => (value === null ? [] : flags));
  return `    ${command.name})
      case "$before" in
${values === '' ? '        *) ;;' : values}
      esac
      if [[ "$current" == -* ]]; then _understory_words '${command.options.flatMap(({ flags }) => flags).join(' ')} --help'; return; fi
      _understory_place '${taking.join(' ')}'
      case "$place" in
${places === '' ? '        *) COMPREPLY=() ;;' : places}
      esac ;;`;
}

/** A function that looks for the command among the words, then answers for the place where the cursor is. */
export const bashScript = (commands: readonly CommandWords[]): string => `# Completion of understory for bash: source <(understory completion bash)
_understory_words() {
  local IFS=' ' words="$1"
  if [[ $split == 1 ]]; then words="\${words//@/}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

# -f or -d, and the endings that files may have; folders always, to go on into them
_understory_files() {
  local IFS=$'\\n' path
  COMPREPLY=()
  while read -r path; do
    if [[ "$1" == -d || -d "$path" || -z "$2" || "$path" =~ \\.($2)$ ]]; then COMPREPLY+=("$path"); fi
  done < <(compgen "$1" -- "$current")
  compopt -o filenames 2>/dev/null
}

# how many words stand between the command and here that are no options and no values of them
_understory_place() {
  local i word
  place=0
  for ((i = start + 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ " $1 " == *" $word "* ]]; then ((i++)); elif [[ "$word" != -* && "$word" != @ ]]; then ((place++)); fi
  done
}

_understory() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" start=1 place split=0
  # bash breaks words at an @: @sta comes as two
  if [[ "$COMP_WORDBREAKS" == *@* ]]; then
    if [[ "$current" == @ ]]; then split=1 current=''; elif [[ "$before" == @ ]]; then split=1; fi
  fi
  while [[ $start -lt $COMP_CWORD && "\${COMP_WORDS[start]}" == -* ]]; do ((start++)); done
  if [[ $start -ge $COMP_CWORD ]]; then
    if [[ "$current" == -* ]]; then _understory_words '--json --verbose --version --help'; else _understory_words '${commands.map(({ name }) => name).join(' ')} help'; fi
    return
  fi
  case "\${COMP_WORDS[start]}" in
${commands.map(commandCase).join('\n')}
    help) _understory_words '${commands.map(({ name }) => name).join(' ')}' ;;
  esac
}
complete -F _understory understory
`;
