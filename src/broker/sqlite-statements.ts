import type { DatabaseSync } from 'node:sqlite';
import { rowsAsArrays } from '../sqlite/index.ts';

/** What is asked of the tables of channels and their entries. */
export function logStatements(database: DatabaseSync) {
  const statement = (sql: string) => database.prepare(sql);
  const arrays = (sql: string) => rowsAsArrays(database, sql);
  return {
    findChannel: statement('SELECT * FROM channels WHERE name = ?'),
    addChannel: statement(
      'INSERT INTO channels (name, epoch, head, oldest, floor, size, ttl, time, due) VALUES (?, ?, 0, 1, 1, 0, 9e999, ?, ?)',
    ),
    updateChannel: statement(
      'UPDATE channels SET head = ?, oldest = ?, floor = ?, size = ?, ttl = ?, time = ?, due = ? WHERE id = ?',
    ),
    dueChannels: statement('SELECT name FROM channels WHERE due <= ? ORDER BY due LIMIT 64'),
    newest: arrays('SELECT max(time) FROM channels WHERE time <= ?'),
    seed: arrays('SELECT seed FROM store'),
    ended: arrays('SELECT bucket, count FROM ended'),
    setEnded: statement('INSERT OR REPLACE INTO ended (bucket, count) VALUES (?, ?)'),
    makeFutureDue: statement('UPDATE channels SET due = 0 WHERE time > ?'),
    makeDue: statement('UPDATE channels SET due = 0 WHERE floor < oldest'),
    retire: statement("UPDATE channels SET name = ' ' || id WHERE id = ?"),
    deleteChannel: statement('DELETE FROM channels WHERE id = ?'),
    append: statement('INSERT INTO entries (channel, offset, time, data, meta) VALUES (?, ?, ?, ?, ?)'),
    rewrite: statement('UPDATE entries SET data = ?, meta = ? WHERE channel = ? AND offset = ?'),
    page: arrays('SELECT time, data, meta FROM entries WHERE channel = ? AND offset > ? ORDER BY offset LIMIT ?'),
    timeOf: arrays('SELECT time FROM entries WHERE channel = ? AND offset = ?'),
    deleteEntries: statement('DELETE FROM entries WHERE channel = ? AND offset < ?'),
  };
}
