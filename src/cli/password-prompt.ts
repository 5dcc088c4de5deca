import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ZocaloError } from '../errors.ts';
import { note } from './terminal.ts';

/** From a person, who types it twice, hidden; else the first line of standard input. */
export async function askPassword(): Promise<string> {
  const isTyped = process.stdin.isTTY === true;
  const output = new Writable({ write: (_chunk, _encoding, done) => done() }); // the echo goes nowhere
  const lines = createInterface({ input: process.stdin, output, terminal: isTyped });
  try {
    if (!isTyped) {
      for await (const line of lines) return line;
      return '';
    }
    lines.on('SIGINT', () => process.exit(130));
    note('Password:');
    const password = await lines.question('');
    note('Once more:');
    if ((await lines.question('')) === password) return password;
    throw new ZocaloError('BAD_OPTION', 'the two passwords differ', { advice: 'try again' });
  } finally {
    lines.close();
  }
}
