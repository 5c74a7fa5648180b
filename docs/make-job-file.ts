// docs/make-job-file.ts: writes docs/job-file.md from the schema of the job file.
import { fileURLToPath } from 'node:url';
import { jobFileDocs } from '../src/cli/job-file-docs.ts';
import { writeFileAtomically } from '../src/files/atomic.ts';

await writeFileAtomically(fileURLToPath(new URL('./job-file.md', import.meta.url)), jobFileDocs());
