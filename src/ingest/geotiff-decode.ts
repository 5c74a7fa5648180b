// ingest/geotiff-decode.ts: the bytes of one TIFF block to samples: codec, byte order, predictor, bits. Pure.
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { getDecoder } from 'geotiff';
import { UnsupportedInput } from '../errors.ts';
import type { PixelArray } from '../types.ts';
import { YCBCR } from './geotiff-header.ts';
import type { BlockLayout, SampleType } from './geotiff-header.ts';
import { lercCodec } from './geotiff-lerc.ts';
import { decodeLzw } from './geotiff-lzw.ts';
import { decodePicture, wholeJpeg } from './geotiff-picture.ts';
import { setBandsApart, undoFloatPredictor } from './geotiff-predict.ts';

/** Bytes of a block to bytes of its samples; `size` is how many there should be. */
export type Codec = (bytes: Uint8Array, size: number) => Uint8Array | Promise<Uint8Array>;

const NONE = 1, LZW = 5, JPEG = 7, DEFLATE = 8, DEFLATE_OLD = 32946, PACKBITS = 32773, LERC = 34887, ZSTD = 50000, WEBP = 50001;

// A chunk as large as the result: one buffer instead of many that are joined. One byte more shows data beyond the block.
const inflate: Codec = (bytes, size) => inflateSync(bytes, { chunkSize: Math.max(64, size + 1) });

const own = new Map<number, Codec>([
  [NONE, (bytes) => (bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice())], // a part of something larger is not ours to change or to keep
  [DEFLATE, inflate],
  [DEFLATE_OLD, inflate],
  [ZSTD, (bytes, size) => zstdDecompressSync(bytes, { chunkSize: Math.max(64, size + 1) })],
  [LZW, (bytes, size) => {
    if (bytes[0] === 0 && ((bytes[1] ?? 0) & 1) === 1) throw new UnsupportedInput('its LZW is of the old kind, with bits the other way round; convert it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES'); // told as libtiff does
    return decodeLzw(bytes, size);
  }],
]);

/** Tags that a codec of the library needs. */
export interface CodecTags {
  jpegTables: unknown;
  lercParameters: unknown;
}

/** Of 8-bit pictures of 1, 3 or 4 samples; null for others. */
function pictureCodec({ compression, planar, samples, bits, photometric }: BlockLayout, jpegTables: unknown): Codec | null {
  const channels = planar ? 1 : samples;
  if (compression === WEBP && bits === 8 && (channels === 3 || channels === 4)) return (bytes) => decodePicture(bytes, channels);
  if (compression !== JPEG || bits !== 8 || (channels !== 1 && channels !== 3)) return null;
  const tables = ArrayBuffer.isView(jpegTables) ? new Uint8Array(jpegTables.buffer, jpegTables.byteOffset, jpegTables.byteLength) : Array.isArray(jpegTables) ? Uint8Array.from(jpegTables as number[]) : null;
  return (bytes) => decodePicture(wholeJpeg(bytes, tables, photometric === YCBCR), channels);
}

/**
 * The codec of a layout: node:zlib for deflate and zstd, our own for LZW (the library's takes many times as long on flat pictures), sharp for pictures (libjpeg-turbo and libwebp, as in GDAL), the library's for the others.
 *
 * @returns null for a compression that is not read
 */
export async function codecFor(layout: BlockLayout, { jpegTables, lercParameters }: CodecTags): Promise<Codec | null> {
  const { compression, blockWidth, blockHeight, planar, samples, bits } = layout;
  const codec = own.get(compression) ?? pictureCodec(layout, jpegTables);
  if (codec) return codec;
  if (compression === LERC) return lercCodec(layout, lercParameters);
  if (![JPEG, PACKBITS].includes(compression)) return null;
  // predictor 1: byte order comes before the predictor, so both are undone here
  const parameters = {
    tileWidth: blockWidth, tileHeight: blockHeight, planarConfiguration: planar ? 2 : 1, predictor: 1,
    bitsPerSample: new Array<number>(planar ? 1 : samples).fill(bits), JPEGTables: jpegTables,
  };
  const decoder = await getDecoder(compression, parameters);
  return async (bytes) => new Uint8Array(await decoder.decode(new Uint8Array(bytes).buffer));
}

interface ArrayMaker {
  new (length: number): PixelArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): PixelArray;
}
const ARRAYS: Record<SampleType, ArrayMaker> = {
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, float32: Float32Array, float64: Float64Array,
};

/** An array of a sample type, all zero. */
export const samplesOf = (type: SampleType, length: number): PixelArray => new ARRAYS[type](length);

/** Bytes of one row of a block in the file: rows of packed bits end at a byte. */
export const rowBytes = ({ blockWidth, planar, samples, bits }: BlockLayout): number => Math.ceil((blockWidth * (planar ? 1 : samples) * bits) / 8);

function swapBytes(bytes: Uint8Array, size: number): void {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % size));
  if (size === 2) whole.swap16();
  else if (size === 4) whole.swap32();
  else whole.swap64();
}

/** Samples of any number of bits up to 24, most significant first whatever the file's byte order (as GDAL takes them): rows end at a byte. */
function unpackBits(bytes: Uint8Array, { bits, sampleType }: BlockLayout, rowLength: number, rows: number, bytesPerRow: number): PixelArray {
  const out = samplesOf(sampleType, rowLength * rows);
  for (let row = 0; row < rows; row++) {
    let at = row * bytesPerRow, held = 0, left = 0; // bits that are read and not yet used
    for (let i = 0; i < rowLength; i++) {
      for (; left < bits; left += 8) held = ((held << 8) | bytes[at++]!) & 0x7fffffff;
      left -= bits;
      out[row * rowLength + i] = (held >>> left) & ((1 << bits) - 1);
    }
  }
  return out;
}

/** Floats of 16 bits (IEEE 754 half) to 32 bits, exactly. */
function widenHalves(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
}

/**
 * Decompressed bytes to samples in the machine's byte order.
 *
 * @param bytes  whole rows of a block, in memory of their own: the samples are made in place where the machine allows it
 * @param rows   rows that it holds: the last strip has fewer
 * @returns samples row by row, and in each row band by band: one run of `blockWidth` samples each, planar only one
 */
export function bytesToSamples(bytes: Uint8Array, layout: BlockLayout, rows: number): PixelArray {
  const { bits, blockWidth, planar, samples, predictor } = layout, step = planar ? 1 : samples;
  const packed = bits % 8 !== 0 || bits === 24, data = packed ? unpackBits(bytes, layout, blockWidth * step, rows, rowBytes(layout)) : wholeSamples(bytes, layout, blockWidth * step * rows);
  setBandsApart(data, blockWidth, step, predictor === 2);
  return bits === 16 && layout.sampleType === 'float32' ? widenHalves(data as Uint16Array) : data;
}

/** Samples of whole bytes, in the machine's byte order; halves as their bits. */
function wholeSamples(bytes: Uint8Array, layout: BlockLayout, length: number): PixelArray {
  const { bits, planar, samples, predictor, littleEndian, sampleType } = layout, size = bits / 8;
  const Samples = bits === 16 && sampleType === 'float32' ? Uint16Array : ARRAYS[sampleType], own = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const data = new Samples(own.buffer, own.byteOffset, length), raw = own.subarray(0, data.byteLength);
  if (predictor === 3) undoFloatPredictor(raw, rowBytes(layout), planar ? 1 : samples, size);
  else if (!littleEndian && size > 1 && layout.compression !== LERC) swapBytes(raw, size);
  return data;
}
