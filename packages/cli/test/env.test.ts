/** `omma env` as a process. */

import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runOmma } from './support/tinyProject.ts';

it('reports system, versions, tools and devices, as text and as JSON, and no secret', () => {
  const env = { OMMA_NUM_THREADS: '1', AWS_SECRET_ACCESS_KEY: 'secret-of-the-user' };
  const { code, out } = runOmma(['env', '--json'], { env });
  expect(code).toBe(0);
  const packages = readdirSync(new URL('../..', import.meta.url)).map((name) => `@omma/${name}`);
  expect(Object.keys(JSON.parse(out).versions)).toEqual(expect.arrayContaining(packages));
  expect(JSON.parse(out)).toMatchObject({
    system: { processor: expect.any(String), cores: expect.any(Number), memory: expect.any(Number) },
    versions: { node: process.version, '@omma/core': '0.1.0', sharp: expect.stringMatching(/^\d+\./) },
    tools: { cmake: expect.toSatisfy((text: unknown) => text === null || typeof text === 'string') },
    devices: expect.arrayContaining([expect.objectContaining({ name: 'reference', available: true })]),
    variables: { OMMA_NUM_THREADS: '1' },
  });
  const text = runOmma(['env'], { env }).out;
  expect(text).toMatch(/^system\n {2}system {2}/);
  expect(text).toMatch(/reference +yes/);
  expect(out + text).not.toContain('secret-of-the-user');
});
