/**
 * The first thing setup does: refuses a Node that is too old, in one line. The syntax is that of an old Node on
 * purpose, otherwise such a Node would print a syntax error instead.
 */
const MAJOR = 20;
const MINOR = 19;

export function requireNode() {
  const found = process.versions.node.split('.').map(Number);
  if (found[0] > MAJOR || (found[0] === MAJOR && found[1] >= MINOR)) return;
  process.stderr.write(
    `setup: expected Node ${MAJOR}.${MINOR} or newer, found ${process.versions.node} at ${process.execPath}: install a newer one from nodejs.org and run this again\n`,
  );
  process.exit(1);
}
