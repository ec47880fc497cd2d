/** The engine's own hooks that a config can name. */

import { hooks } from '../config/registries.ts';
import {
  EarlyStoppingHook,
  type EarlyStoppingHookOptions,
  earlyStoppingHookSchema,
} from './earlyStoppingHook.ts';

declare module '../config/registries.ts' {
  interface HookTypes {
    EarlyStoppingHook: EarlyStoppingHookOptions;
  }
}

hooks.register('EarlyStoppingHook', earlyStoppingHookSchema, (options) => new EarlyStoppingHook(options));
