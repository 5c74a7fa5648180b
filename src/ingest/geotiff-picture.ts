// ingest/geotiff-picture.ts: JPEG and WebP blocks of a TIFF to samples, through sharp. Pure.
import type { Sharp, SharpOptions } from 'sharp';

const SOI = 0xd8, EOI = 0xd9;

const hasMarker = (bytes: Uint8Array, at: number, marker: number): boolean => bytes[at] === 0xff && bytes[at + 1] === marker;

/**
 * A JPEG that stands by itself, from a block and the tables that the blocks of a TIFF share.
 *
 * Colours are declared in an Adobe marker, as the TIFF says them: a decoder would take three components for YCbCr.
 */
export function wholeJpeg(block: Uint8Array, tables: Uint8Array | null, isYcbcr: boolean): Uint8Array {
  const shared = tables ? tables.subarray(hasMarker(tables, 0, SOI) ? 2 : 0, hasMarker(tables, tables.length - 2, EOI) ? tables.length - 2 : tables.length) : new Uint8Array(0);
  const adobe = [0xff, SOI, 0xff, 0xee, 0, 14, ...new TextEncoder().encode('Adobe'), 0, 100, 0, 0, 0, 0, isYcbcr ? 1 : 0];
  const own = block.subarray(hasMarker(block, 0, SOI) ? 2 : 0), out = new Uint8Array(adobe.length + shared.length + own.length);
  out.set(adobe);
  out.set(shared, adobe.length);
  out.set(own, adobe.length + shared.length);
  return out;
}

let loading: Promise<(bytes: Uint8Array, options: SharpOptions) => Sharp> | null = null;

/** sharp, loaded when a file first needs it; it keeps no pixels of its own. */
function loadSharp(): Promise<(bytes: Uint8Array, options: SharpOptions) => Sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    return sharp;
  });
  return loading;
}

/** A picture of 8-bit samples, pixel by pixel. @throws when it is damaged or has other channels */
export async function decodePicture(bytes: Uint8Array, channels: 1 | 3 | 4): Promise<Uint8Array> {
  const picture = (await loadSharp())(bytes, { failOn: 'error', limitInputPixels: 2 ** 29 });
  const shaped = channels === 1 ? picture.toColourspace('b-w') : channels === 4 ? picture.ensureAlpha() : picture.removeAlpha();
  const { data, info } = await shaped.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new Error(`the picture has ${info.channels} channels, not ${channels}`);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
