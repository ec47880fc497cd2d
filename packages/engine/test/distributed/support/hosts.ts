/** Two hosts on this machine: network namespaces with a cable between them. Needs root and iproute2. */

import { execFileSync } from 'node:child_process';

export interface Hosts {
  readonly names: readonly [string, string];
  /** Of the first one. */
  readonly address: string;
  /** Takes the cable out. */
  cut(): void;
  remove(): void;
}

const ip = (...args: readonly string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Two hosts, or in a line why there can be none. `place` keeps several pairs apart, 0 to 255. */
export function twoHosts(place: number): Hosts | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'two network namespaces need root on Linux';
  const tag = `${process.pid}x${place}`;
  const names = [`omma-a-${tag}`, `omma-b-${tag}`] as const;
  const [first, second] = names;
  const [left, right] = [`oa${tag}`.slice(0, 15), `ob${tag}`.slice(0, 15)];
  const remove = () => {
    for (const name of names) {
      try {
        ip('netns', 'delete', name);
      } catch {
        // One that was never made.
      }
    }
  };
  try {
    for (const name of names) ip('netns', 'add', name);
    ip('link', 'add', left, 'netns', first, 'type', 'veth', 'peer', 'name', right, 'netns', second);
    for (const [name, link, host] of [
      [first, left, 1],
      [second, right, 2],
    ] as const) {
      ip('-n', name, 'address', 'add', `10.231.${place}.${host}/24`, 'dev', link);
      ip('-n', name, 'link', 'set', link, 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
  } catch (error) {
    remove();
    return `network namespaces cannot be made (${error instanceof Error ? error.message.split('\n')[0] : String(error)})`;
  }
  const cut = () => {
    ip('-n', first, 'link', 'set', left, 'down');
  };
  return { names, address: `10.231.${place}.1`, cut, remove };
}
