/** How busy the machine is that the board runs on. */

import { statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { SystemLoad } from '../api.ts';

interface Times {
  readonly busy: number;
  readonly total: number;
}

export class SystemMonitor {
  readonly #dir: string;
  #before = coreTimes();

  /** `dir`: a folder on the disk whose free space matters. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The load since the last call. */
  async sample(): Promise<SystemLoad> {
    const now = coreTimes();
    const cores = now.map(({ busy, total }, i) => {
      const before = this.#before[i] ?? { busy: 0, total: 0 };
      return total === before.total ? 0 : (busy - before.busy) / (total - before.total);
    });
    this.#before = now;
    const disk = await statfs(this.#dir).catch(() => ({ bavail: 0, blocks: 0, bsize: 1 }));
    return {
      time: Date.now(),
      cpu: cores.reduce((sum, core) => sum + core, 0) / Math.max(1, cores.length),
      cores,
      load: loadavg()[0] ?? 0,
      memoryUsed: totalmem() - freemem(),
      memoryTotal: totalmem(),
      diskFree: disk.bavail * disk.bsize,
      diskTotal: disk.blocks * disk.bsize,
    };
  }
}

function coreTimes(): Times[] {
  return cpus().map(({ times }) => {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    return { busy: total - times.idle, total };
  });
}
