/** All texts of the page, in each language. */

const english = {
  entryTitle: 'Come into the square',
  entryLead: 'Say who you are, and talk with everybody who is here.',
  entryRoom: (room: string) => `Come into the room \u2068${room}\u2069`,
  room: 'Room',
  address: 'The address of this room',
  copy: 'Copy',
  copied: 'Copied',
  otherRoom: 'Go to another room',
  otherHint: 'tacos',
  go: 'Go',
  noRoom: 'No room can have this name.',
  yourName: 'Your name',
  guest: 'Guest',
  enter: 'Enter',
  quit: 'Quit',
  send: 'Send',
  reconnect: 'Reconnect now',
  whoIsHere: 'Who is here',
  you: 'you',
  conversation: 'Conversation',
  messages: 'Messages',
  waitingMessages: 'Messages waiting to be sent',
  yourMessage: 'Your message',
  emptyTitle: 'Nothing has been said yet.',
  emptyHint:
    'Alone? Open this page in another tab, or send its address to somebody: it is under the room’s name, above.',
  out: 'Not connected',
  entering: 'Connecting…',
  in: 'Connected',
  lost: 'Connection lost',
  ended: 'Disconnected',
  lostLong: 'The connection was lost. What you write is kept.',
  unreachable: 'The server does not answer. What you write is kept.',
  refused: 'The server closed the connection.',
  tryingAgainIn: (seconds: number) => `Trying again in ${seconds} s.`,
  waiting: 'Waiting for the connection',
  farewell: 'You left. Come back whenever you like.',
  joined: (name: string) => `${name} joined`,
  left: (name: string) => `${name} left`,
  youJoined: (name: string) => `You are here as ${name}`,
  connectionLost: 'The connection was lost',
  back: 'Connected again',
  gap: 'Some messages from before are missing here',
  notSent: 'The server did not accept a message',
  typing: (names: readonly string[]) => {
    const [first, second] = names.map((name) => `\u2068${name}\u2069`);
    if (names.length > 2) return 'Several people are writing…';
    return second ? `${first} and ${second} are writing…` : `${first} is writing…`;
  },
  newMessages: (count: number) => (count === 1 ? '1 new message' : `${count} new messages`),
  andMore: (count: number) => `and ${count} more`,
};

export type Words = typeof english;

export type Language = 'en' | 'es';

const spanish: Words = {
  entryTitle: 'Pasa a la plaza',
  entryLead: 'Di quién eres y platica con todos los que están aquí.',
  entryRoom: (room) => `Pasa a la sala \u2068${room}\u2069`,
  room: 'Sala',
  address: 'La dirección de esta sala',
  copy: 'Copiar',
  copied: 'Copiada',
  otherRoom: 'Ir a otra sala',
  otherHint: 'antojitos',
  go: 'Ir',
  noRoom: 'Ninguna sala puede llamarse así.',
  yourName: 'Tu nombre',
  guest: 'Invitado',
  enter: 'Entrar',
  quit: 'Salir',
  send: 'Enviar',
  reconnect: 'Reconectar ahora',
  whoIsHere: 'Quién está aquí',
  you: 'tú',
  conversation: 'Conversación',
  messages: 'Mensajes',
  waitingMessages: 'Mensajes por enviar',
  yourMessage: 'Tu mensaje',
  emptyTitle: 'Todavía nadie ha dicho nada.',
  emptyHint:
    '¿No hay nadie más? Abre esta página en otra pestaña o comparte su dirección: está arriba, bajo el nombre de la sala.',
  out: 'Sin conexión',
  entering: 'Conectando…',
  in: 'En línea',
  lost: 'Sin conexión',
  ended: 'Desconectado',
  lostLong: 'Se perdió la conexión. Lo que escribas se conserva.',
  unreachable: 'El servidor no responde. Lo que escribas se conserva.',
  refused: 'El servidor cerró la conexión.',
  tryingAgainIn: (seconds) => `Nuevo intento en ${seconds} s.`,
  waiting: 'Esperando la conexión',
  farewell: 'Saliste. Vuelve cuando quieras.',
  joined: (name) => `${name} llegó`,
  left: (name) => `${name} se fue`,
  youJoined: (name) => `Estás aquí como ${name}`,
  connectionLost: 'Se perdió la conexión',
  back: 'Conectado de nuevo',
  gap: 'Aquí faltan algunos mensajes anteriores',
  notSent: 'El servidor no aceptó un mensaje',
  typing: (names) => {
    const [first, second] = names.map((name) => `\u2068${name}\u2069`);
    if (names.length > 2) return 'Varias personas están escribiendo…';
    return second ? `${first} y ${second} están escribiendo…` : `${first} está escribiendo…`;
  },
  newMessages: (count) => (count === 1 ? '1 mensaje nuevo' : `${count} mensajes nuevos`),
  andMore: (count) => `y ${count} más`,
};

/** The first of the reader's languages that the page has; English otherwise. */
export function languageFor(languages: readonly string[]): Language {
  for (const language of languages) {
    const primary = language.toLowerCase().split('-')[0];
    if (primary === 'en' || primary === 'es') return primary;
  }
  return 'en';
}

export function wordsFor(language: Language): Words {
  return language === 'es' ? spanish : english;
}
