import type { SyntheticEvent } from 'react';
import type { Client } from 'zocalo-client';
import { useChannel, useConnection } from 'zocalo-client/react';

interface Said {
  text: string;
}

export function Room({ client, channel, name }: { client: Client; channel: string; name: string }) {
  const { state, why } = useConnection(client);
  const { messages, presence, hasOlder, loadOlder, publish, retry } = useChannel<Said>(client, channel, {
    recent: 20,
    presence: true,
    member: { name },
  });
  const members = [...presence.members.values()].map(({ data }) => (data as { name: string }).name);

  function say(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get('text')).trim();
    form.reset(); // at once: with `action`, React does it later, and takes what was typed meanwhile
    if (text) publish({ text });
  }

  return (
    <main>
      <p id="state">
        {state} {why?.message}
      </p>
      <p id="members">{members.sort().join(', ')}</p>
      {hasOlder && (
        <button type="button" id="older" onClick={() => loadOlder()}>
          Older
        </button>
      )}
      <ol id="messages">
        {messages.map((row) => (
          <li key={row.id} className={row.status}>
            {row.data.text}
            {row.status === 'failed' && (
              <button type="button" onClick={() => retry(row)}>
                {row.error?.message}: again
              </button>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={say}>
        <input name="text" placeholder="Say something" autoComplete="off" />
      </form>
    </main>
  );
}
