// docs/make-commands.ts: writes docs/commands.md from the tree of commands.
import { fileURLToPath } from 'node:url';
import { commandDocs } from '../src/cli/command-docs.ts';
import { makeProgram } from '../src/cli/program.ts';
import { writeFileAtomically } from '../src/files/atomic.ts';

await writeFileAtomically(fileURLToPath(new URL('./commands.md', import.meta.url)), commandDocs(makeProgram()));
