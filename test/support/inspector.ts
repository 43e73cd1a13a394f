/**
 * Inspects directories in a process of its own, since damage may bring down the process that meets it. Arguments: a JSON
 * file of what was told, then the directories. Prints one Inspection as a line of JSON for each.
 */
import { readFileSync, writeSync } from 'node:fs';
import { inspect } from './inspect.ts';

const [toldFile = '', ...directories] = process.argv.slice(2);
const told = JSON.parse(readFileSync(toldFile, 'utf8'));
for (const directory of directories) writeSync(1, `${JSON.stringify(await inspect(directory, told))}\n`);
