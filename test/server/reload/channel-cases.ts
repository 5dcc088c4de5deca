import { settle } from '../../support/turn.ts';
import type { Cases, Place } from './place.ts';

const channel = (options: object) => ({ channels: { 'c:*': options } });
const publish = (data: unknown) => async (place: Place) => {
  const answer = await (await place.guest()).ask('pub', place.channel(), data);
  return typeof answer === 'string' ? answer : 'published';
};

export const CHANNEL_CASES: Cases = {
  'channels.*.history.size': {
    values: [2, 5],
    sees: [2, 3],
    look: async (place) => {
      const { hub } = place.daemon;
      const name = place.channel();
      for (let n = 0; n < 3; n++) await hub.publish(name, n);
      return (await hub.history(name)).entries.length;
    },
  },
  'channels.*.history.ttl': {
    values: ['7d', '1ms'],
    sees: ['kept', 'gone'],
    look: async (place) => {
      const name = place.channel();
      await place.daemon.hub.publish(name, 1);
      for (let tries = 0; tries < 20; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if ((await place.daemon.hub.history(name)).entries.length === 0) return 'gone';
      }
      return 'kept';
    },
  },
  'channels.*.presence': {
    values: [false, true],
    sees: ['NOT_OFFERED', { count: 0, members: [] }],
    look: async (place) => (await place.guest()).ask('get', 'presence', place.channel()),
  },
  'channels.*.subscribe': {
    values: ['nobody', 'everyone'],
    sees: ['FORBIDDEN', 'object'],
    look: async (place) => {
      const answer = await (await place.guest()).ask('sub', place.channel());
      return typeof answer === 'string' ? answer : typeof answer;
    },
  },
  'channels.*.publish': {
    values: ['nobody', 'everyone'],
    sees: ['FORBIDDEN', 'published'],
    look: publish(1),
  },
  'channels.*.rate': {
    base: channel({ publish: 'everyone' }),
    values: [1, 2],
    sees: [2, 4], // twice that at once
    look: async (place) => {
      const guest = await place.guest();
      const name = place.channel();
      const answers = [];
      for (let n = 0; n < 9; n++) answers.push(await guest.ask('pub', name, n));
      return answers.filter((answer) => answer !== 'RATE_LIMITED').length;
    },
  },
  'channels.*.maxData': {
    base: channel({ publish: 'everyone' }),
    values: ['10B', '1KiB'],
    sees: ['TOO_LARGE', 'published'],
    look: publish('x'.repeat(100)),
  },
  'channels.*.maxMember': {
    base: channel({ presence: true }),
    values: ['10B', '1KiB'],
    sees: ['TOO_LARGE', 'object'],
    look: async (place) => {
      const options = { presence: true, member: 'x'.repeat(100) };
      const answer = await (await place.guest()).ask('sub', place.channel(), options);
      return typeof answer === 'string' ? answer : typeof answer;
    },
  },
  'channels.*.maxMembers': {
    base: channel({ presence: true }),
    values: ['10B', '1KiB'],
    sees: [['count'], ['members']],
    look: async (place) => {
      const name = place.channel();
      for (let n = 0; n < 2; n++) await (await place.guest()).ask('sub', name, { member: n });
      const answer = (await (await place.guest()).ask('sub', name, { presence: true })) as object;
      return Object.keys(answer).filter((name) => ['count', 'members'].includes(name));
    },
  },
  'channels.*.slow': {
    values: ['close', 'resume'],
    sees: [1013, undefined],
    look: async (place) => {
      const guest = await place.guest();
      await guest.ask('sub', place.channel());
      guest.connection.slow();
      return guest.wire.closed?.[0];
    },
  },
  'channels.*.latestBy': {
    base: channel({ slow: 'latest' }),
    values: [undefined, 'id'],
    sees: [['b2'], ['a2', 'b2']],
    look: async (place) => {
      const guest = await place.guest();
      const name = place.channel();
      await guest.ask('sub', name);
      guest.wire.stick();
      guest.connection.slow();
      for (const text of ['a1', 'b1', 'a2', 'b2']) await place.daemon.hub.publish(name, { id: text[0], text });
      guest.wire.free();
      await settle();
      return guest.publications().map((publication) => (publication as [number, { text: string }])[1].text);
    },
  },
  'channels.*.patterns': {
    values: [false, true],
    sees: ['NOT_OFFERED', {}],
    look: async (place) => (await place.guest()).ask('sub', 'c:*'),
  },
};
