import type { Membership } from '../../nodes/index.ts';
import { JsonText } from '../../protocol/index.ts';
import type { Channels } from './channels.ts';
import { groupOf, snapshotOf } from './presence.ts';
import type { ChannelRules } from './rules.ts';

/** Where to look for the members of a channel. */
export interface PresenceSources {
  readonly rules: ChannelRules;
  readonly channels: Channels;
  readonly membership: Membership;
}

/** The members of a channel on all nodes: a `Presence`. Rejects with LOG_… when it must be read and cannot. */
export async function presenceOf({ rules, channels, membership }: PresenceSources, name: string): Promise<JsonText> {
  const here = channels.get(name)?.presence;
  if (here?.isKnown) return JsonText.written(here.snapshot);
  const { presence, maxMembers } = rules.of(name);
  const group = groupOf(name);
  if (presence === 'count') return JsonText.written(snapshotOf((await membership.counts([group]))[0]!, undefined));
  const members = [...(await membership.members(group)).values()];
  const list = `[${members.join()}]`;
  return JsonText.written(snapshotOf(members.length, list.length > maxMembers ? undefined : list));
}
