/** The chat's page: joins the conversation to what is on the screen. */
import { ConnectionBar } from './connection-bar.ts';
import { Conversation } from './conversation.ts';
import { find, label } from './dom.ts';
import { leavePageState, rememberedName, rememberName, takePageState } from './memory.ts';
import { MessageList } from './message-list.ts';
import { PeopleList } from './people-list.ts';
import { languageFor, wordsFor } from './words.ts';

const language = languageFor(navigator.languages);
const words = wordsFor(language);
label(document, language);

const entry = find('entry', HTMLFormElement);
const name = find('name', HTMLInputElement);
const farewell = find('farewell', HTMLParagraphElement);
const room = find('room', HTMLElement);
const composer = find('composer', HTMLFormElement);
const text = find('text', HTMLTextAreaElement);
const quit = find('quit', HTMLButtonElement);
const retry = find('retry', HTMLButtonElement);

const messages = new MessageList(words, navigator.languages.find((tag) => tag.startsWith(language)) ?? language);
const people = new PeopleList(words);
const connection = new ConnectionBar(words);

const earlier = takePageState();
let unread = 0;

const conversation = new Conversation({
  connect: () => new WebSocket(new URL('/', location.href.replace(/^http/, 'ws'))),
  secret,
  session: earlier?.session ?? secret(),
  pending: earlier?.pending ?? [],
  listener: {
    onStatus(status) {
      connection.show(status, conversation);
      const inside = status !== 'out';
      if (room.hidden === inside) showRoom(inside);
    },
    onSaid(said, mine) {
      messages.said(said, mine);
      if (document.hidden && !mine) showUnread(unread + 1);
    },
    onNotice: (notice) => messages.notice(notice),
    onPeople: (here, me) => people.set(here, me),
    onPending: (pending) => messages.pending(pending),
  },
});

/** 122 random bits; `crypto.randomUUID` would need https, which a chat on the local network has not. */
function secret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function showRoom(inside: boolean): void {
  room.hidden = quit.hidden = !inside;
  entry.hidden = inside;
  people.show(inside);
  if (inside) {
    messages.toEnd();
    text.focus();
  } else {
    name.focus();
  }
}

function showUnread(count: number): void {
  unread = count;
  document.title = count === 0 ? 'Zócalo' : `(${count}) Zócalo`;
}

function enter(): void {
  farewell.textContent = '';
  rememberName(name.value.trim());
  conversation.enter(name.value.trim() || words.guest);
}

entry.addEventListener('submit', (event) => {
  event.preventDefault();
  enter();
});

composer.addEventListener('submit', (event) => {
  event.preventDefault();
  conversation.say(text.value);
  text.value = '';
  messages.toEnd();
  text.focus();
});

text.addEventListener('keydown', (event) => {
  // Enter that ends the composing of a character (Chinese, Japanese, Korean) is not meant for us.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

quit.addEventListener('click', () => {
  conversation.quit();
  farewell.textContent = words.farewell;
});

retry.addEventListener('click', () => {
  conversation.reconnect();
  text.focus();
});

window.addEventListener('online', () => conversation.check());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  showUnread(0);
  conversation.check();
});
window.addEventListener('pagehide', () => {
  const { session, pending, status } = conversation;
  leavePageState({ session, pending: [...pending], inRoom: status !== 'out', draft: text.value });
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) takePageState();
});

// Where the keyboard covers the page instead of shrinking it (iOS), the page shrinks itself.
window.visualViewport?.addEventListener('resize', () => {
  document.documentElement.style.setProperty('--height', `${window.visualViewport?.height}px`);
});

messages.listen();
people.listen();
name.value = rememberedName();
text.value = earlier?.draft ?? '';
messages.pending(conversation.pending);
if (earlier?.inRoom) {
  enter();
} else {
  entry.hidden = false;
  name.focus();
}
