// cli/notes.ts: what a user hears about inputs, in one wording for check, plan and run. Pure.
import type { SurveyNotes } from '../pipeline/read-survey.ts';

/** A sentence about an input that says that something may be wrong, though the job runs. */
export const isWarning = (sentence: string): boolean => /nodata|overlap|mended|skipped|unknown accuracy/.test(sentence);

/** Most reasons begin with the file that they are about. */
export const faultText = ({ path, reason }: SurveyNotes['faults'][number]): string => (reason.startsWith(path) ? reason : `${path}: ${reason}`);
