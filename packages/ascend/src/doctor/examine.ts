/**
 * The ten-minute check of a machine with real chips: what is there, does a model compile, load and run, does training give the right numbers, do
 * several chips reduce gradients.
 *
 * Every finding is a line of a report that its reader can send on. A finding that fails does not keep the later ones from being looked for, where
 * they do not need it.
 */

import { spawnSync } from 'node:child_process';
import { arch, platform, release } from 'node:os';
import {
  compile,
  conv2d,
  type Device,
  device,
  gradients,
  hostTensor,
  mul,
  relu,
  sub,
  sum,
  Variable,
} from '@omma/core';
import { openAcl } from '../acl/library.ts';
import { findToolkit } from '../acl/toolkit.ts';
import { AscendDevice } from '../device/device.ts';
import { examineHccl } from './hccl.ts';

export interface Finding {
  readonly what: string;
  /** Null for a fact that is neither good nor bad. */
  readonly good: boolean | null;
  readonly detail: string;
}

const variables = [
  'ASCEND_TOOLKIT_HOME',
  'ASCEND_HOME_PATH',
  'ASCEND_OPP_PATH',
  'ASCEND_RT_VISIBLE_DEVICES',
  'LD_LIBRARY_PATH',
  'PYTHONPATH',
  'OMMA_ASCEND_PRECISION',
  'RANK_TABLE_FILE',
];
const steps = 3;
/** Losses on the chip against float64: float32 sums in another order, and float16 products where the chip has no others. */
const tolerance = { float32: 1e-3, float16: 2e-2 };

/** Looks at everything, in turn; `tell` gets each finding as it is made. */
export async function examine(tell: (finding: Finding) => void): Promise<boolean> {
  let allGood = true;
  const say = (what: string, good: boolean | null, detail: string) => {
    allGood &&= good !== false;
    tell({ what, good, detail });
  };
  say('system', null, `${platform()} ${release()} ${arch()}, Node ${process.version}`);
  for (const name of variables) say(name, null, process.env[name] ?? 'not set');
  const toolkit = findToolkit();
  if (typeof toolkit === 'string') {
    say('CANN', false, toolkit);
    return false;
  }
  say('CANN', true, `version ${toolkit.version ?? 'in none of its files'}, root ${toolkit.root ?? 'none'}`);
  say('libraries', true, toolkit.libraries.join(', '));
  say('Python of atc', ...pythonOfAtc());
  say('atc', toolkit.atc !== null, toolkit.atc ?? 'not found: models cannot be compiled here');
  const attempt = async (what: string, job: () => string | Promise<string>) => {
    try {
      say(what, true, await job());
      return true;
    } catch (error) {
      say(what, false, error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  const loaded = await attempt('functions', () => {
    const absent = Object.entries(openAcl(toolkit.libraries)).flatMap(([name, f]) =>
      f === null ? [name] : [],
    );
    return absent.length === 0
      ? 'all are there'
      : `all that are needed; this release lacks ${absent.join(', ')}`;
  });
  if (!loaded) return false;
  const devices: AscendDevice[] = [];
  for (const index of deviceIndices(say)) {
    const on = device(`ascend:${index}`);
    await attempt(`ascend:${index}`, () => on.capabilities.description);
    await attempt(`ascend:${index} memory`, async () => {
      if (!(on instanceof AscendDevice))
        throw new Error('another package has registered a device called ascend');
      devices.push(on);
      const { free, total } = await on.deviceMemory();
      return `${free} of ${total} bytes free`;
    });
    await attempt(`ascend:${index} compile, load, run`, () => trained(on, 1));
    await attempt(`ascend:${index} ${steps} training steps`, () => trained(on, steps));
  }
  if (devices.length > 1) await attempt(`HCCL, ${devices.length} devices`, () => examineHccl(devices));
  else say('HCCL', null, 'not tried: it takes two devices');
  return allGood;
}

/** Packages that the compiler imports, by the names under which Python knows them; which of them it needs depends on the release. */
const packages = ['numpy', 'decorator', 'sympy', 'attr', 'psutil', 'scipy'];

/** Whether they are there; only a hint where they are not, because the compiler may not want them. */
function pythonOfAtc(): [good: boolean | null, detail: string] {
  const program = `import importlib.util as u; print(' '.join(n for n in '${packages.join(' ')}'.split() if u.find_spec(n) is None))`;
  const { status, stdout } = spawnSync('python3', ['-c', program], { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0) return [null, 'no python3, in which atc is partly written; install it if atc fails'];
  const absent = stdout.trim();
  return absent === ''
    ? [true, 'has all packages that atc is known to import']
    : [null, `lacks ${absent.split(' ').join(', ')}; install them if atc fails`];
}

function deviceIndices(say: (what: string, good: boolean, detail: string) => void): number[] {
  const indices: number[] = [];
  for (let index = 0; ; index++) {
    try {
      device(`ascend:${index}`);
      indices.push(index);
    } catch (error) {
      if (index === 0) say('devices', false, error instanceof Error ? error.message : String(error));
      else say('devices', true, `${index}`);
      return indices;
    }
  }
}

/** Trains a small network on `on` and on the reference device and compares the losses. */
async function trained(on: Device, count: number): Promise<string> {
  const started = performance.now();
  const found = await losses(on, count);
  const milliseconds = performance.now() - started;
  const expected = await losses(device('reference'), count);
  const worst = Math.max(...expected.map((loss, i) => Math.abs((found[i] ?? Number.NaN) / loss - 1)));
  const allowed = on.capabilities.float32As === undefined ? tolerance.float32 : tolerance.float16;
  const text = `losses ${found.map((loss) => loss.toPrecision(7)).join(', ')}, off by ${worst.toExponential(1)} (${allowed} is allowed), ${milliseconds.toFixed(0)} ms`;
  if (!(worst <= allowed))
    throw new Error(`${text}; expected ${expected.map((loss) => loss.toPrecision(7)).join(', ')}`);
  return text;
}

async function losses(on: Device, count: number): Promise<number[]> {
  const numbers = (size: number, scale: number) =>
    Float32Array.from({ length: size }, (_, i) => scale * Math.sin(i + 1));
  const weight = new Variable('weight', { shape: [8, 3, 3, 3], dtype: 'float32' }, numbers(216, 0.3));
  const image = hostTensor([2, 3, 16, 16], 'float32', numbers(1536, 1));
  const step = compile(
    ({ x }) => {
      if (x === undefined) throw new Error('the step has no input');
      const y = relu(conv2d(x, weight.read(), null, { padding: 1 }));
      const loss = mul(sum(mul(y, y)), 1 / 4096);
      const [gradient] = gradients(loss, [weight.read()]);
      if (gradient !== undefined) weight.write(sub(weight.read(), mul(gradient, 0.1)));
      return { loss };
    },
    { device: on, name: 'examination' },
  );
  try {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await step({ x: image })).loss?.data[0] ?? Number.NaN);
    return all;
  } finally {
    step.dispose();
    weight.release();
  }
}
