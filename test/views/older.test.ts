import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HistoryOptions, HistoryPage, Message } from '../../src/client/index.ts';
import { readOlder } from '../../src/views/older.ts';

/** A log with the offsets from `oldest` to `head`, whose pages end early, as by their bytes. */
function logOf(oldest: number, head: number, most: number) {
  let pages = 0;
  const history = async ({ after, limit = 256 }: HistoryOptions): Promise<HistoryPage<number>> => {
    pages += 1;
    const [epoch, at] = after!;
    const begin = Math.max(at + 1, oldest);
    const end = Math.min(head, begin + Math.min(limit, most) - 1);
    const messages: Message<number>[] = [];
    for (let offset = begin; offset <= end; offset++)
      messages.push({ channel: 'chat:42', data: offset, position: [epoch, offset], mine: false });
    return { epoch: 'e', oldest, head, messages, ...(at < oldest - 1 && { gap: true as const }) };
  };
  return { history, pages: () => pages };
}

test('the page before a message has no holes, ends right before it, and says whether there is more', async () => {
  const bounds = fc.record({
    oldest: fc.integer({ min: 1, max: 60 }),
    length: fc.integer({ min: 0, max: 60 }),
    before: fc.integer({ min: 1, max: 130 }),
    count: fc.integer({ min: 1, max: 70 }),
    most: fc.integer({ min: 1, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(bounds, async ({ oldest, length, before, count, most }) => {
      const head = oldest + length - 1;
      const { history } = logOf(oldest, head, most);
      const offset = Math.min(before, head + 1);
      const page = (await readOlder(history, ['e', offset], count))!;
      const first = Math.max(oldest, offset - count);
      const expected = Array.from({ length: Math.max(0, offset - first) }, (_, index) => first + index);
      assert.deepEqual(
        page.messages.map(({ data }) => data),
        expected,
      );
      assert.equal(page.hasOlder, expected.length > 0 && first > oldest);
    }),
    { numRuns: 500 },
  );
});

test('there is no page before a message of a log that is gone', async () => {
  const { history } = logOf(1, 10, 100);
  assert.equal(await readOlder((options) => history({ ...options, after: ['other', 1] }), ['other', 5], 10), undefined);
});
