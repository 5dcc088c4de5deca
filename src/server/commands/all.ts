import { addConfig } from './config.ts';
import { addConnect } from './connect.ts';
import { addInit } from './init.ts';
import { addListen } from './listen.ts';
import { addServe } from './serve.ts';

/** In the order in which `--help` shows them. */
export const COMMANDS = [addServe, addInit, addConfig, addListen, addConnect];
