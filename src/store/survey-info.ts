// store/survey-info.ts: what a database says of its survey. IO.
import { InvalidInput } from '../errors.ts';
import { epsgOfCode } from '../geo/crs.ts';
import { openDuck } from './duck.ts';

/** EPSG code of the CRS of an inventory's tables. @throws {InvalidInput} when the file is no inventory */
export async function surveyEpsg(database: string): Promise<number> {
  const duck = await openDuck(database, { readOnly: true });
  try {
    const [row] = (await duck.connection.runAndReadAll('SELECT crs FROM run')).getRowsJS();
    return epsgOfCode(String(row![0]));
  } catch (cause) {
    throw new InvalidInput(`${database}: no inventory of understory: it has no table run`, { source: database }, { cause });
  } finally {
    duck.close();
  }
}
