/**
 * Releases of CANN after 8 have two libraries where there was one: libacl_rt.so and libacl_mdl.so for libascendcl.so, libhccl.so and libhcomm.so for libhccl.so.
 * Here each of the four has its own functions only, which pass on to the simulator's.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingInSimulator, simulatorHome } from '../support/simulator.ts';

const run = promisify(execFile);
const jumps: Readonly<Record<string, (slot: string) => string>> = {
  x64: (slot) => `jmp *${slot}(%rip)`,
  arm64: (slot) => `adrp x16, ${slot}; ldr x16, [x16, :lo12:${slot}]; br x16`,
};
const jump = jumps[process.arch];
const missing =
  missingInSimulator('lib64/libascendcl.so', 'lib64/libhccl.so', 'bin/atc') ??
  (jump === undefined ? `no forwarding functions are written for ${process.arch}` : null);

/** The functions that a library exports and whose names begin so. */
async function exported(library: string, beginning: RegExp): Promise<string[]> {
  const { stdout } = await run('nm', ['-D', '--defined-only', library]);
  return stdout
    .split('\n')
    .flatMap((line) => / T (\w+)$/.exec(line)?.[1] ?? [])
    .filter((name) => beginning.test(name));
}

/** A library whose functions are `names`, each a jump to that of `target`. */
async function forward(file: string, target: string, names: readonly string[]): Promise<void> {
  const slots = names.map((_, i) => `forward_${i}`);
  const source = [
    '#include <dlfcn.h>',
    ...slots.map((slot) => `__attribute__((visibility("hidden"))) void *${slot};`),
    ...names.map(
      (name, i) =>
        `__asm__(".text\\n.globl ${name}\\n.type ${name}, %function\\n${name}: ${jump?.(slots[i] ?? '')}\\n");`,
    ),
    '__attribute__((constructor)) static void resolve(void) {',
    `  void *target = dlopen("${target}", RTLD_NOW | RTLD_GLOBAL);`,
    ...names.map((name, i) => `  ${slots[i]} = dlsym(target, "${name}");`),
    '}',
  ].join('\n');
  writeFileSync(`${file}.c`, source);
  await run('cc', ['-shared', '-fPIC', '-o', file, `${file}.c`]);
}

describe.skipIf(missing !== null)(missing ?? 'libraries split in two', () => {
  const home = mkdtempSync(join(tmpdir(), 'omma-split-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  beforeAll(async () => {
    const [from, to] = [join(simulatorHome, 'lib64'), join(home, 'lib64')];
    mkdirSync(to);
    symlinkSync(join(simulatorHome, 'bin'), join(home, 'bin'));
    const [acl, hccl] = [join(from, 'libascendcl.so'), join(from, 'libhccl.so')];
    await forward(join(to, 'libacl_rt.so'), acl, await exported(acl, /^acl(?!mdl)/));
    await forward(join(to, 'libacl_mdl.so'), acl, await exported(acl, /^aclmdl/));
    const collective = /^Hccl(AllReduce|AllGather|Broadcast|ReduceScatter|Barrier)$/;
    const all = await exported(hccl, /^Hccl/);
    await forward(
      join(to, 'libhccl.so'),
      hccl,
      all.filter((name) => collective.test(name)),
    );
    await forward(
      join(to, 'libhcomm.so'),
      hccl,
      all.filter((name) => !collective.test(name)),
    );
  }, 60_000);

  it('train, and reduce between two devices', async () => {
    const program = `
      import { examine } from '@omma/ascend';
      const good = await examine(({ what, good, detail }) => console.log(good, what, detail));
      process.exitCode = good ? 0 : 1;`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: {
        ...process.env,
        ASCEND_TOOLKIT_HOME: home,
        OMMA_ASCEND_CACHE: join(home, 'cache'),
        OMMA_ASCEND_SIM_SOC: 'Ascend910B3',
      },
    });
    expect(stdout).toContain(
      `true libraries ${join(home, 'lib64/libacl_rt.so')}, ${join(home, 'lib64/libacl_mdl.so')}`,
    );
    expect(stdout).toMatch(/true ascend:1 3 training steps losses/);
    expect(stdout).toMatch(/true HCCL, 2 devices sum, broadcast and gathering are right/);
  });
});
