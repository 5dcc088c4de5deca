import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqlite } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { serve } from '../../../src/server/transports/websocket/index.ts';
import { Program } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const room = (name: string) => JSON.stringify(new URL(`../../../src/${name}.ts`, import.meta.url).href);

test('a second daemon on the same port or file reports it and ends with its own exit code', async (t) => {
  const folder = temporaryFolder(t);
  const hub = new Hub({ broker: sqlite(join(folder, 'square.db')) });
  const server = await serve(hub, 'ws://127.0.0.1:0');
  t.after(async () => {
    await server.close({ grace: 0 });
    await hub.close();
  });
  const second = async (file: string, url: string) => {
    const main = join(folder, 'second.mjs');
    writeFileSync(
      main,
      `import { sqlite } from ${room('broker/index')};
       import { Hub } from ${room('hub/index')};
       import { serve } from ${room('server/transports/websocket/index')};
       import { errorLine, exitCodeOf } from ${room('cli/exit-codes')};
       const hub = new Hub({ broker: sqlite(${JSON.stringify(join(folder, file))}) });
       await serve(hub, ${JSON.stringify(url)}).catch((error) => {
         console.error(errorLine(error));
         process.exit(exitCodeOf(error));
       });`,
    );
    const program = new Program(process.execPath, [main]);
    return { code: await program.exited, stderr: program.stderr };
  };
  const samePort = await second('other.db', server.addresses[0]!);
  assert.equal(samePort.code, 3);
  assert.match(samePort.stderr, /^ADDRESS_IN_USE: .*is taken by another program/);
  const sameFile = await second('square.db', 'ws://127.0.0.1:0');
  assert.equal(sameFile.code, 11);
  assert.match(sameFile.stderr, /^LOG_IN_USE: .*square\.db/);
});
