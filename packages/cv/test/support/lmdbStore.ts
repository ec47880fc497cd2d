/** Stores written by the system's liblmdb, for the tests of the reader: what py-lmdb and LSUN's tools write. Null where the library is not installed. */

import koffi, { type LibraryHandle } from 'koffi';

/** Puts values into a store and takes some of them out again, in transactions of so many steps. */
export interface StoreWriter {
  write(folder: string, steps: readonly StoreStep[], options?: { readonly database?: string }): void;
}

export interface StoreStep {
  readonly key: string;
  /** Null deletes the key. */
  readonly value: Uint8Array | null;
}

/** Bytes that a store may grow to; the file is only as long as its pages. */
const mapBytes = 64 * 2 ** 20;
const stepsOfTransaction = 500;
const createDatabase = 0x40000;

function loaded(): LibraryHandle | null {
  for (const name of ['liblmdb.so.0', 'liblmdb.dylib']) {
    try {
      return koffi.load(name);
    } catch {
      // The next name, or none.
    }
  }
  return null;
}

export function storeWriter(): StoreWriter | null {
  const library = loaded();
  if (library === null) return null;
  koffi.struct('MDB_val', { size: 'size_t', data: 'void *' });
  const create = library.func('int mdb_env_create(_Out_ void **env)');
  const setMapSize = library.func('int mdb_env_set_mapsize(void *env, size_t size)');
  const setMaxDatabases = library.func('int mdb_env_set_maxdbs(void *env, unsigned int count)');
  const open = library.func('int mdb_env_open(void *env, const char *path, unsigned int flags, int mode)');
  const begin = library.func(
    'int mdb_txn_begin(void *env, void *parent, unsigned int flags, _Out_ void **transaction)',
  );
  const commit = library.func('int mdb_txn_commit(void *transaction)');
  const openDatabase = library.func(
    'int mdb_dbi_open(void *transaction, const char *name, unsigned int flags, _Out_ unsigned int *database)',
  );
  const put = library.func(
    'int mdb_put(void *transaction, unsigned int database, MDB_val *key, MDB_val *value, unsigned int flags)',
  );
  const remove = library.func(
    'int mdb_del(void *transaction, unsigned int database, MDB_val *key, MDB_val *value)',
  );
  const close = library.func('void mdb_env_close(void *env)');
  const must = (status: number) => {
    if (status !== 0) throw new Error(`liblmdb answers ${status}`);
  };
  const spanOf = (bytes: Uint8Array) => ({ size: bytes.length, data: bytes });

  return {
    write(folder, steps, { database } = {}) {
      const env: unknown[] = [null];
      must(create(env));
      must(setMapSize(env[0], mapBytes));
      must(setMaxDatabases(env[0], 4));
      must(open(env[0], folder, 0, 0o644));
      for (let from = 0; from < steps.length; from += stepsOfTransaction) {
        const transaction: unknown[] = [null];
        must(begin(env[0], null, 0, transaction));
        const handle: number[] = [0];
        must(
          openDatabase(transaction[0], database ?? null, database === undefined ? 0 : createDatabase, handle),
        );
        for (const { key, value } of steps.slice(from, from + stepsOfTransaction)) {
          const name = spanOf(Buffer.from(key));
          must(
            value === null
              ? remove(transaction[0], handle[0], name, null)
              : put(transaction[0], handle[0], name, spanOf(value), 0),
          );
        }
        must(commit(transaction[0]));
      }
      close(env[0]);
    },
  };
}
