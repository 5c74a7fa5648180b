// training/run-onnx.ts: run a network through the product's session on tensors in files, for the comparison with PyTorch. IO.
// node run-onnx.ts MODEL FOLDER: reads FOLDER/dims.json and 0.f32, 1.f32 ...; writes K.NAME.f32 and outputs.json
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSession } from '../src/infer/session.ts';

const [model, folder] = process.argv.slice(2) as [string, string];
const dims = JSON.parse(await readFile(join(folder, 'dims.json'), 'utf8')) as number[][];
const session = await openSession(model, { providers: ['cpu'] });
const shapes: Record<string, number[]>[] = [];
for (const [k, shape] of dims.entries()) {
  const bytes = await readFile(join(folder, `${k}.f32`));
  const outputs = await session.run(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)), shape);
  for (const [name, { data }] of Object.entries(outputs)) await writeFile(join(folder, `${k}.${name}.f32`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  shapes.push(Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.dims])));
}
await writeFile(join(folder, 'outputs.json'), JSON.stringify(shapes));
await session.close();
