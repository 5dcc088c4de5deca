import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_KEY } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';

const EDITOR = 'e'.repeat(40);
const READER = 'r'.repeat(40);

test('a key with the right edit erases and replaces in its channels, and event streams get the change', async (t) => {
  const keys = [
    { name: 'all', key: API_KEY, can: ['admin' as const] },
    { name: 'editor', key: EDITOR, can: ['edit' as const], channels: ['news'] },
    { name: 'reader', key: READER, can: ['publish' as const, 'read' as const] },
  ];
  const { call, url } = await startDaemon(t, { api: { keys }, channels: { news: {}, sport: {} } });
  const publish = async (data: unknown) => (await call('POST', '/api/publish', { channel: 'news', data })).body.at;
  const edit = async (verb: string, body: object, key = EDITOR) => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}/api/${verb}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as { code?: string; at?: [string, number] };
    return answer.code ?? answer.at?.[1];
  };
  const [first, second] = [await publish('one'), await publish('two')];
  assert.equal(await edit('erase', { channel: 'news', at: first }, READER), 'FORBIDDEN');
  assert.equal(await edit('erase', { channel: 'sport', at: first }), 'FORBIDDEN');
  assert.equal(await edit('erase', { channel: 'nowhere', at: first }, API_KEY), 'NOT_OFFERED');
  assert.equal(await edit('erase', { channel: 'news', at: [first[0], 9] }), 'BAD_POSITION');
  assert.equal(await edit('replace', { channel: 'news', at: second }), 'BAD_MESSAGE');

  const abort = new AbortController();
  t.after(() => abort.abort());
  const { body } = await fetch(`${url}/sse?channel=news&since=${first[0]}:0`, { signal: abort.signal });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const listen = async (reader: ReadableStreamDefaultReader<string>, last: number) => {
    let heard = '';
    while (!new RegExp(`id: \\S+:${last}\\ndata.*\\n\\n`).test(heard)) heard += (await reader.read()).value;
    return heard
      .replaceAll(/id: \S+:(\d+)/g, 'id: $1')
      .split('\n\n')
      .filter((event) => event !== '' && !event.includes('event: start'));
  };
  assert.deepEqual(await listen(reader, 2), ['id: 1\ndata: "one"', 'id: 2\ndata: "two"']);
  assert.equal(await edit('erase', { channel: 'news', at: first }), 3);
  assert.equal(await edit('replace', { channel: 'news', at: second, data: { n: [2] } }), 4);
  const told = [
    'event: erase\nid: 3\ndata: {"channel":"news","offset":1}',
    'event: replace\nid: 4\ndata: {"channel":"news","offset":2,"data":{"n":[2]}}',
  ];
  assert.deepEqual(await listen(reader, 4), told);
  const late = await fetch(`${url}/sse?channel=news&since=${first[0]}:0`, { signal: abort.signal });
  assert.deepEqual(await listen(late.body!.pipeThrough(new TextDecoderStream()).getReader(), 4), [
    'event: skip\nid: 1\ndata: {"channel":"news","from":1,"to":1}',
    'id: 2\ndata: {"n":[2]}',
    ...told,
  ]);
});
