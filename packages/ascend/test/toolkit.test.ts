/** Finding CANN: the environment, the default places, one library or two. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findToolkit } from '../src/acl/toolkit.ts';

const folder = mkdtempSync(join(tmpdir(), 'omma-toolkit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(name: string, files: readonly string[]): string {
  const root = join(folder, name);
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), file.endsWith('.info') ? 'Version=7.7\nversion=8.1.RC1\n' : '');
  }
  return root;
}

it('takes the toolkit that set_env.sh names, with its compiler and version', () => {
  const root = install('one', ['lib64/libascendcl.so', 'bin/atc', 'ascend_toolkit_install.info']);
  expect(findToolkit({ ASCEND_TOOLKIT_HOME: root })).toEqual({
    root,
    libraries: [join(root, 'lib64/libascendcl.so')],
    atc: join(root, 'bin/atc'),
    version: '8.1.RC1',
  });
});

it('takes the two libraries of newer releases, and a compiler in its older place', () => {
  const root = install('two', ['lib64/libacl_rt.so', 'lib64/libacl_mdl.so', 'compiler/bin/atc']);
  const found = findToolkit({ ASCEND_HOME_PATH: root });
  expect(found).toMatchObject({
    libraries: [join(root, 'lib64/libacl_rt.so'), join(root, 'lib64/libacl_mdl.so')],
    atc: join(root, 'compiler/bin/atc'),
    version: null,
  });
});

it('makes paths that are relative to the working directory absolute: the compiler runs elsewhere', () => {
  const root = install('near', ['lib64/libascendcl.so', 'bin/atc']);
  expect(findToolkit({ ASCEND_TOOLKIT_HOME: relative(process.cwd(), root) })).toMatchObject({
    root,
    libraries: [join(root, 'lib64/libascendcl.so')],
    atc: join(root, 'bin/atc'),
  });
  expect(
    findToolkit({ ASCEND_TOOLKIT_HOME: root, ATC: relative(process.cwd(), join(root, 'bin/atc')) }),
  ).toMatchObject({
    atc: join(root, 'bin/atc'),
  });
});

it('takes libraries from LD_LIBRARY_PATH', () => {
  const root = install('three', ['libascendcl.so']);
  expect(findToolkit({ LD_LIBRARY_PATH: `/nowhere:${root}` })).toMatchObject({
    libraries: [join(root, 'libascendcl.so')],
  });
});

it('says in one line what is wrong with a library that is named', () => {
  expect(findToolkit({ ACL_LIB: '/nowhere.so' })).toMatch(
    /^ACL_LIB names \/nowhere\.so, which does not exist/,
  );
});
