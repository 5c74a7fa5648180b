// ingest/lerc.d.ts: the part of `lerc` that is used; the package brings no types.
declare module 'lerc' {
  interface LercPixels {
    width: number;
    height: number;
    /** one array a band blob; several samples a pixel may stand in one */
    pixels: (Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array)[];
    /** 1: valid; absent where every pixel is */
    mask?: Uint8Array | null;
    /** one a band, where they differ */
    bandMasks?: Uint8Array[];
  }
  const Lerc: { decode(input: ArrayBufferLike, options: { returnPixelInterleavedDims: boolean }): LercPixels };
  export default Lerc;
}
