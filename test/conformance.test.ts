/** The conformance suite on every device of this machine, and the page that it writes. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { suiteDevices } from '../tools/src/conformance/devices.ts';
import { deviceSection, failureLines } from '../tools/src/conformance/matrix.ts';
import type { CheckResult } from '../tools/src/conformance/result.ts';
import { runSuite } from '../tools/src/conformance/suite.ts';

const page = readFileSync(new URL('../docs/support-matrix.md', import.meta.url), 'utf8');

describe.each(suiteDevices())('conformance on $name', (entry) => {
  if ('skipped' in entry) {
    it.skip(`left out: ${entry.skipped}`, () => undefined);
    return;
  }
  let results: CheckResult[] = [];

  it('every op agrees with its definition', { timeout: 300_000 }, async () => {
    results = await runSuite(entry.device);
    expect(failureLines(results)).toEqual([]);
    expect(results.length).toBeGreaterThan(1000);
  });

  it('every skip says why', () => {
    const silent = results.filter(
      ({ outcome }) => outcome.status === 'skip' && outcome.reason === 'no gradient' && outcome.detail === '',
    );
    expect(silent).toEqual([]);
  });

  it('docs/support-matrix.md is up to date; `node tools/dist/conformance/main.js` writes it', () => {
    expect(page).toContain(deviceSection({ device: entry.device, results }));
  });
});
