import type { Client } from 'zocalo-client';
import { useChannel } from 'zocalo-client/react';
import type { Line } from '../lines.ts';

export function Room({ client, lines }: { client: Client; lines: readonly Line[] }) {
  const { messages, state } = useChannel<Line['data']>(client, 'chat:room', { recent: 20 });
  const older = lines.filter((line) => !messages.some(({ id }) => id === line.id));
  return (
    <ol title={state}>
      {[...older, ...messages].map(({ id, data }) => (
        <li key={id}>{data.text}</li>
      ))}
    </ol>
  );
}
