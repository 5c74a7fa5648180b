// cli/completion/fish.ts: the completion script of fish. Pure.
import type { CommandWords, Expected, OptionWords } from '../completion.ts';

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function candidates(expected: Expected): string {
  if ('words' in expected) return `-f -a ${quoted(expected.words.join(' '))}`;
  if ('folders' in expected) return "-f -a '(__fish_complete_directories)'";
  return 'files' in expected ? '-F' : '-f';
}

function optionLine(name: string, { flags, description, value }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  return `complete -c understory -n '__fish_seen_subcommand_from ${name}' ${names} ${value === null ? '' : `-r ${candidates(value)} `}-d ${quoted(description)}`;
}

/** Place by place: fish counts the words before the cursor, options too, so later places are offered from their first on. */
function placeLines({ name, places, variadic }: CommandWords): string[] {
  return places.map((place, i) => {
    const there = `__fish_seen_subcommand_from ${name}; and test (__understory_place) ${i === places.length - 1 && variadic ? '-ge' : '-eq'} ${i}`;
    return `complete -c understory -n '${there}' ${candidates(place)}`;
  });
}

export const fishScript = (commands: readonly CommandWords[]): string => `# Completion of understory for fish: understory completion fish > ~/.config/fish/completions/understory.fish
# how many words stand before the cursor that are neither the command nor an option
function __understory_place
    set -l words (commandline -opc)
    set -l place 0
    for word in $words[3..]
        string match -q -- '-*' $word; or set place (math $place + 1)
    end
    echo $place
end
complete -c understory -f
${commands.map(({ name, description }) => `complete -c understory -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`).join('\n')}
${commands.flatMap((command) => [...command.options.map((option) => optionLine(command.name, option)), ...placeLines(command)]).join('\n')}
`;
