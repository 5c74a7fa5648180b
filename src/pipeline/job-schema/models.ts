// pipeline/job-schema/models.ts: how the job file names models. Pure.
import { z } from 'zod';
import { name } from './keys.ts';

export const Model = z.strictObject({
  name: name.optional().describe('unique; default: the card\'s name'),
  use: z.string().min(1).describe('a name in models/, or a folder with a card'),
  on: name.describe('the image that it reads'),
  primary: z.boolean().optional().describe('which of several models of one task fills the fixed columns'),
});
