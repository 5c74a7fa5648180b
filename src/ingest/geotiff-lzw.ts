// ingest/geotiff-lzw.ts: LZW as TIFF has it: most significant bit first, codes one bit longer one entry early. Pure.

const CLEAR = 256, END = 257, FIRST_FREE = 258, MAX_CODES = 4096;

/**
 * Decode a block.
 *
 * A string of the table always stands in the output already, where it was made: the table holds places and lengths, no strings.
 *
 * @param size  bytes that the block should hold; what goes beyond is left out
 * @returns fewer bytes where the data end early
 * @throws {Error} for a code that is not in the table
 */
export function decodeLzw(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size), starts = new Int32Array(MAX_CODES), lengths = new Int32Array(MAX_CODES);
  let width = 9, next = FIRST_FREE, filled = 0, lastLength = 0;
  for (let at = 0, held = 0, left = 0; filled < size;) {
    for (; left < width && at < bytes.length; left += 8) held = ((held << 8) | bytes[at++]!) & 0xffffff;
    if (left < width) break;
    left -= width;
    const code = (held >>> left) & ((1 << width) - 1), lastStart = filled - lastLength;
    if (code === END) break;
    if (code === CLEAR) {
      width = 9;
      next = FIRST_FREE;
      lastLength = 0;
      continue;
    }
    let length = 1;
    if (code < CLEAR) {
      out[filled] = code;
    } else {
      if (code > next || (code === next && lastLength === 0)) throw new Error(`LZW code ${code} is not in the table of ${next}`);
      // the code that is being made is the last string and its own first byte: copied forward it meets that byte as it is written
      const from = code === next ? lastStart : starts[code]!;
      length = code === next ? lastLength + 1 : lengths[code]!;
      for (let i = 0, count = Math.min(length, size - filled); i < count; i++) out[filled + i] = out[from + i]!;
    }
    if (lastLength > 0 && next < MAX_CODES) {
      starts[next] = lastStart;
      lengths[next] = lastLength + 1;
      next++;
      if (next === (1 << width) - 1 && width < 12) width++;
    }
    filled += length;
    lastLength = length;
  }
  return filled < size ? out.subarray(0, filled) : out;
}
