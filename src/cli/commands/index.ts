import { addConfig } from './config.ts';
import { addConnect } from './connect.ts';
import { addDoctor } from './doctor.ts';
import { addInit } from './init.ts';
import { addListen } from './listen.ts';
import { addPublish } from './publish.ts';
import { addServe } from './serve.ts';
import { addSubscribe } from './subscribe.ts';
import { addToken } from './token.ts';
import { addUsers } from './users.ts';

/** In the order of `--help`. */
export const COMMANDS = [
  addServe,
  addInit,
  addConfig,
  addPublish,
  addSubscribe,
  addToken,
  addUsers,
  addDoctor,
  addListen,
  addConnect,
];
