/** The admin page: shows in tables and charts what the daemon sends each second. */
import { Client } from '../../src/client/index.ts';
import {
  ADMIN_CHANNEL,
  type AdminNews,
  type AdminSession,
  type ChannelRow,
  type ConnectionRow,
  type Mishap,
  type Sample,
} from '../../src/server/admin/view.ts';
import { create, find, label } from '../dom.ts';
import { languageFor } from '../words.ts';
import { Api, ApiError } from './api.ts';
import { Chart } from './chart.ts';
import { LinksView } from './links.ts';
import { NodesView } from './nodes.ts';
import { short } from './numbers.ts';
import { Table } from './table.ts';
import { TrafficView } from './traffic.ts';
import { adminWordsFor } from './words.ts';

/** Five minutes. */
const SAMPLES = 300;

const language = languageFor(navigator.languages);
const words = adminWordsFor(language);
label(document, language, words);
/** With its region, which determines the format of times. */
const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

const entry = find('entry', HTMLFormElement);
const key = find('key', HTMLInputElement);
const entryTrouble = find('entry-trouble', HTMLParagraphElement);
const board = find('board', HTMLDivElement);
const state = find('state', HTMLParagraphElement);
const facts = find('facts', HTMLParagraphElement);
const leave = find('leave', HTMLButtonElement);
const figures = find('figures', HTMLElement);
const publish = find('publish', HTMLFormElement);
const outcome = find('publish-outcome', HTMLParagraphElement);
const send = find('send', HTMLFormElement);
const sendUser = find('send-user', HTMLInputElement);
const sendData = find('send-data', HTMLTextAreaElement);
const sendOutcome = find('send-outcome', HTMLParagraphElement);
const usersOutcome = find('users-outcome', HTMLParagraphElement);

const api = new Api();
const client = new Client(new URL('/', location.href.replace(/^http/, 'ws')).href, {
  token: async () => (await api.session()).token,
});
const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
const dated = new Intl.DateTimeFormat(locale, { dateStyle: 'short', timeStyle: 'medium' });
const count = (value: number) => short(value, locale);
const decimals = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const traffic = new TrafficView(client, api, words, (at) => dated.format(at));
let samples: Sample[] = [];

const chartWords = { time: words.time, language: locale };
const charts = [
  new Chart(
    find('chart-messages', HTMLDivElement),
    [
      { label: words.out, color: '--red', value: ({ delivered }) => delivered },
      { label: words.in, color: '--tint-1', value: ({ received }) => received },
      { label: words.published, color: '--good', value: ({ published }) => published },
    ],
    chartWords,
  ),
  new Chart(
    find('chart-connections', HTMLDivElement),
    [
      { label: words.connections, color: '--red', value: ({ connections }) => connections },
      { label: words.users, color: '--tint-1', value: ({ users }) => users },
    ],
    chartWords,
  ),
  new Chart(
    find('chart-delay', HTMLDivElement),
    [{ label: 'ms', color: '--red', value: ({ delay }) => delay }],
    chartWords,
  ),
];

const time = (at: number) => clock.format(at);

function button(text: string, action: () => void): HTMLButtonElement {
  const element = create('button', 'small', text);
  element.type = 'button';
  element.addEventListener('click', action);
  return element;
}

const channels = new Table<ChannelRow>(
  find('channels', HTMLTableElement),
  [
    { title: words.channel, cell: ({ name }) => name },
    { title: words.rate, number: true, cell: ({ rate }) => (rate === 0 ? '0' : decimals.format(rate)) },
    { title: words.subscribers, number: true, cell: ({ subscribers }) => count(subscribers) },
    { title: words.members, number: true, cell: ({ members }) => (members === undefined ? '' : count(members)) },
    { title: '', cell: ({ name }) => button(words.watch, () => void traffic.watch('channel', name)) },
  ],
  ({ name }) => name,
  words.nobodySubscribed,
);

const connections = new Table<ConnectionRow>(
  find('connections', HTMLTableElement),
  [
    { title: words.user, cell: ({ user, id }) => user ?? id.slice(0, 8) },
    { title: words.address, word: true, cell: ({ address }) => address ?? '' },
    { title: words.since, word: true, cell: ({ since }) => time(since) },
    { title: words.channels, number: true, cell: ({ channels }) => String(channels) },
    { title: '', cell: ({ user }) => (user === undefined ? '' : userButtons(user)) },
  ],
  ({ id, user }) => `${id} ${user}`,
  words.nobodyHere,
);

function userButtons(user: string): Node {
  const buttons = create('div', 'buttons');
  buttons.append(
    button(words.watch, () => void traffic.watch('user', user)),
    button(words.send, () => {
      sendUser.value = user;
      sendOutcome.textContent = '';
      send.scrollIntoView({ block: 'nearest' });
      sendData.focus();
    }),
    button(words.disconnect, () => {
      if (confirm(words.confirmDisconnect(user)))
        report(
          usersOutcome,
          api.disconnect(user).then(({ connections }) => words.disconnected(user, connections)),
        );
    }),
    button(words.revoke, () => {
      if (confirm(words.confirmRevoke(user)))
        report(
          usersOutcome,
          api.revoke(user).then(() => words.revoked(user)),
        );
    }),
  );
  return buttons;
}

/** Shows the outcome there. */
function report(place: HTMLElement, outcome: Promise<string>): void {
  place.textContent = '';
  outcome
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    .then((sentence) => {
      place.textContent = sentence;
    });
}

function mishaps(id: string, none: string): Table<Mishap> {
  return new Table<Mishap>(
    find(id, HTMLTableElement),
    [
      { title: words.when, word: true, cell: ({ at }) => time(at) },
      { title: words.code, word: true, cell: ({ code }) => code },
      { title: words.channel, cell: ({ channel = '' }) => channel },
      { title: words.reason, cell: ({ message = '' }) => message },
      { title: words.user, cell: ({ user, connection = '' }) => user ?? connection.slice(0, 8) },
      { title: words.address, word: true, cell: ({ address = '' }) => address },
    ],
    ({ at, code, connection = '', channel = '' }) => `${at} ${code} ${connection} ${channel}`,
    none,
  );
}
const slow = mishaps('slow', words.nobodySlow);
const errors = mishaps('errors', words.nothingRefused);

const links = new LinksView(words, locale);
const nodes = new NodesView(words, locale, dated);

function showFigures(sample: Sample): void {
  const shown: [string, string][] = [
    [words.connections, count(sample.connections)],
    [words.users, count(sample.users)],
    [words.channels, count(sample.channels)],
    [words.messagesIn, count(sample.received)],
    [words.messagesOut, count(sample.delivered)],
    [words.publishedRate, count(sample.published)],
    [words.eventLoop, `${decimals.format(sample.delay)} ms`],
    [words.processor, `${Math.round(sample.cpu * 100)} %`],
    [words.memory, sample.memory === undefined ? '–' : `${Math.round(sample.memory / 2 ** 20)} MiB`],
  ];
  figures.replaceChildren(
    ...shown.map(([name, value]) => {
      const box = create('div');
      box.append(create('dt', '', name), create('dd', '', value));
      return box;
    }),
  );
}

function show(news: AdminNews): void {
  samples = [...samples, news.sample].slice(-SAMPLES);
  showFigures(news.sample);
  for (const chart of charts) chart.show(samples);
  channels.set(news.channels);
  connections.set(news.connections);
  slow.set(news.slow);
  links.show(news.links);
  nodes.show(news.nodes);
  errors.set(news.errors);
}

function showBoard(session: AdminSession): void {
  entry.hidden = true;
  board.hidden = leave.hidden = false;
  facts.textContent = words.version(session.version, dated.format(session.started));
  samples = session.samples;
  const last = samples.at(-1);
  if (last) {
    showFigures(last);
    for (const chart of charts) chart.show(samples);
  }
  client.subscribe<AdminNews>(ADMIN_CHANNEL).on('message', ({ data }) => show(data));
}

function showEntry(trouble = ''): void {
  board.hidden = leave.hidden = true;
  entry.hidden = false;
  entryTrouble.textContent = trouble;
  entryTrouble.hidden = trouble === '';
  key.focus();
}

async function enter(): Promise<void> {
  try {
    showBoard(await api.session());
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) api.forget();
    showEntry(error instanceof Error ? error.message : String(error));
  }
}

entry.addEventListener('submit', (event) => {
  event.preventDefault();
  api.use(key.value.trim());
  key.value = '';
  void enter();
});

leave.addEventListener('click', () => {
  traffic.stop();
  client.close();
  api.forget();
  showEntry();
});

publish.addEventListener('submit', (event) => {
  event.preventDefault();
  const channel = find('publish-channel', HTMLInputElement).value.trim();
  const { value } = find('publish-data', HTMLTextAreaElement);
  report(
    outcome,
    checked(value)
      .then((data) => api.publish(channel, data))
      .then(({ at }) => (at ? words.inTheLog(at[1]) : words.passedOn)),
  );
});

send.addEventListener('submit', (event) => {
  event.preventDefault();
  report(
    sendOutcome,
    checked(sendData.value)
      .then((data) => api.send(sendUser.value, data))
      .then(({ connections }) => words.reached(connections)),
  );
});

/** Rejects with the reason if it is not JSON. */
async function checked(text: string): Promise<string> {
  JSON.parse(text);
  return text;
}

const STATES = {
  open: words.live,
  connecting: words.connecting,
  waiting: words.connectionLost,
  closed: words.notConnected,
} as const;
client.on('state', (now) => {
  state.dataset.status = now;
  state.textContent = STATES[now];
});
client.on('error', (error) => console.warn(error));

for (const table of [channels, connections, slow, errors, links, nodes]) table.draw();
for (const chart of charts) chart.listen();
traffic.listen();
if (api.hasKey) void enter();
else showEntry();
