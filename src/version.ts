// version.ts: the package's version, for run records and --version.
import packageJson from '../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;
