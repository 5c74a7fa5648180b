// files/exists.ts: whether a file or folder is there. IO.
import { access } from 'node:fs/promises';

/** True where something is at a path, or a link leads there, that this process may reach. */
export const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
