import { createSSRApp, defineComponent, h, type PropType, shallowRef } from 'vue';
import type { Client } from 'zocalo-client';
import { useChannel, useConnection, usePresence } from 'zocalo-client/vue';

const Room = defineComponent({
  props: { client: { type: Object as PropType<Client>, required: true } },
  setup({ client }) {
    const { state } = useConnection(client);
    const { messages, hasOlder } = useChannel<string>(client, 'chat:42', {
      recent: 5,
      presence: true,
      member: { name: 'Ana', photo: new Uint8Array([1]) },
    });
    const presence = usePresence(client, 'chat:42');
    return () =>
      h(
        'ol',
        { title: `${state.value} ${presence.value.count} ${hasOlder.value}` },
        messages.value.map(({ id, data }) => h('li', { key: id }, data)),
      );
  },
});

export function makeApp(client: Client) {
  const turn = shallowRef(0);
  return { turn, app: createSSRApp({ setup: () => () => h(Room, { key: turn.value, client }) }) };
}
