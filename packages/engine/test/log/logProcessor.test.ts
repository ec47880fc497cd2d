import { describe, expect, it } from 'vitest';
import { LogProcessor, type LogProcessorConfig } from '../../src/index.ts';

/** What is logged after these losses, with two steps an epoch. */
function logged(config: LogProcessorConfig, losses: readonly number[]) {
  const processor = new LogProcessor(config);
  losses.forEach((loss, i) => {
    processor.update({ loss, lr: loss / 10 }, i % 2 === 0);
  });
  return processor.scalars();
}

describe('LogProcessor', () => {
  it('means losses over the window and keeps the last of other numbers', () => {
    expect(logged({ windowSize: 2 }, [1, 2, 4])).toEqual({ loss: 3, lr: 0.4 });
    expect(logged({ windowSize: 10 }, [1, 2])).toEqual({ loss: 1.5, lr: 0.2 });
  });

  it('means what the pattern says', () => {
    expect(logged({ meanPattern: '^lr$' }, [10, 30])).toEqual({ loss: 30, lr: 2 });
  });

  it('gives means of the run and of the epoch, and extremes, under names of their own', () => {
    const customConfig = [
      { dataSrc: 'loss', methodName: 'mean', windowSize: 'global', logName: 'lossGlobal' },
      { dataSrc: 'loss', methodName: 'max', windowSize: 'epoch', logName: 'lossEpochMax' },
      { dataSrc: 'loss', methodName: 'min', windowSize: 2, logName: 'lossMin' },
      { dataSrc: 'loss', methodName: 'current' },
      { dataSrc: 'absent', methodName: 'mean' },
    ] as const;
    expect(logged({ customConfig }, [9, 1, 3, 2, 5])).toEqual({
      loss: 5,
      lr: 0.5,
      lossGlobal: 4,
      lossEpochMax: 5,
      lossMin: 2,
    });
  });

  it('looks back no further than its longest window, however long the run', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i);
    expect(logged({ windowSize: 4 }, values).loss).toBe((996 + 997 + 998 + 999) / 4);
  });
});
