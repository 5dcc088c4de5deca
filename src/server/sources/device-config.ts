import { z } from 'zod';
import {
  channelTemplate,
  commandBytes,
  DEVICE_LIMITS,
  dataTemplate,
  HTTP_PRESETS,
  type JsonValue,
  MQTT_FORM,
  parseBroker,
  TopicPattern,
  textTemplate,
} from '../../sources/index.ts';
import { parseAddress } from '../../stream/index.ts';
import { into } from '../databases/index.ts';
import { durationOf, isNetwork, text } from '../value-types/index.ts';
import { decode, frame, refuse } from './frame-config.ts';

const FORMS = 'tcp://host:port, tls://host:port, udp://host:port, or unix:/path';

const address = text((value) => /^(tcp|tls|udp|unix):/i.test(value), `an address like ${FORMS}`).superRefine(
  (value, context) => refuse(context, () => parseAddress(value)),
);

function template(make: (template: string) => unknown, allowed: string) {
  return z
    .string()
    .superRefine((value, context) => refuse(context, () => make(value)))
    .meta({ allowed });
}

const fields = template(textTemplate, 'a text with fields, like {imei}');

/** The name of a device is read from such a channel too, so that it stands there once, and nothing else does. */
function ofDevice(what: string) {
  const allowed = `a channel's name with {device} once and no other field, like door:{device}:${what}`;
  return text((value) => value.replace('{device}', '').match(/[{}]/) === null && value.includes('{device}'), allowed)
    .superRefine((value, context) => refuse(context, () => channelTemplate(value)))
    .meta({ allowed });
}

const file = z.string().meta({ allowed: 'the name of a PEM file' });
const limit = z.int().positive();

export const addresses = z.array(text(isNetwork, 'an address or network, like 192.0.2.4 or 192.0.2.0/24')).optional();

const channel = template(channelTemplate, "a channel's name with fields, like door:{device}").describe(
  "The channel of a reading, with fields of what was decoded, like 'door:{device}'.",
);
const commands = ofDevice('commands')
  .optional()
  .describe("The channel of a device's commands: what is published there is sent to the device, also later.");
const data = z
  .unknown()
  .superRefine((value, context) => refuse(context, () => dataTemplate(value as JsonValue)))
  .optional()
  .meta({ allowed: 'any data with fields, like {badge: "{user}"}', whole: true })
  .describe('What is published, with fields. Default: all of what was decoded.');
export const readingsInto = into.optional().describe('A table that readings are written to, as for sinks.');
const key = fields
  .optional()
  .describe('The same when a device sends a reading again, which is then stored once. Default: all are different.');
const only = z
  .literal('changed')
  .optional()
  .describe('changed: a reading that says what the one before said is left out.');
const names = z.array(z.union([z.string().min(1), z.int()]).transform(String));
const tls = z
  .strictObject({
    cert: file.optional().describe("The PEM file of the certificate and its chain. With dial: this side's own."),
    key: file.optional().describe('The PEM file of its private key.'),
    ca: file.optional().describe('The PEM file of the authorities that sign the certificates of the other side.'),
  })
  .optional()
  .describe('For tls://. With listen, the files are watched; otherwise they are read when the source opens.');
const command = z
  .union([z.string(), z.strictObject({ hex: z.string() })])
  .superRefine((value, context) => refuse(context, () => commandBytes(value)))
  .meta({ allowed: 'a text, or bytes like {hex: "01 03"}' });

export const device = z
  .strictObject({
    listen: address.optional().describe(`Where devices connect: ${FORMS}.`),
    dial: address.optional().describe('The address of a device that waits to be called, written as for listen.'),
    file: text((value) => value.startsWith('/'), 'a path like /dev/ttyUSB0')
      .optional()
      .describe('The path of a serial port, another device of the system, or a FIFO.'),
    poll: z
      .strictObject({
        every: durationOf({ least: 1 }).describe('From one round of requests to the next.'),
        send: z
          .union([command, z.array(command).min(1)])
          .meta({ allowed: 'a text, bytes like {hex: "01 03"}, or a list of such', whole: true })
          .describe('The payload of a request, or a list of several, each sent after the answer to the one before.'),
        timeout: durationOf({ least: 1 }).prefault('3s').describe('How long an answer may take.'),
      })
      .optional()
      .describe('Asks devices that do not speak by themselves.'),
    frame: frame.describe('Where a frame ends: the name of a preset, or a map with kind.'),
    decode: decode
      .optional()
      .describe(
        "How data is made of a frame: a map with kind, or with program. Default: the preset's, or the frame as text.",
      ),
    channel,
    commands,
    state: ofDevice('state')
      .optional()
      .describe('The channel that tells whether a device is here: {device, here, lastSeen}.'),
    data,
    into: readingsInto,
    device: fields
      .optional()
      .describe("The name of a device, like '{imei}'. Default: as the preset says; with dial or file, its address."),
    key,
    reply: z
      .string()
      .superRefine((value, context) => refuse(context, () => value === 'auto' || textTemplate(value)))
      .default('auto')
      .meta({ allowed: 'auto, or a text with fields, like "OK {serial}\\r\\n"' })
      .describe('What a device is sent when its reading is stored: auto (as the preset says), or a text with fields.'),
    only,
    ids: names
      .optional()
      .meta({ allowed: 'a list of names of devices' })
      .describe('The names that devices may have. Default: any.'),
    addresses: addresses.describe('The addresses and networks from which devices may connect. Default: any.'),
    connections: limit
      .default(DEVICE_LIMITS.connections)
      .describe('How many may be connected. Beyond it, the oldest that has not sent a good frame makes room.'),
    silence: durationOf()
      .prefault(DEVICE_LIMITS.silence)
      .describe('After this silence a connection is ended; 0: never, TCP notices a device that is gone.'),
    giveUp: durationOf({ least: 1 }).prefault('30s').describe('After this silence a frame that has begun is given up.'),
    tls,
  })
  .superRefine((value, context) => {
    const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const ways = (['listen', 'dial', 'file'] as const).filter((way) => value[way] !== undefined);
    if (ways.length === 0) say('listen', 'is missing, and so are dial and file: where do readings come from?');
    if (ways.length > 1) say(ways[1]!, `must not stand beside ${ways[0]}`);
    if (/^tls:/i.test(value.listen ?? ''))
      for (const name of ['cert', 'key'] as const)
        if (value.tls?.[name] === undefined) say('tls', `must name the file of its ${name}, since listen is tls://`);
  });

export const mqtt = z
  .strictObject({
    mqtt: z
      .string()
      .superRefine((value, context) => refuse(context, () => new TopicPattern(parseBroker(value).topic)))
      .meta({ allowed: MQTT_FORM, hidden: true })
      .describe(`A broker and its topic: ${MQTT_FORM}, with mqtts: by TLS. A level like {device} is a field.`),
    client: text((value) => /^[\w.-]{1,64}$/.test(value), 'a name of letters, digits, -, . and _')
      .optional()
      .describe("The name of this client at the broker, of one daemon only. Default: zocalo- and the source's name."),
    version: z.literal([5, '3.1.1']).default(5).describe('The version of MQTT.'),
    decode: decode
      .optional()
      .describe('How data is made of a message: a map with kind, or with program. Default: it is text.'),
    channel,
    commands,
    topic: fields
      .optional()
      .describe("The topic of a device's commands, like 'sensors/{device}/set': needed with commands."),
    data,
    into: readingsInto,
    device: fields.optional().describe("The name of a device, like '{id}'. Default: the topic's level {device}."),
    key,
    only,
    ids: names
      .optional()
      .meta({ allowed: 'a list of names of devices' })
      .describe('The names that devices may have. Default: any.'),
    tls,
  })
  .superRefine(({ commands, topic }, context) => {
    const path = [commands === undefined ? 'commands' : 'topic'];
    if ((commands === undefined) !== (topic === undefined))
      context.addIssue({ code: 'custom', path, message: 'is missing: commands and topic are given both, or none' });
  });

export const push = z.strictObject({
  push: z
    .enum(Object.keys(HTTP_PRESETS) as [keyof typeof HTTP_PRESETS])
    .describe('A kind of device that calls the port of the daemon by HTTP.'),
  ids: names
    .min(1)
    .meta({ allowed: 'a list of serial numbers' })
    .describe('The serial numbers of the devices: all that tells them from strangers.'),
  addresses: addresses.describe('The addresses and networks from which they may call. Default: any.'),
  channel,
  commands,
  data,
  into: readingsInto,
  key,
});

export type MqttConfig = z.output<typeof mqtt>;
export type PushConfig = z.output<typeof push>;
export type DeviceConfig = z.output<typeof device>;
