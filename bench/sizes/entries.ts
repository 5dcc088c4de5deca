/** What is measured, as a page would write it. */

/** `zocalo-client`: the client of a plain page, and with each part that is imported by itself. */
export const OURS: readonly { what: string; code: string }[] = [
  { what: '`Client`', code: "export { Client } from 'zocalo-client'" },
  {
    what: 'and `keptIn`, which keeps the outbox over a page load',
    code: "export { Client, keptIn } from 'zocalo-client'",
  },
  {
    what: 'and `answer`, for calls of the server',
    code: "export { answer, Client } from 'zocalo-client'",
  },
  {
    what: 'and `follow`, for channels that the server adds',
    code: "export { Client, follow } from 'zocalo-client'",
  },
  {
    what: 'and `onEvent`, for several events over one channel',
    code: "export { Client, onEvent } from 'zocalo-client'",
  },
  {
    what: 'and `bytes`, for data that is a `Uint8Array`',
    code: "export { Client } from 'zocalo-client'; export { bytes } from 'zocalo-client/bytes'",
  },
  {
    what: 'and `withFallback`, for networks that block WebSockets',
    code: "export { Client } from 'zocalo-client'; export { withFallback } from 'zocalo-client/fallback'",
  },
  {
    what: 'and the views, for a framework of your own',
    code: "export { Client } from 'zocalo-client'; export { channelView, connectionView } from 'zocalo-client/views'",
  },
  {
    what: 'and the hooks of React',
    code: "export { Client } from 'zocalo-client'; export { useChannel, useConnection, usePresence } from 'zocalo-client/react'",
  },
  {
    what: 'and the composables of Vue',
    code: "export { Client } from 'zocalo-client'; export { useChannel, useConnection, usePresence } from 'zocalo-client/vue'",
  },
  {
    what: 'and the stores of Svelte',
    code: "export { Client } from 'zocalo-client'; export { channel, connection, presence } from 'zocalo-client/svelte'",
  },
];

/** Pinned, so that the table says what it is about. */
export const PEERS: readonly { name: string; version: string; code: string }[] = [
  { name: 'phoenix', version: '1.8.16', code: "export { Presence, Socket } from 'phoenix'" },
  { name: 'socket.io-client', version: '4.8.4', code: "export { io } from 'socket.io-client'" },
  { name: 'centrifuge', version: '5.8.0', code: "export { Centrifuge } from 'centrifuge'" },
  { name: 'pusher-js', version: '8.6.0', code: "export { default } from 'pusher-js'" },
  { name: 'ably', version: '2.28.0', code: "export { Realtime } from 'ably'" },
];
