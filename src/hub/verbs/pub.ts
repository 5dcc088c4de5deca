import { type JsonText, type PublishOptions, publishedText } from '../../protocol/index.ts';
import { isThenable } from '../../thenable.ts';
import { accept, requirePublisher } from '../channels/acceptance.ts';
import type { Connection } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';

export function pub(
  context: HubContext,
  connection: Connection,
  id: number,
  name: string,
  data: JsonText,
  { key, echo = true, keep, event }: PublishOptions,
): Promise<void> | undefined {
  const rules = context.rules.forClients(name);
  if (rules.rate !== undefined) connection.takeRate(name, rules.rate);
  requirePublisher(rules, connection, name);
  // Publications are passed to the log in order; their answers are not waited for.
  const send = (accepted: JsonText): undefined => {
    connection.owe();
    const sent = accepted === data ? undefined : data.text;
    const { publishing } = connection;
    const sequence = publishing.begin(name);
    context.publisher
      .publish(name, rules, accepted, {
        key,
        keep,
        event,
        sent,
        from: connection,
        except: echo ? undefined : connection,
        sequence,
      })
      .then(
        (at) => {
          publishing.end(name, sequence, false);
          connection.tell(['ok', id, publishedText(at)]);
          connection.pay();
        },
        (error) => {
          publishing.end(name, sequence, true);
          connection.refuse(id, error, name);
          connection.pay();
        },
      );
  };
  const accepted = accept(context.contract, rules, connection, name, data, { key, event, keep });
  if (!isThenable(accepted)) return send(accepted);
  connection.owe();
  return accepted.then(
    (data) => {
      send(data);
      connection.pay();
    },
    (error) => {
      connection.pay();
      throw error;
    },
  );
}
