// docs/make-tables.ts: writes docs/tables.md from the definitions of the tables.
import { fileURLToPath } from 'node:url';
import { writeFileAtomically } from '../src/files/atomic.ts';
import { dictionary } from '../src/store/dictionary.ts';

await writeFileAtomically(fileURLToPath(new URL('./tables.md', import.meta.url)), dictionary());
