#!/usr/bin/env node
// The way in: the sources in a checkout, the built files in an installed package (Node strips no types under node_modules).
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`understory needs Node 22.18 or newer, this is ${process.versions.node}. In a checkout, start it with \`npx understory\`, which brings its own.`);
  process.exit(2);
}
const built = new URL('../dist/src/cli/main.js', import.meta.url);
const installed = fileURLToPath(import.meta.url).includes('node_modules') || !existsSync(new URL('../src/cli/main.ts', import.meta.url));
await import(installed ? built.href : new URL('../src/cli/main.ts', import.meta.url).href);
