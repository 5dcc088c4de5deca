/**
 * Decides who may connect before the handshake is answered. Here a session is a cookie whose value is looked up in a
 * map; in your application it is your own session.
 */
import { type UpgradeRequest, type User, WebSocketServer } from 'zocalo';

const sessions = new Map([
  ['3f1c', { name: 'Ana' }],
  ['9b2e', { name: 'Luis' }],
]);

class MembersOnly extends WebSocketServer {
  override async onUpgrade(request: UpgradeRequest) {
    const session = /(?:^|;\s*)session=([^;]+)/.exec(String(request.headers.cookie))?.[1];
    const member = sessions.get(session ?? '');
    if (!member) return { refuse: 401, reason: 'Log in first' };
    const room = request.query.get('room') ?? 'plaza';
    return { data: { name: member.name, room } };
  }

  override onConnect(user: User) {
    user.subscribe(user.data.room);
    this.publish(user.data.room, `${user.data.name} is here`);
  }

  override onMessage(user: User, message: string | Uint8Array) {
    if (typeof message === 'string') this.publish(user.data.room, `${user.data.name}: ${message}`, { except: user });
  }

  override onClose(user: User) {
    this.publish(user.data.room, `${user.data.name} has left`);
  }
}

await new MembersOnly(`ws://localhost:${process.env.PORT ?? 9000}`).run();
