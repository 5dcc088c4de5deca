/** Everything that the page says, in each of its languages. */

const english = {
  entryTitle: 'Come into the square',
  entryLead: 'Say who you are, and talk with everybody who is here.',
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
  emptyHint: 'Alone? Open this page in another tab, or send its address to somebody.',
  out: 'Not connected',
  entering: 'Connecting…',
  in: 'Connected',
  lost: 'Connection lost',
  ended: 'Disconnected',
  lostLong: 'The connection was lost. What you write is kept.',
  unreachable: 'The server does not answer. What you write is kept.',
  refused: 'The server closed the connection.',
  elsewhere: 'This conversation goes on in another tab.',
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
  newMessages: (count: number) => (count === 1 ? '1 new message' : `${count} new messages`),
  andMore: (count: number) => `and ${count} more`,
};

export type Words = typeof english;

export type Language = 'en' | 'es';

const spanish: Words = {
  entryTitle: 'Pasa a la plaza',
  entryLead: 'Di quién eres y platica con todos los que están aquí.',
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
  emptyHint: '¿No hay nadie más? Abre esta página en otra pestaña o comparte su dirección.',
  out: 'Sin conexión',
  entering: 'Conectando…',
  in: 'En línea',
  lost: 'Sin conexión',
  ended: 'Desconectado',
  lostLong: 'Se perdió la conexión. Lo que escribas se conserva.',
  unreachable: 'El servidor no responde. Lo que escribas se conserva.',
  refused: 'El servidor cerró la conexión.',
  elsewhere: 'Esta conversación sigue en otra pestaña.',
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
  newMessages: (count) => (count === 1 ? '1 mensaje nuevo' : `${count} mensajes nuevos`),
  andMore: (count) => `y ${count} más`,
};

/** The first language of the reader's list that the page speaks; English when it speaks none of them. */
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
