/**
 * Opens shared libraries and finds C functions in them. The only file that touches the FFI library.
 *
 * CANN moved its functions from one library into two, so each function is looked for in all that are open; and a function that older releases
 * lack is null, so that its caller decides what to do without. Pointers are bigints.
 */

import koffi, { type LibraryHandle } from 'koffi';

/** A C function; the types are those of its declaration, which the caller of `required` states once in C and once in TypeScript. */
export type Native<A extends readonly unknown[], R> = (...args: A) => R;

export class Symbols {
  readonly #libraries: readonly { readonly file: string; readonly handle: LibraryHandle }[];

  /** Opens `files`. Throws Error with the loader's own message when one cannot be loaded. */
  constructor(files: readonly string[]) {
    this.#libraries = files.map((file) => ({ file, handle: open(file) }));
  }

  /** The function that `declaration` (C, without the semicolon) describes. Throws Error when no library has it. */
  required<A extends readonly unknown[], R>(declaration: string): Native<A, R> {
    const found = this.optional<A, R>(declaration);
    if (found !== null) return found;
    const files = this.#libraries.map(({ file }) => file).join(', ');
    throw new Error(
      `${symbolIn(declaration)} is not in ${files}; this version of CANN is older than 7.0 or not complete`,
    );
  }

  /** As `required`, or null when no library has the function. */
  optional<A extends readonly unknown[], R>(declaration: string): Native<A, R> | null {
    const symbol = symbolIn(declaration);
    const library = this.#libraries.find(({ handle }) => has(handle, symbol));
    return library?.handle.func(declaration) ?? null;
  }
}

/** The bytes at a native address, in place. They are valid until whoever owns the memory frees it. */
export function nativeBytes(address: bigint, length: number): Uint8Array {
  return new Uint8Array(koffi.view(address, length));
}

/** Global, because CANN's own plugins look for its symbols that way. */
function open(file: string): LibraryHandle {
  try {
    return koffi.load(file, { global: true });
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace('Failed to load shared library: ', '') : String(error);
    throw new Error(`${file} cannot be loaded (${reason}); source CANN's set_env.sh before starting Omma`);
  }
}

function has(handle: LibraryHandle, symbol: string): boolean {
  try {
    handle.symbol(symbol);
    return true;
  } catch {
    return false;
  }
}

function symbolIn(declaration: string): string {
  const name = /(\w+)\s*\(/.exec(declaration)?.[1];
  if (name === undefined) throw new Error(`no C function is declared by: ${declaration}`);
  return name;
}
