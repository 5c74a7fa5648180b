// cli/sample-job.ts: the job file of a synthetic survey. Pure.

/** @param files  names in the survey's folder: an ortho is optional */
export function sampleJob(name: string, files: readonly string[]): string {
  const ortho = files.includes('ortho.tif');
  return `# A synthetic survey. Everything but survey, output and one input has a default: \`understory check\` prints the whole job.
survey: ${name.replace(/[^A-Za-z0-9._-]/g, '-')}
output: out
inputs:
  lidar:  { files: [lidar/*.las] }
${ortho ? '  images:\n    ortho: { files: [ortho.tif], bands: [red, green, blue, nir] }\n' : ''}  stands: { file: stands.geojson, id: stand_no }
tiles:    { size_m: 100 }
${ortho ? 'models:\n  - { name: stems, use: models/red-density, on: ortho }      # a network with a known answer, no real tree counter\n' : ''}allometry:
  group: { from: stands.species, map: { fir: gymnosperm, pine: gymnosperm, spruce: gymnosperm, mixed conifer: gymnosperm }, default: angiosperm }
exports:
  - { layer: trees, file: trees.geojson }
  - { layer: crowns, file: crowns.geojson }
  - { layer: stands, file: stands.geojson }
`;
}
