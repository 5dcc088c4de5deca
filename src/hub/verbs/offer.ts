import { JsonText } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';

export function offer(connection: Connection, id: number, methods: readonly string[]): undefined {
  connection.offer(methods);
  connection.tell(['ok', id, JsonText.of(null)]);
}
