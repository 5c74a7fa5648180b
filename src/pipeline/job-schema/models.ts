// pipeline/job-schema/models.ts: how the job file names models. Pure.
import { z } from 'zod';
import { name } from './keys.ts';

export const Model = z.strictObject({
  name: name.optional().describe('unique; default: the card\'s name'),
  use: z.string().min(1).describe('a name in models/, a folder with a card, or an ONNX file that says how QGIS Deepness runs it'),
  on: z.union([name, z.array(name).min(1)]).optional().describe('what it reads: images, chm, dtm and earlier models by name; a model of a table reads none'),
  threshold: z.number().min(0).max(1).optional().describe('in the place of the card\'s threshold on scores or probabilities'),
  match: z.string().min(1).optional().describe('a radiometric match that brings its images to those that it was trained on: a file of `understory fit JOB radiometry`'),
  primary: z.boolean().optional().describe('which of several models of one task (of regressions and classifiers: and of one variable) fills the fixed columns'),
});
