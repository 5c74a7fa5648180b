// cli/packaged.ts: files that come with the package, from the sources in a checkout or from dist/. IO.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param path  relative to the package's folder; it must be there */
export const packaged = (path: string): string => [`../../${path}`, `../../../${path}`].map((each) => fileURLToPath(new URL(each, import.meta.url))).find(existsSync)!;
