// infer/file-rules.ts: whether an ONNX file may be loaded at all: its hash, weights outside it, versions, operators. Pure.
import { isAbsolute, normalize, sep } from 'node:path';
import { sha256 } from '../files/hash.ts';
import type { AnyCard } from './card.ts';
import { readOnnxFacts } from './onnx-file.ts';
import type { OnnxFacts } from './onnx-file.ts';

/** What onnxruntime-node 1.30.0 takes, found by loading graphs of each version (test/infer/file-rules.test.ts does so again). */
export const NEWEST = { irVersion: 13, opsets: { '': 26, 'ai.onnx.ml': 5 } } as const;

const saidDomain = (domain: string): string => (domain === '' ? 'ai.onnx' : domain);

function versionProblems({ irVersion, opsets }: OnnxFacts): string[] {
  const problems: string[] = [], standard = { '': Math.max(opsets[''] ?? 0, opsets['ai.onnx'] ?? 0), 'ai.onnx.ml': opsets['ai.onnx.ml'] ?? 0 };
  for (const domain of ['', 'ai.onnx.ml'] as const) {
    if (standard[domain] > NEWEST.opsets[domain]) problems.push(`model.onnx: opset ${standard[domain]} of ${saidDomain(domain)} is newer than the runtime knows (${NEWEST.opsets[domain]}); export it with opset_version=17, or with onnx.version_converter`);
  }
  if (irVersion > NEWEST.irVersion) problems.push(`model.onnx: its format is version ${irVersion}, the runtime reads up to ${NEWEST.irVersion}; save it with an older onnx package`);
  return problems;
}

const leaves = (location: string): boolean => isAbsolute(location) || normalize(location).split(sep)[0] === '..';

function externalProblems({ externalData }: OnnxFacts): string[] {
  if (externalData.length === 0) return [];
  const away = externalData.filter(leaves);
  if (away.length > 0) return [`model.onnx: reads weights outside the model's folder (${away.join(', ')}), which is never allowed; save it with the weights inside`];
  return [`model.onnx: keeps weights outside the file (${externalData.join(', ')}), which the hash does not cover; save it with the weights inside: onnx.save(model, path, save_as_external_data=False)`];
}

const operatorProblems = ({ foreignOperators }: OnnxFacts): string[] =>
  foreignOperators.length === 0 ? [] : [`model.onnx: uses operators that ONNX Runtime does not bring (${foreignOperators.join(', ')}); export it with standard ones: custom operators are not loaded`];

/**
 * What keeps an ONNX file from being loaded: a line each for what to change; none when it may be.
 *
 * @param source  what an error calls the file
 * @throws {ModelError} when the bytes are no ONNX model
 */
export function fileProblems(card: Pick<AnyCard, 'sha256'>, bytes: Uint8Array, source: string): string[] {
  const hash = sha256(bytes), facts = readOnnxFacts(bytes, source);
  const changed = hash === card.sha256 ? [] : [`sha256: the card says ${card.sha256}, model.onnx is ${hash}; it is another file: get the one that belongs to the card, or set sha256`];
  return [...changed, ...externalProblems(facts), ...versionProblems(facts), ...operatorProblems(facts)];
}
