/** Processor time of other processes, from Linux's /proc; elsewhere it is not known. */

import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a tick in /proc: Linux says a hundredth of a second to programs whatever it counts in. */
const tick = 10;

interface Process {
  readonly parent: number;
  readonly milliseconds: number;
}

/** Milliseconds that a process and all that it started have spent so far; null where that cannot be told. */
export function processorTime(root: number): number | null {
  const all = processes();
  if (!all.has(root)) return null;
  const belongs = (id: number): boolean => {
    for (let each: number | undefined = id; each !== undefined; each = all.get(each)?.parent)
      if (each === root) return true;
    return false;
  };
  let sum = 0;
  for (const [id, { milliseconds }] of all) if (belongs(id)) sum += milliseconds;
  return sum;
}

function processes(): Map<number, Process> {
  const found = new Map<number, Process>();
  let names: string[] = [];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return found;
  }
  for (const name of names) {
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The program's name stands in parentheses and may hold spaces; then come the state, the parent, and in places 11 to 14 the times.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const times = fields.slice(11, 15).map(Number);
      found.set(Number(name), {
        parent: Number(fields[1]),
        milliseconds: tick * times.reduce((sum, time) => sum + time, 0),
      });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
