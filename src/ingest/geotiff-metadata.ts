// ingest/geotiff-metadata.ts: what GDAL keeps in a TIFF beside the pixels: names, units, scale and offset of bands. Pure.

/** What a file says of one band. */
export interface BandFacts {
  name: string | null;
  /** of its values: `m`, `ft` ... */
  unit: string | null;
  /** value = pixel x scale + offset; 1 and 0 where nothing is said */
  scale: number;
  offset: number;
}

const ITEM = /<Item\b([^>]*)>([^<]*)<\/Item>/g, ATTRIBUTE = /(\w+)="([^"]*)"/g;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescapeXml = (text: string): string => text.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);

/** Facts of `samples` bands, from the text of tag 42112; a text that is no such XML says nothing. */
export function bandFacts(xml: string, samples: number): BandFacts[] {
  const facts = Array.from({ length: samples }, (): BandFacts => ({ name: null, unit: null, scale: 1, offset: 0 }));
  for (const [, attributes, text] of xml.matchAll(ITEM)) {
    const named = new Map(Array.from(attributes!.matchAll(ATTRIBUTE), ([, key, value]) => [key!, value!] as const));
    const fact = facts[Number(named.get('sample') ?? NaN)], value = unescapeXml(unescapeXml(text!)).trim(), number = Number(value);
    if (!fact || value === '') continue;
    const role = named.get('role');
    if (role === 'description') fact.name = value;
    else if (role === 'unittype') fact.unit = value;
    else if (role === 'scale' && Number.isFinite(number)) fact.scale = number;
    else if (role === 'offset' && Number.isFinite(number)) fact.offset = number;
  }
  return facts;
}
