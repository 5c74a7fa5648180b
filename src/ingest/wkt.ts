// ingest/wkt.ts: the brackets of a WKT text as a tree, and the EPSG codes that it names. Pure.

/** KEYWORD[value, value ...]: values are texts, numbers as text, and nodes. */
export interface WktNode {
  keyword: string;
  values: (string | WktNode)[];
}

/** Deeper than any CRS; a guard against a text of brackets. */
const MAX_DEPTH = 40;

/** Parse WKT 1 or 2; null for a text that is none. Brackets may be square or round; a quote inside a text is doubled. */
export function parseWkt(text: string): WktNode | null {
  const tokens = text.match(/"(?:[^"]|"")*"|[[\](),]|[^\s"[\](),]+/g) ?? [];
  let next = 0;
  const isOpen = (token: string | undefined): boolean => token === '[' || token === '(';
  const isClose = (token: string | undefined): boolean => token === ']' || token === ')';

  function node(depth: number): WktNode | null {
    const keyword = tokens[next++];
    if (keyword === undefined || !/^[A-Za-z_]\w*$/.test(keyword) || !isOpen(tokens[next++]) || depth > MAX_DEPTH) return null;
    const values: WktNode['values'] = [];
    for (;;) {
      const value = isOpen(tokens[next + 1]) ? node(depth + 1) : plain(tokens[next++]);
      if (value === null) return null;
      values.push(value);
      const separator = tokens[next++];
      if (isClose(separator)) return { keyword: keyword.toUpperCase(), values };
      if (separator !== ',') return null;
    }
  }
  return node(0);
}

function plain(token: string | undefined): string | null {
  if (token === undefined || /^[[\](),]$/.test(token)) return null;
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}

const HORIZONTAL = new Set(['PROJCS', 'PROJCRS', 'PROJECTEDCRS', 'GEOGCS', 'GEOGCRS', 'GEOGRAPHICCRS', 'GEODCRS', 'GEODETICCRS', 'GEOCCS']);
const VERTICAL = new Set(['VERT_CS', 'VERTCS', 'VERTCRS', 'VERTICALCRS']);
/** What may stand around the two: compound CRS, and bound CRS with its source. */
const WRAPPERS = new Set(['COMPD_CS', 'COMPOUNDCRS', 'BOUNDCRS', 'SOURCECRS']);

/**
 * EPSG codes that a WKT gives to its horizontal and its vertical CRS (AUTHORITY of WKT 1, ID of WKT 2).
 * Only the node's own code counts: the code of its datum, its base or its projection says nothing about it.
 */
export function epsgOfWkt(root: WktNode | null): { epsg: number | null; verticalEpsg: number | null } {
  return { epsg: ownCode(find(root, HORIZONTAL)), verticalEpsg: ownCode(find(root, VERTICAL)) };
}

function find(node: WktNode | null, keywords: ReadonlySet<string>): WktNode | null {
  if (node === null || keywords.has(node.keyword)) return node;
  if (!WRAPPERS.has(node.keyword)) return null;
  for (const value of node.values) {
    const found = typeof value === 'string' ? null : find(value, keywords);
    if (found) return found;
  }
  return null;
}

function ownCode(node: WktNode | null): number | null {
  for (const value of node?.values ?? []) {
    if (typeof value === 'string' || (value.keyword !== 'AUTHORITY' && value.keyword !== 'ID')) continue;
    const [authority, code] = value.values;
    if (typeof authority === 'string' && authority.toUpperCase() === 'EPSG' && typeof code === 'string' && /^\d+$/.test(code)) return Number(code);
  }
  return null;
}
