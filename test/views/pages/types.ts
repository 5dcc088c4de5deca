/** Not run: the compiler must take what is right here, and refuse what is marked. */
import { type ComputedRef, ref } from 'vue';
import {
  type AnswerName,
  answer,
  type ChannelInput,
  type ChannelName,
  Client,
  contract,
  type MethodName,
  type Position,
} from 'zocalo-client';
import * as react from 'zocalo-client/react';
import * as svelte from 'zocalo-client/svelte';
import { channelView, type Row } from 'zocalo-client/views';
import * as vue from 'zocalo-client/vue';

/** A schema of any library. What is read may differ from what is published. */
declare function schema<Input, Output = Input>(): {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: 'test';
    readonly validate: (value: unknown) => { readonly value: Output };
    readonly types?: { readonly input: Input; readonly output: Output };
  };
};

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(_?: T): void => {};

const agreed = contract({
  channels: { 'chat:*': schema<{ text: string }, { text: string; at: number }>(), news: schema<{ title: string }>() },
  methods: { rename: { data: schema<{ name: string }>(), result: schema<boolean>() } },
  answers: { confirm: { data: schema<{ text: string }>(), result: schema<boolean>() } },
});
const client = new Client<typeof agreed>('ws://localhost');
const plain = new Client('ws://localhost');
declare const room: string;

is<Same<ChannelName<typeof agreed>, `chat:${string}` | 'news'>>();
is<Same<ChannelInput<typeof agreed, 'news'>, { title: string }>>();

client.subscribe('chat:42').on('message', ({ data }) => is<Same<typeof data, { text: string; at: number }>>());
client.subscribe('chat:42').publish({ text: 'hola' });
client.publish('news', { title: 'hola' });
client.subscribe('*'); // patterns may cover more
client.subscribe(room);
client.publish(room, 'unknown');
client.history('news').then(({ messages }) => is<Same<(typeof messages)[0]['data'], { title: string }>>());
is<Same<MethodName<typeof agreed>, 'rename'>>();
client.call('rename', { name: 'Ana' }).then((result) => is<Same<typeof result, boolean>>());
// @ts-expect-error: no such channel
client.subscribe('chatt:42');
// @ts-expect-error: no such channel
client.publish('new', { title: 'hola' });
// @ts-expect-error: the contract has a title there
client.publish('news', { titel: 'hola' });
// @ts-expect-error: no such channel
client.history('new');
// @ts-expect-error: no such method
client.call('renam', { name: 'Ana' });
// @ts-expect-error: the method takes a name
client.call('rename', { nam: 'Ana' });
is<Same<AnswerName<typeof agreed>, 'confirm'>>();
answer(client, 'confirm', ({ text }) => is<Same<typeof text, string>>() === undefined);
answer(client, 'confirm', async (_, { signal }) => signal.aborted);
// @ts-expect-error: no such method
answer(client, 'confrim', () => true);
// @ts-expect-error: the result is a boolean
answer(client, 'confirm', () => 'yes');
// @ts-expect-error: the data has a text
answer(client, 'confirm', ({ txt }) => txt);
answer(plain, 'anything', (data) => data.anything);
answer<{ text: string }>(plain, 'anything', ({ text }) => is<Same<typeof text, string>>());
answer(client, room, () => 1);
plain.call('anything', 1);
plain.subscribe<string>('anything').publish('hola');

export function Room(): void {
  const chat = react.useChannel(client, 'chat:42', { recent: 5, member: { name: 'Ana' } });
  is<Same<(typeof chat.messages)[0], Row<{ text: string; at: number }>>>();
  const position: Promise<Position | undefined> = chat.publish({ text: 'hola' });
  const key: string | undefined = chat.publish({ text: 'hola' }).key;
  // @ts-expect-error: the contract has a text there
  chat.publish({ txt: 'hola' });
  // @ts-expect-error: no such channel
  react.useChannel(client, 'chatt:42');
  // @ts-expect-error: no such channel
  react.usePresence(client, 'new');
  // @ts-expect-error: no such option
  react.useChannel(client, 'news', { recnt: 5 });
  // @ts-expect-error: what was published is not changed
  chat.messages[0]!.data = { text: '', at: 0 };
  // @ts-expect-error: snapshots are not changed
  chat.messages.push(chat.messages[0]!);
  react.usePresence(client, 'news').members.get('ana')?.data;
  // A name that is only known at run time.
  react.useChannel(client, room).publish({ anything: 1 });
  // Without a contract, any channel has unknown data, or what we say.
  const typed = react.useChannel<{ text: string }>(plain, 'chat:42');
  is<Same<(typeof typed.messages)[0]['data'], { text: string }>>();
  // @ts-expect-error: we said what the data is
  typed.publish('hola');
  react.useConnection(client).why?.message;
  void [position, key];
}

export function setup(): void {
  const chat = vue.useChannel(client, () => 'chat:42' as const, { recent: 5 });
  is<Same<typeof chat.messages, ComputedRef<readonly Row<{ text: string; at: number }>[]>>>();
  chat.publish({ text: 'hola' });
  // @ts-expect-error: the contract has a text there
  chat.publish({ txt: 'hola' });
  // @ts-expect-error: no such channel
  vue.useChannel(client, 'chatt:42');
  // @ts-expect-error: no such channel
  vue.usePresence(client, 'new');
  vue.useChannel(client, ref(room));
  const typed = vue.useChannel<{ text: string }>(plain, ref(room));
  is<Same<(typeof typed.messages.value)[0]['data'], { text: string }>>();
}

const chat = svelte.channel(client, 'chat:42');
chat.subscribe(({ messages }) => is<Same<(typeof messages)[0]['data'], { text: string; at: number }>>());
chat.publish({ text: 'hola' });
// @ts-expect-error: the contract has a text there
chat.publish({ txt: 'hola' });
// @ts-expect-error: no such channel
svelte.channel(client, 'chatt:42');
// @ts-expect-error: no such channel
svelte.presence(client, 'new');
svelte.channel<string>(plain, 'anything').publish('hola');

const view = channelView(client, 'news');
is<Same<ReturnType<typeof view.getSnapshot>['messages'][0]['data'], { title: string }>>();
// @ts-expect-error: no such channel
channelView(client, 'new');
