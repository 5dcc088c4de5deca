import { encodePublished, type JsonText, type PublishOptions } from '../../protocol/index.ts';
import { isThenable } from '../../thenable.ts';
import { permit } from '../channels/permit.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

export function pub(
  context: HubContext,
  connection: Connection,
  id: number,
  name: string,
  data: JsonText,
  { key, echo = true, keep }: PublishOptions,
): Promise<void> | undefined {
  const rules = context.rules.forClients(name);
  if (rules.rate !== undefined) connection.takeRate(name, rules.rate);
  const permission = permit('publish', rules, connection, name);
  // Publications are passed to the log in order; their answers are not waited for.
  const send = (fitting: JsonText) => {
    context.publisher
      .publish(name, rules, fitting, { key, keep, from: connection, except: echo ? undefined : connection })
      .then(
        (at) => connection.tellLine(encodePublished(id, at)),
        (error) => connection.refuse(id, error, name),
      );
  };
  const check = () => {
    const fitting = context.contract.publication(name, data);
    return isThenable(fitting) ? fitting.then(send) : send(fitting);
  };
  return permission ? permission.then(check) : (check() ?? undefined);
}
