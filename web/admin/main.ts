/** The admin's page: joins what the daemon tells each second to the tables and charts. */
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
import { create, find } from '../dom.ts';
import { Api, ApiError } from './api.ts';
import { Chart, short } from './chart.ts';
import { Table } from './table.ts';
import { TrafficView } from './traffic.ts';

/** Five minutes. */
const SAMPLES = 300;

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

const api = new Api();
const client = new Client(new URL('/', location.href.replace(/^http/, 'ws')).href, {
  token: async () => (await api.session()).token,
});
const traffic = new TrafficView(client, api);
let samples: Sample[] = [];

const charts = [
  new Chart(find('chart-messages', HTMLDivElement), [
    { label: 'out', color: '--red', value: ({ delivered }) => delivered },
    { label: 'in', color: '--tint-1', value: ({ received }) => received },
    { label: 'published', color: '--good', value: ({ published }) => published },
  ]),
  new Chart(find('chart-connections', HTMLDivElement), [
    { label: 'connections', color: '--red', value: ({ connections }) => connections },
    { label: 'users', color: '--tint-1', value: ({ users }) => users },
  ]),
  new Chart(find('chart-delay', HTMLDivElement), [{ label: 'ms', color: '--red', value: ({ delay }) => delay }]),
];

const time = (at: number) => new Date(at).toLocaleTimeString();

function button(text: string, action: () => void): HTMLButtonElement {
  const element = create('button', 'small', text);
  element.type = 'button';
  element.addEventListener('click', action);
  return element;
}

const channels = new Table<ChannelRow>(
  find('channels', HTMLTableElement),
  [
    { title: 'Channel', cell: ({ name }) => name },
    { title: 'Messages/s', number: true, cell: ({ rate }) => (rate === 0 ? '0' : rate.toFixed(1)) },
    { title: 'Subscribers', number: true, cell: ({ subscribers }) => short(subscribers) },
    { title: 'Members', number: true, cell: ({ members }) => (members === undefined ? '' : short(members)) },
    { title: '', cell: ({ name }) => button('Watch', () => void traffic.watch('channel', name)) },
  ],
  ({ name }) => name,
  'Nobody is subscribed to anything.',
);

const connections = new Table<ConnectionRow>(
  find('connections', HTMLTableElement),
  [
    { title: 'User', cell: ({ user, id }) => user ?? id.slice(0, 8) },
    { title: 'Address', cell: ({ address }) => address ?? '' },
    { title: 'Since', cell: ({ since }) => time(since) },
    { title: 'Channels', number: true, cell: ({ channels }) => String(channels) },
    { title: '', cell: ({ user }) => (user === undefined ? '' : userButtons(user)) },
  ],
  ({ id }) => id,
  'Nobody is here.',
);

function userButtons(user: string): Node {
  const both = document.createDocumentFragment();
  const out = button('Disconnect', () => {
    if (confirm(`End all connections of ${user}?`)) api.disconnect(user).catch(showTrouble);
  });
  both.append(
    button('Watch', () => void traffic.watch('user', user)),
    ' ',
    out,
  );
  return both;
}

function mishaps(id: string, none: string): Table<Mishap> {
  return new Table<Mishap>(
    find(id, HTMLTableElement),
    [
      { title: 'When', cell: ({ at }) => time(at) },
      { title: 'What', cell: ({ code }) => code },
      { title: 'Who', cell: ({ user, connection = '' }) => user ?? connection.slice(0, 8) },
      { title: 'Where', cell: ({ channel = '' }) => channel },
      { title: 'Why', cell: ({ message = '' }) => message },
    ],
    ({ at, code, connection }) => `${at} ${code} ${connection}`,
    none,
  );
}
const slow = mishaps('slow', 'Everybody keeps up.');
const errors = mishaps('errors', 'Nothing was refused.');

function showFigures(sample: Sample): void {
  const shown: [string, string][] = [
    ['Connections', short(sample.connections)],
    ['Users', short(sample.users)],
    ['Channels', short(sample.channels)],
    ['Messages in/s', short(sample.received)],
    ['Messages out/s', short(sample.delivered)],
    ['Published/s', short(sample.published)],
    ['Event loop p99', `${sample.delay.toFixed(1)} ms`],
    ['Processor', `${Math.round(sample.cpu * 100)} %`],
    ['Memory', sample.memory === undefined ? '–' : `${Math.round(sample.memory / 2 ** 20)} MiB`],
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
  errors.set(news.errors);
}

function showTrouble(error: unknown): void {
  outcome.textContent = error instanceof Error ? error.message : String(error);
}

function showBoard(session: AdminSession): void {
  entry.hidden = true;
  board.hidden = leave.hidden = false;
  facts.textContent = `Version ${session.version}, since ${new Date(session.started).toLocaleString()}`;
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

publish.addEventListener('submit', async (event) => {
  event.preventDefault();
  outcome.textContent = '';
  const channel = find('publish-channel', HTMLInputElement).value.trim();
  try {
    const data = find('publish-data', HTMLTextAreaElement).value;
    JSON.parse(data); // it says what is wrong
    const { at } = await api.publish(channel, data);
    outcome.textContent = at ? `It is in the log, at ${at[1]}.` : 'It was passed on.';
  } catch (error) {
    showTrouble(error);
  }
});

const STATES = {
  open: 'Live',
  connecting: 'Connecting…',
  waiting: 'Connection lost',
  closed: 'Not connected',
} as const;
client.on('state', (now) => {
  state.dataset.status = now;
  state.textContent = STATES[now];
});
client.on('error', (error) => console.warn(error));

for (const table of [channels, connections, slow, errors]) table.draw();
for (const chart of charts) chart.listen();
traffic.listen();
if (api.hasKey) void enter();
else showEntry();
