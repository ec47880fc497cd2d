/** What a report of a problem needs to know of a machine: MMEngine's `collect_env`. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, cpus, freemem, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DeviceReport, deviceReports } from './deviceReports.ts';

export interface EnvironmentReport {
  readonly system: {
    readonly name: string;
    readonly kernel: string;
    readonly processor: string;
    readonly cores: number;
    /** Of the extensions of the instruction set, those that kernels are written for. */
    readonly extensions: readonly string[];
    /** Bytes. */
    readonly memory: number;
    readonly freeMemory: number;
  };
  /** Versions by name: node, the packages of Omma and what they stand on. Null where a package is not installed. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** First lines of `--version` of what builds the addons and starts several processes; null where it is not installed. */
  readonly tools: Readonly<Record<string, string | null>>;
  readonly devices: readonly DeviceReport[];
  /** Variables of the environment that Omma, its libraries and launchers read. */
  readonly variables: Readonly<Record<string, string>>;
}

const packages = [
  ...[
    'core',
    'nn',
    'cpu',
    'collectives',
    'storage',
    'cv',
    'engine',
    'classification',
    'onnx',
    'ascend',
    'board',
    'cli',
  ].map((name) => `@omma/${name}`),
  'onnxruntime-node',
  'sharp',
  `@img/sharp-libvips-${process.platform}-${process.arch}`,
  'koffi',
  'zod',
  'typescript',
];

const tools = ['c++', 'cmake', 'mpirun', 'atc', 'npu-smi'];

/** By prefix, so that no secret (`AWS_...`) is shown. */
const variable =
  /^(?:OMMA|OMP|KMP|DNNL|ONEDNN|ORT|ONNXRUNTIME|ASCEND|RANK|WORLD_SIZE|LOCAL_RANK|MASTER|SLURM|OMPI_COMM)/;

export async function collectEnvironment(): Promise<EnvironmentReport> {
  const [system, versions, found] = await Promise.all([
    systemReport(),
    Promise.all(packages.map(async (name) => [name, await versionOf(name)] as const)),
    Promise.all(tools.map(async (name) => [name, await firstLine(name)] as const)),
  ]);
  const variables = Object.entries(process.env).filter(([name]) => variable.test(name));
  return {
    system,
    versions: { node: process.version, ...Object.fromEntries(versions) },
    tools: Object.fromEntries(found),
    devices: deviceReports(),
    variables: Object.fromEntries(variables.map(([name, value]) => [name, value ?? ''])),
  };
}

async function systemReport(): Promise<EnvironmentReport['system']> {
  const osRelease = await textOf('/etc/os-release');
  const [processor] = cpus();
  return {
    name: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? type(),
    kernel: `${type()} ${release()} ${arch()}`,
    processor: processor?.model.trim() ?? 'unknown',
    cores: cpus().length,
    extensions: await extensions(),
    memory: totalmem(),
    freeMemory: freemem(),
  };
}

/** From Linux's list; elsewhere nothing tells. */
async function extensions(): Promise<string[]> {
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(await textOf('/proc/cpuinfo'))?.[1]?.split(' ') ?? [];
  const wanted =
    /^(?:avx|avx2|fma|f16c|avx512(?:f|bw|vl|_bf16|_vnni|_fp16)|avx_vnni|amx_\w+|asimd|sve\w*|bf16)$/;
  return flags.filter((flag) => wanted.test(flag));
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** The version of a package as this program would load it: of the nearest node_modules that has it. */
async function versionOf(name: string): Promise<string | null> {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const version = /"version":\s*"(.*?)"/.exec(
      await textOf(join(folder, 'node_modules', name, 'package.json')),
    )?.[1];
    if (version !== undefined) return version;
    if (folder === dirname(folder)) return null;
  }
}

async function firstLine(command: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 5000 });
    return stdout.split('\n')[0]?.trim() ?? null;
  } catch {
    return null;
  }
}
