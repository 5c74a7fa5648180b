// make/scan.ts: an airborne laser over the forest: flight lines, pulses, returns, classes, noise. Pure.
import { arctangentDeg } from './exact.ts';
import type { Forest, PlantedTree } from './forest.ts';
import { inVoid } from './places.ts';
import { randomOf, type Random } from './random.ts';
import type { Recipe } from './recipe.ts';
import { SURFACE_RES_M, type Surface } from './surface.ts';

/** One return; x, y local metres, z elevation. */
export interface Return {
  x: number;
  y: number;
  z: number;
  intensity: number;
  returnNumber: number;
  returnCount: number;
  classification: number;
  withheld: boolean;
  overlap: boolean;
  edgeOfLine: boolean;
  scanAngleDeg: number;
  lineNo: number;
  /** seconds since the survey began */
  seconds: number;
}

interface Beam { x: number; y: number; leanPerM: number; lineNo: number; seconds: number; overlap: boolean; edgeOfLine: boolean }
interface Echo { x: number; y: number; z: number; tree: PlantedTree | null }

const STEP_M = 0.2, MAX_RETURNS = 5, SPEED_M_S = 60, LINE_PAUSE_S = 240;
const GROUND = 2, LOW_NOISE = 7, HIGH_NOISE = 18, HIGH_VEGETATION = 5, UNCLASSIFIED = 1;

/** Fly every line over the extent: returns in order of time; none from a void, none outside the extent. */
export function scanForest(forest: Forest, surface: Surface): Return[] {
  const { recipe } = forest, random = randomOf(recipe.seed, 'scan');
  const ceilingM = surface.top.reduce((highest, z) => (z > highest ? z : highest), 0) + STEP_M;
  const returns: Return[] = [];
  recipe.lidar.lines.forEach((_, i) => {
    for (const beam of beamsOf(recipe, i, random)) {
      for (const hit of returnsOf(beam, forest, surface, ceilingM, random)) {
        if (inExtent(recipe, hit.x, hit.y) && !inVoid(recipe, hit.x, hit.y)) returns.push(hit);
      }
    }
  });
  return returns;
}

const inExtent = ({ extent }: Recipe, x: number, y: number): boolean => x >= 0 && y >= 0 && x < extent.widthM - 0.001 && y < extent.heightM - 0.001;

/** Where each pulse of a line would meet the ground: scan lines across the track, every pulse a little off its place. */
function* beamsOf({ extent, lidar }: Recipe, index: number, random: Random): Generator<Beam> {
  const line = lidar.lines[index]!, spacing = 1 / Math.sqrt(lidar.pulsesPerM2);
  for (let y = 0, scan = 0; y < extent.heightM; y += spacing, scan++) {
    const trackX = line.trackX + lidar.lean * y, half = Math.round(line.halfSwathM / spacing);
    for (let k = -half; k <= half; k++) {
      const offset = (scan % 2 === 0 ? k : -k) * spacing; // a mirror that swings to and fro
      const x = trackX + offset + 0.3 * spacing * random.normal(), py = y + 0.3 * spacing * random.normal();
      if (x < 0 || x >= extent.widthM || py < 0 || py >= extent.heightM) continue;
      const nearer = lidar.lines.some((other, j) => j !== index && Math.abs(x - other.trackX - lidar.lean * y) < Math.abs(offset));
      const seconds = index * LINE_PAUSE_S + y / SPEED_M_S + ((k + half) / (2 * half + 1)) * (spacing / SPEED_M_S);
      yield { x, y: py, leanPerM: -offset / lidar.altitudeM, lineNo: index + 1, seconds, overlap: nearer, edgeOfLine: Math.abs(k) === half };
    }
  }
}

function returnsOf(beam: Beam, forest: Forest, surface: Surface, ceilingM: number, random: Random): Return[] {
  const stray = strayEcho(beam, forest, random);
  if (stray) return [toReturn(beam, stray.echo, 0, 1, stray.classification, stray.withheld, random)];
  const echoes = echoesOf(beam, forest, surface, ceilingM, random);
  return echoes.map((echo, i) => {
    const heightM = echo.z - forest.terrain(echo.x, echo.y);
    const missed = random.uniform() < 0.06; // ground that the classification did not find
    const classification = echo.tree === null ? (missed || heightM > 0.15 ? UNCLASSIFIED : GROUND) : heightM > 2 ? HIGH_VEGETATION : UNCLASSIFIED;
    return toReturn(beam, echo, i, echoes.length, classification, false, random);
  });
}

/** One pulse in some thousands meets a bird or a cloud, or comes back late: noise, or withheld by the operator. */
function strayEcho({ x, y }: Beam, { terrain }: Forest, random: Random): { echo: Echo; classification: number; withheld: boolean } | undefined {
  const u = random.uniform();
  if (u > 0.0012) return undefined;
  const low = u < 0.0004, withheld = u > 0.0008;
  const z = terrain(x, y) + (low ? -random.between(4, 15) : random.between(45, 90));
  return { echo: { x, y, z, tree: null }, classification: withheld ? UNCLASSIFIED : low ? LOW_NOISE : HIGH_NOISE, withheld };
}

/** Down the beam: the crown surface, what lies inside the crown, the storey below, the ground, as far as light comes through. */
function echoesOf(beam: Beam, { terrain, trees }: Forest, surface: Surface, ceilingM: number, random: Random): Echo[] {
  const groundM = terrain(beam.x, beam.y);
  const at = (z: number, tree: PlantedTree | null): Echo => ({ x: beam.x + beam.leanPerM * (z - groundM), y: beam.y, z, tree });
  const echoes: Echo[] = [];
  let fromM = ceilingM, light = 1, above = 0;
  for (const [grid, owners] of [[surface.top, surface.topTree], [surface.under, surface.underTree]] as const) {
    const hit = firstHit(beam, surface, grid, owners, groundM, fromM);
    if (!hit || hit.tree === 0 || hit.tree === above) break;
    above = hit.tree;
    const tree = trees[hit.tree - 1]!, foliage = foliageOf(tree);
    if (light * foliage.stops > random.uniform()) {
      let z = hit.z - random.exponential(foliage.depthM) + 0.02 * random.normal();
      if (z > groundM + 0.3) echoes.push(at(z, tree));
      for (let i = 0; i < 2 && random.uniform() < foliage.inside; i++) {
        z -= 0.8 + random.exponential(1.6); // the laser cannot part two echoes that are closer
        if (z > Math.max(groundM + 1, tree.footM + tree.heightM - tree.crownLengthM)) echoes.push(at(z, tree));
      }
    }
    light *= foliage.passes;
    fromM = Math.min(hit.z - 1, tree.footM + tree.heightM - tree.crownLengthM);
    if (random.uniform() > light) return echoes.slice(0, MAX_RETURNS);
  }
  const herb = random.uniform() < 0.1 ? random.exponential(0.15) : 0;
  echoes.push(at(groundM + herb + 0.02 * random.normal(), null));
  return echoes.slice(-MAX_RETURNS);
}

/** March down from `fromM` until the grid's surface stands at the beam; within a step of it. */
function firstHit(beam: Beam, { width, height }: Surface, grid: Float64Array, owners: Int32Array, groundM: number, fromM: number): { z: number; tree: number } | undefined {
  const row = Math.floor(beam.y / SURFACE_RES_M);
  if (row < 0 || row >= height) return undefined;
  for (let z = fromM; z > groundM - STEP_M; z -= STEP_M) {
    const col = Math.floor((beam.x + beam.leanPerM * (z - groundM)) / SURFACE_RES_M);
    if (col < 0 || col >= width) continue;
    const surfaceM = grid[row * width + col]!;
    if (surfaceM >= z) return { z: Math.min(surfaceM, z + STEP_M), tree: owners[row * width + col]! };
  }
  return undefined;
}

/** How much of a beam a crown stops, how deep its first echo lies, how often more follow inside, how much light comes through. */
function foliageOf({ status, speciesGroup }: PlantedTree): { stops: number; depthM: number; inside: number; passes: number } {
  if (status === 'dead') return { stops: 0.75, depthM: 0.1, inside: 0.15, passes: 0.85 };
  return speciesGroup === 'gymnosperm' ? { stops: 0.97, depthM: 0.08, inside: 0.25, passes: 0.4 } : { stops: 0.98, depthM: 0.06, inside: 0.3, passes: 0.3 };
}

function toReturn(beam: Beam, { x, y, z, tree }: Echo, index: number, returnCount: number, classification: number, withheld: boolean, random: Random): Return {
  const brightness = tree === null ? 70 : tree.status === 'dead' ? 55 : tree.speciesGroup === 'gymnosperm' ? 95 : 140;
  const share = index === 0 && returnCount === 1 ? 1 : 0.75 / (index + 1);
  return {
    x, y, z,
    intensity: Math.max(1, Math.min(65_535, Math.round(200 * share * (brightness + 14 * random.normal())))),
    returnNumber: index + 1,
    returnCount,
    classification,
    withheld,
    overlap: beam.overlap,
    edgeOfLine: beam.edgeOfLine,
    scanAngleDeg: arctangentDeg(-beam.leanPerM),
    lineNo: beam.lineNo,
    seconds: beam.seconds,
  };
}

