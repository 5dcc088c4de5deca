import { addAttach, addDetach } from './attach.ts';
import { addConfig } from './config.ts';
import { addConnect } from './connect.ts';
import { addDoctor } from './doctor.ts';
import { addInit } from './init.ts';
import { addListen } from './listen.ts';
import { addPublish } from './publish.ts';
import { addReplay } from './replay.ts';
import { addRun } from './run.ts';
import { addServe } from './serve.ts';
import { addSinks } from './sinks.ts';
import { addSubscribe } from './subscribe.ts';
import { addToken } from './token.ts';
import { addUsers } from './users.ts';

/** In the order of `--help`. */
export const COMMANDS = [
  addServe,
  addRun,
  addInit,
  addConfig,
  addPublish,
  addSubscribe,
  addToken,
  addUsers,
  addSinks,
  addAttach,
  addDetach,
  addDoctor,
  addListen,
  addConnect,
  addReplay,
];
