/** The chat's page: connects the conversation to the screen. */
import { browserTimers, Client, keptIn } from '../src/client/index.ts';
import { ConnectionBar } from './connection-bar.ts';
import { Conversation } from './conversation.ts';
import { find, label } from './dom.ts';
import { leavePageState, outboxStorage, rememberedName, rememberName, takePageState } from './memory.ts';
import { MessageList } from './message-list.ts';
import { PeopleList } from './people-list.ts';
import { isSquare, roomOf, titleOf } from './room.ts';
import { RoomBar } from './room-bar.ts';
import { languageFor, wordsFor } from './words.ts';

const language = languageFor(navigator.languages);
const words = wordsFor(language);
label(document, language, words);

const entry = find('entry', HTMLFormElement);
const name = find('name', HTMLInputElement);
const farewell = find('farewell', HTMLParagraphElement);
const room = find('room', HTMLElement);
const typing = find('typing', HTMLParagraphElement);
const composer = find('composer', HTMLFormElement);
const text = find('text', HTMLTextAreaElement);
const quit = find('quit', HTMLButtonElement);
const retry = find('retry', HTMLButtonElement);

const channel = roomOf(location.pathname);
const title = isSquare(channel) ? 'Zócalo' : `${titleOf(channel)} · Zócalo`;
const messages = new MessageList(words, navigator.languages.find((tag) => tag.startsWith(language)) ?? language);
const people = new PeopleList(words);
const connection = new ConnectionBar(words);
const roomBar = new RoomBar(words, channel);

const earlier = takePageState();
let unread = 0;

const conversation = new Conversation({
  client: new Client(new URL('/', location.href.replace(/^http/, 'ws')).href, { storage: keptIn(outboxStorage()) }),
  room: channel,
  me: earlier?.me ?? newId(),
  timers: browserTimers,
  listener: {
    onStatus(status) {
      connection.show(status, conversation);
      const inside = status !== 'out';
      if (room.hidden === inside) showRoom(inside);
    },
    onSaid(said) {
      messages.said(said);
      if (document.hidden && !said.mine && conversation.welcomed) showUnread(unread + 1);
    },
    onNotice: (notice) => messages.notice(notice),
    onPeople: (here) => people.set(here, conversation.me),
    onPending: (texts) => messages.pending(texts),
    onTyping(names) {
      // While it fades out, it keeps its text.
      if (names.length > 0) typing.textContent = words.typing(names);
      typing.toggleAttribute('data-quiet', names.length === 0);
    },
  },
});

/** 122 random bits; `crypto.randomUUID` is not available over plain http. */
function newId(): string {
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
  document.title = count === 0 ? title : `(${count}) ${title}`;
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
  if (conversation.say(text.value)) text.value = '';
  messages.toEnd();
  text.focus();
});

text.addEventListener('keydown', (event) => {
  // Enter that completes a composed character (Chinese, Japanese, Korean) does not send.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

text.addEventListener('input', () => {
  if (text.value.trim() !== '') conversation.typing();
});

quit.addEventListener('click', () => {
  conversation.quit();
  farewell.textContent = words.farewell;
});

retry.addEventListener('click', () => {
  conversation.reconnect();
  text.focus();
});

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  showUnread(0);
  if (conversation.status === 'lost') conversation.reconnect();
});
window.addEventListener('pagehide', () => {
  const { me, status } = conversation;
  leavePageState({ me, inRoom: status !== 'out', drafts: { ...earlier?.drafts, [channel]: text.value } });
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) takePageState();
});

// Where the keyboard covers the page instead of shrinking it (iOS), the page is shrunk here.
window.visualViewport?.addEventListener('resize', () => {
  document.documentElement.style.setProperty('--height', `${window.visualViewport?.height}px`);
});

showUnread(0);
roomBar.show();
roomBar.listen();
conversation.listen();
messages.listen();
people.listen();
name.value = rememberedName();
text.value = earlier?.drafts[channel] ?? '';
if (earlier?.inRoom) {
  enter();
} else {
  entry.hidden = false;
  name.focus();
}
