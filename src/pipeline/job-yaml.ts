// pipeline/job-yaml.ts: a job file's text as a record that knows its lines, or what is wrong with its YAML and where. Pure.
import type { Document, YAMLError } from 'yaml';
import { LineCounter, isAlias, isMap, isNode, parseDocument, visit } from 'yaml';
import { UsageError, messageOf } from '../errors.ts';

export interface JobRecord {
  data: unknown;
  /** line of the deepest key of a path that the file has */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A key is repeated by its anchor this often at most: more is an attack, or a mistake. */
const MAX_ALIASES = 100;

/** @throws {UsageError} naming the line of what is no YAML, or no job file */
export function parseJobYaml(path: string, text: string): JobRecord {
  const fail = (line: number, message: string): never => {
    throw new UsageError(`${path}:${line}: ${message}`, { source: path, line });
  };
  if (text.includes('\0') || text.startsWith('PK\u0003')) fail(1, `this is no text${text.startsWith('PK') ? ' but a zip archive' : ''}; a job file is YAML in UTF-8: \`understory init DIR\` writes one for a folder of data`);
  const lines = new LineCounter(), document = parseDocument(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const [broken] = [...document.errors, ...document.warnings];
  if (broken) fail(at(broken.pos[0]), `not valid YAML: ${yamlFault(broken)}`);
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined) fail(at(alias.range?.[0] ?? 0), `*${alias.source}: a text that begins with * is an alias in YAML; put it between quotes: "*${alias.source}"`);
    },
  });
  try {
    const data: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { data, lineOf: (keys) => lineOf(document, at, keys) };
  } catch (error) {
    return fail(1, `its anchors and aliases cannot be followed (${lowerFirst(messageOf(error))}); write the values out`);
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** YAML's own faults in the words of who writes a job file. */
function yamlFault({ code, message }: YAMLError): string {
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; use blanks';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here with ---; one job file is one survey: write another file for another';
  if (code === 'DUPLICATE_KEY') return 'map keys must be unique: this key stands twice; remove one';
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return 'a key and its value stand behind another key on one line; put the inner ones on lines of their own, indented, or between { }';
  if (code === 'TAG_RESOLVE_FAILED') return `${lowerFirst(message)}; a job file has no tags (!), remove it`;
  return `${lowerFirst(message)}${/flow (sequence|map)/i.test(message) ? '; is a bracket or a comma missing before?' : ''}`;
}

function lineOf(document: Document, at: (offset: number) => number, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = resolved(document, depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true)), last = path[depth - 1];
    if (isMap(parent)) {
      const key = parent.items.find((pair) => String(pair.key) === String(last))?.key;
      if (isNode(key) && key.range) return at(key.range[0]);
    }
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return at(node.range[0]);
  }
  return 1;
}

const resolved = (document: Document, node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
