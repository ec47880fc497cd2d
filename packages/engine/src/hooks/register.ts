/** The engine's own hooks that a config can name. */

import { hooks } from '../config/registries.ts';
import {
  EarlyStoppingHook,
  type EarlyStoppingHookOptions,
  earlyStoppingHookSchema,
} from './earlyStoppingHook.ts';
import { EMAHook, type EMAHookOptions, emaHookSchema } from './ema/emaHook.ts';
import { ProfilerHook, type ProfilerHookOptions, profilerHookSchema } from './profilerHook.ts';

declare module '../config/registries.ts' {
  interface HookTypes {
    EarlyStoppingHook: EarlyStoppingHookOptions;
    EMAHook: EMAHookOptions;
    ProfilerHook: ProfilerHookOptions;
  }
}

hooks.register('EarlyStoppingHook', earlyStoppingHookSchema, (options) => new EarlyStoppingHook(options));
hooks.register('EMAHook', emaHookSchema, (options) => new EMAHook(options));
hooks.register('ProfilerHook', profilerHookSchema, (options) => new ProfilerHook(options));
