// geo/crs-wkt.ts: what a WKT text says of its CRS: kind, name, unit, code, and the vertical CRS beside it. Pure.

interface Node {
  keyword: string;
  values: (string | Node)[];
}

/** A CRS as a WKT names it. */
export interface WktCrs {
  name: string;
  epsg: number | null;
  /** metres in one unit of length; null for degrees or where none is given */
  unitToMetre: number | null;
}

export interface WktReading {
  horizontal: (WktCrs & { isProjected: boolean }) | null;
  /** `isUp` false: its axis points down, heights are depths */
  vertical: (WktCrs & { isUp: boolean }) | null;
}

const PROJECTED = new Set(['PROJCS', 'PROJCRS', 'PROJECTEDCRS']);
const GEOGRAPHIC = new Set(['GEOGCS', 'GEOGCRS', 'GEOGRAPHICCRS', 'GEODCRS', 'GEODETICCRS', 'GEOCCS']);
const VERTICAL = new Set(['VERT_CS', 'VERTCS', 'VERTCRS', 'VERTICALCRS']);
const WRAPPERS = new Set(['COMPD_CS', 'COMPOUNDCRS', 'BOUNDCRS', 'SOURCECRS']);
const MAX_DEPTH = 40; // deeper than any CRS

/** Read WKT 1 (GDAL and ESRI) or WKT 2; null for a text that is none. */
export function readWkt(text: string): WktReading | null {
  const root = parse(text.match(/"(?:[^"]|"")*"|[[\](),]|[^\s"[\](),]+/g) ?? []);
  if (root === null) return null;
  const projected = find(root, PROJECTED), horizontal = projected ?? find(root, GEOGRAPHIC), vertical = find(root, VERTICAL);
  return {
    horizontal: horizontal && { ...describe(horizontal), unitToMetre: projected ? unitOf(projected) : null, isProjected: projected !== null },
    vertical: vertical && { ...describe(vertical), isUp: !pointsDown(vertical) },
  };
}

/** KEYWORD[value, value ...] with square or round brackets. */
function parse(tokens: string[]): Node | null {
  let next = 0;
  function node(depth: number): Node | null {
    const keyword = tokens[next++], open = tokens[next++];
    if (keyword === undefined || !/^[A-Za-z]\w*$/.test(keyword) || (open !== '[' && open !== '(') || depth > MAX_DEPTH) return null;
    const values: Node['values'] = [];
    for (;;) {
      const value = /^[[(]$/.test(tokens[next + 1] ?? '') ? node(depth + 1) : plain(tokens[next++]);
      if (value === null) return null;
      values.push(value);
      const separator = tokens[next++];
      if (separator === ']' || separator === ')') return { keyword: keyword.toUpperCase(), values };
      if (separator !== ',') return null;
    }
  }
  return node(0);
}

function plain(token: string | undefined): string | null {
  if (token === undefined || /^[[\](),]$/.test(token)) return null;
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
}

const children = (node: Node): Node[] => node.values.filter((value): value is Node => typeof value !== 'string');

function find(node: Node, keywords: ReadonlySet<string>): Node | null {
  if (keywords.has(node.keyword)) return node;
  if (!WRAPPERS.has(node.keyword)) return null;
  for (const child of children(node)) {
    const found = find(child, keywords);
    if (found) return found;
  }
  return null;
}

const describe = (node: Node): WktCrs => ({ name: typeof node.values[0] === 'string' ? node.values[0] : '', epsg: codeOf(node), unitToMetre: unitOf(node) });

/** The node's own code: that of its datum, base or projection says nothing about it. */
function codeOf(node: Node): number | null {
  for (const { keyword, values } of children(node)) {
    if (keyword !== 'AUTHORITY' && keyword !== 'ID') continue;
    const [authority, code] = values;
    if (typeof authority === 'string' && authority.toUpperCase() === 'EPSG' && typeof code === 'string' && /^\d+$/.test(code)) return Number(code);
  }
  return null;
}

const pointsDown = (node: Node): boolean => children(node).some(({ keyword, values }) => keyword === 'AXIS' && typeof values[1] === 'string' && values[1].toUpperCase() === 'DOWN');

/** The node's own unit of length: UNIT of WKT 1, LENGTHUNIT of WKT 2, there also within the axes. */
function unitOf(node: Node): number | null {
  for (const child of children(node)) {
    const unit = child.keyword === 'UNIT' || child.keyword === 'LENGTHUNIT' ? child : child.keyword === 'AXIS' ? children(child).find(({ keyword }) => keyword === 'LENGTHUNIT' || keyword === 'UNIT') : undefined;
    const factor = unit && Number(unit.values[1]);
    if (factor !== undefined && Number.isFinite(factor)) return factor;
  }
  return null;
}
