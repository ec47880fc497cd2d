/**
 * Where CANN lies on this machine: the toolkit's root, its libraries, its compiler `atc`, its version.
 *
 * The order of section "Environment" of CANN's documents: what `set_env.sh` exports, then the default places. The environment may name the
 * two files directly (`ACL_LIB`, `ATC`). Only looks at files; nothing is loaded or run here.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

/** The variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Toolkit {
  /** Null when only libraries or only the compiler were found outside of an installation. */
  readonly root: string | null;
  /** Files to open, in this order: the one library of CANN up to 8, or the two that follow it. Never empty. */
  readonly libraries: readonly string[];
  /** The compiler; null when it is not installed, which leaves models that are compiled already. */
  readonly atc: string | null;
  /** For example `8.1.RC1`; null when no version file says. */
  readonly version: string | null;
}

/** Roots in use: CANN up to 8, and after it. */
const defaultRoots = ['/usr/local/Ascend/ascend-toolkit/latest', '/usr/local/Ascend/cann'];
/** Where the driver's installer puts its own libraries; machines that only run models have nothing else. */
const defaultFolders = ['/usr/local/Ascend/driver/lib64', '/usr/local/Ascend/nnrt/latest/lib64'];

const together = 'libascendcl.so';
const apart = ['libacl_rt.so', 'libacl_mdl.so'];

/** The toolkit that `environment` points to, or in one line why there is none and what to do. */
export function findToolkit(environment: Environment = process.env): Toolkit | string {
  const roots = rootsOf(environment);
  const libraries = findLibraries(environment, roots);
  if (typeof libraries === 'string') return libraries;
  const root = roots.find((candidate) => libraries[0]?.startsWith(candidate)) ?? roots[0] ?? null;
  return {
    root,
    libraries,
    atc: findAtc(environment, roots),
    version: root === null ? null : versionOf(root),
  };
}

/** The compiler alone: `omma export --format om` needs no library, only this. */
export function findCompiler(
  environment: Environment = process.env,
): Pick<Toolkit, 'atc' | 'root' | 'version'> {
  const roots = rootsOf(environment);
  const atc = findAtc(environment, roots);
  const root = roots[0] ?? null;
  return { atc, root, version: root === null ? null : versionOf(root) };
}

function rootsOf({ ASCEND_TOOLKIT_HOME, ASCEND_HOME_PATH }: Environment): string[] {
  const named = [ASCEND_TOOLKIT_HOME, ASCEND_HOME_PATH].filter((root) => root !== undefined && root !== '');
  return [...new Set([...named, ...defaultRoots])]
    .filter((root) => root !== undefined && existsSync(root))
    .map((root) => resolve(String(root)));
}

function findLibraries(environment: Environment, roots: readonly string[]): string[] | string {
  const named = environment.ACL_LIB;
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return [named];
    return `ACL_LIB names ${named}, which does not exist; set it to a libascendcl.so or remove it`;
  }
  const folders = [
    ...roots.map((root) => join(root, 'lib64')),
    ...(environment.LD_LIBRARY_PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...defaultFolders,
  ];
  for (const folder of folders) {
    const one = join(folder, together);
    if (existsSync(one)) return [one];
    const two = apart.map((name) => join(folder, name));
    if (two.every((file) => existsSync(file))) return two;
  }
  return (
    `no ${together} (nor ${apart.join(' and ')}) in ${roots.length === 0 ? 'any toolkit' : roots.join(', ')} or on LD_LIBRARY_PATH; ` +
    'install CANN and source its set_env.sh before starting Omma, or see the simulator in docs/ascend'
  );
}

function findAtc({ ATC, PATH }: Environment, roots: readonly string[]): string | null {
  const named = ATC !== undefined && ATC !== '' ? [ATC] : [];
  const installed = roots.flatMap((root) => [join(root, 'bin/atc'), join(root, 'compiler/bin/atc')]);
  const onPath = (PATH ?? '').split(delimiter).map((folder) => join(folder, 'atc'));
  const candidates = named.length > 0 ? named : [...installed, ...onPath];
  const found = candidates.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  // Absolute: it is started in a scratch folder.
  return found === undefined ? null : resolve(found);
}

/** CANN writes its version into several files; which of them exist depends on the package. */
function versionOf(root: string): string | null {
  const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const files = [
    join(root, `${architecture}-linux/ascend_toolkit_install.info`),
    join(root, 'ascend_toolkit_install.info'),
    join(dirname(root), 'ascend_toolkit_install.info'),
    join(root, 'compiler/version.info'),
    join(root, 'runtime/version.info'),
  ];
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const version = /^version(?:_dir)?=(\S+)$/m.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  return null;
}
