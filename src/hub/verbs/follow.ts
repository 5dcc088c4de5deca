import { JsonText } from '../../protocol/index.ts';
import type { Connection } from '../connections/connection.ts';

export function follow(connection: Connection, id: number): undefined {
  connection.tell(['ok', id, JsonText.of({ channels: connection.follow() })]);
}
