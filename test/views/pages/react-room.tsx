import { StrictMode } from 'react';
import type { Client } from 'zocalo-client';
import { useChannel, useConnection, usePresence } from 'zocalo-client/react';

function Room({ client }: { client: Client }) {
  const { state } = useConnection(client);
  const { messages, hasOlder } = useChannel<string>(client, 'chat:42', {
    recent: 5,
    presence: true,
    member: { name: 'Ana', photo: new Uint8Array([1]) },
  });
  const { count } = usePresence(client, 'chat:42');
  return (
    <ol title={`${state} ${count} ${hasOlder}`}>
      {messages.map(({ id, data }) => (
        <li key={id}>{data}</li>
      ))}
    </ol>
  );
}

export function App({ client, turn }: { client: Client; turn: number }) {
  return (
    <StrictMode>
      <Room key={turn} client={client} />
    </StrictMode>
  );
}
