// cli/sample-job.ts: the job file of a synthetic survey. Pure.

/** @param files  names in the survey's folder: orthos are optional; the close one is near enough for the models that come with the program */
export function sampleJob(name: string, files: readonly string[]): string {
  const images = files.includes('ortho_10cm.tif') ? CLOSE : files.includes('ortho.tif') ? AFAR : NONE;
  return `# A synthetic survey. Everything but survey, output and one input has a default: \`understory check\` prints the whole job.
survey: ${name.replace(/[^A-Za-z0-9._-]/g, '-')}
output: out
inputs:
  lidar:  { files: [lidar/*.las] }
${images.input}  stands: { file: stands.geojson, id: stand_no }
tiles:    { size_m: 100 }
${images.models}allometry:
  group: { from: stands.species, map: { fir: gymnosperm, pine: gymnosperm, spruce: gymnosperm, mixed conifer: gymnosperm }, default: angiosperm }
exports:
  - { layer: trees, file: trees.geojson }
  - { layer: crowns, file: crowns.geojson }
  - { layer: stands, file: stands.geojson }
`;
}

interface Images {
  input: string;
  models: string;
}

const NONE: Images = { input: '', models: '' };

const AFAR: Images = {
  input: '  images:\n    ortho: { files: [ortho.tif], bands: [red, green, blue, nir] }\n',
  models: 'models:\n  - { name: stems, use: models/red-density, on: ortho }      # a network with a known answer, no real tree counter\n',
};

const CLOSE: Images = {
  input: '  images:\n    ortho: { files: [ortho_10cm.tif], bands: [red, green, blue, nir], lattice: crs }      # each model gets pixels of its own size\n',
  models: `models:                   # they come with the program; this picture is drawn, which none of them was trained on: the run warns of it
  - { name: stems, use: tree-count-urban, on: ortho }         # a count for each stand, and points
  - { name: boxes, use: tree-crown-rgb, on: ortho }           # crowns as boxes
  - { name: dead, use: dead-tree-naip, on: ortho }            # the dead share of each crown, and dead trees that LiDAR did not find
  - { name: status, use: crown-alive-dead, on: ortho }        # alive or dead, crown by crown
  - { name: volume, use: stand-volume-boreal }                # cubic metres by cells, from LiDAR metrics
  # - { name: dbh, use: tree-dbh }                            # stem diameters by a model; without it by the equation of \`allometry\`
`,
};
