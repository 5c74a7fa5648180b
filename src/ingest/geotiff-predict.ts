// ingest/geotiff-predict.ts: predictors undone and bands set apart, row by row and in place. Pure.
//
// In place, because memory that is new costs more than the work: the system hands it out page by page, zeroed.
import type { PixelArray } from '../types.ts';

/**
 * Set the bands of every row apart, `r g b r g b` to `r r g g b b`, adding up differences (predictor 2) on the way.
 *
 * @param data       rows of `width` pixels with `step` samples each, side by side; afterwards `step` runs of `width` samples a row
 * @param predicted  each sample is the difference to that of the pixel before it in its row, as whole numbers that wrap: floats by their bits
 */
export function setBandsApart(data: PixelArray, width: number, step: number, predicted: boolean): void {
  if (step === 1 && !predicted) return;
  const { buffer, byteOffset, length } = data, carry = predicted ? -1 : 0;
  if (data.BYTES_PER_ELEMENT === 1) apartBytes(new Uint8Array(buffer, byteOffset, length), width, step, carry);
  else if (data.BYTES_PER_ELEMENT === 2) apartWords(new Uint16Array(buffer, byteOffset, length), new Uint16Array(width * step), width, step, carry);
  else if (data.BYTES_PER_ELEMENT === 4) apartWords(new Uint32Array(buffer, byteOffset, length), new Uint32Array(width * step), width, step, carry);
  else apartLongs(new BigUint64Array(buffer, byteOffset, length), width, step, predicted);
}

/** `carry`: which bits of the sample before are added, all or none. */
function apartBytes(data: Uint8Array, width: number, step: number, carry: number): void {
  const length = width * step, row = new Uint8Array(length);
  for (let start = 0; start + length <= data.length; start += length) {
    row.set(data.subarray(start, start + length));
    for (let band = 0, to = start; band < step; band++) {
      for (let at = band, sum = 0; at < length; at += step, to++) data[to] = sum = ((sum & carry) + row[at]!) | 0;
    }
  }
}

/** As `apartBytes`, and apart from it: in a function that sees several types of arrays bytes take five times as long. */
function apartWords(data: Uint16Array | Uint32Array, row: Uint16Array | Uint32Array, width: number, step: number, carry: number): void {
  const length = width * step;
  for (let start = 0; start + length <= data.length; start += length) {
    row.set(data.subarray(start, start + length));
    for (let band = 0, to = start; band < step; band++) {
      for (let at = band, sum = 0; at < length; at += step, to++) data[to] = sum = ((sum & carry) + row[at]!) | 0;
    }
  }
}

function apartLongs(data: BigUint64Array, width: number, step: number, predicted: boolean): void {
  const length = width * step, row = new BigUint64Array(length);
  for (let start = 0; start + length <= data.length; start += length) {
    row.set(data.subarray(start, start + length));
    for (let at = step; predicted && at < length; at++) row[at]! += row[at - step]!;
    for (let band = 0, to = start; band < step; band++) for (let at = band; at < length; at += step, to++) data[to] = row[at]!;
  }
}

/**
 * Undo predictor 3: differences of bytes, sorted by significance along the row; afterwards little-endian floats.
 *
 * @param bytes      whole rows, at a multiple of `size` in their buffer
 * @param rowLength  bytes of a row
 * @param step       samples of a pixel
 * @param size       bytes of a sample
 */
export function undoFloatPredictor(bytes: Uint8Array, rowLength: number, step: number, size: number): void {
  const row = new Uint8Array(rowLength), samples = rowLength / size;
  for (let start = 0; start + rowLength <= bytes.length; start += rowLength) {
    row.set(bytes.subarray(start, start + rowLength));
    for (let first = 0; first < step; first++) for (let at = first, sum = 0; at < rowLength; at += step) row[at] = sum = (sum + row[at]!) & 255;
    if (size === 4) joinWords(new Uint32Array(bytes.buffer, bytes.byteOffset + start, samples), row);
    else for (let at = 0, byte = size - 1; byte >= 0; byte--) for (let i = 0; i < samples; i++, at++) bytes[start + i * size + byte] = row[at]!;
  }
}

/** Words from their bytes: the most significant of all, then the next of all ... */
function joinWords(words: Uint32Array, bytes: Uint8Array): void {
  const count = words.length;
  for (let i = 0, b = count, c = 2 * count, d = 3 * count; i < count; i++, b++, c++, d++) words[i] = (bytes[i]! << 24) | (bytes[b]! << 16) | (bytes[c]! << 8) | bytes[d]!;
}
