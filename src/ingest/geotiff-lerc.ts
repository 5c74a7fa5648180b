// ingest/geotiff-lerc.ts: LERC blocks of a TIFF to samples. Pure.
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import type { PixelArray } from '../types.ts';
import { samplesOf } from './geotiff-decode.ts';
import type { BlockLayout } from './geotiff-header.ts';

const DEFLATED = 1, ZSTD = 2;

/**
 * The codec of LERC blocks, packed once more or not.
 *
 * LERC keeps no NaN: where samples are floats its mask stands for them, and they come back as NaN, as in libtiff.
 *
 * @param parameters  the tag LercParameters: version, and what packs the block besides
 * @returns bytes of samples in the machine's order, pixel by pixel
 */
export function lercCodec({ planar, samples, sampleType }: BlockLayout, parameters: unknown): (bytes: Uint8Array) => Promise<Uint8Array> {
  const packing = (parameters as ArrayLike<number> | undefined)?.[1] ?? 0;
  return async (bytes) => {
    const { default: Lerc } = await import('lerc');
    const plain = packing === DEFLATED ? inflateSync(bytes) : packing === ZSTD ? zstdDecompressSync(bytes) : bytes;
    const { pixels, mask, bandMasks, width, height } = Lerc.decode(new Uint8Array(plain).buffer, { returnPixelInterleavedDims: !planar });
    const bands = pixels.length, out = bands === 1 ? pixels[0]! : samplesOf(sampleType, width * height * bands);
    for (let b = 0; bands > 1 && b < bands; b++) for (let i = 0, at = b; i < width * height; i++, at += bands) out[at] = pixels[b]![i]!;
    const masks = bandMasks ?? (mask ? [mask] : []), step = out.length / (width * height);
    if (sampleType.startsWith('float')) masks.forEach((valid, b) => voidsToNan(out, valid, step, masks.length === 1 ? step : 1, b));
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  };

  /** `width` samples of each pixel, from the `first`. */
  function voidsToNan(out: PixelArray, valid: Uint8Array, step: number, width: number, first: number): void {
    for (let i = 0; i < valid.length; i++) if (!valid[i]) out.fill(NaN, i * step + first, i * step + first + width);
  }
}
