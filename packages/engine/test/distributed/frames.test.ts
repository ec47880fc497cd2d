import { connect, createServer, type Socket } from 'node:net';
import { HostRandom } from '@omma/nn';
import { afterEach, describe, expect, it } from 'vitest';
import { type Frame, receiveFrames, sendFrame } from '../../src/distributed/frames.ts';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Two ends of a connection. */
async function pair(): Promise<{ from: Socket; to: Socket }> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const from = connect(address.port, '127.0.0.1');
  const to = await accepted;
  open.push(server, { close: () => from.destroy() }, { close: () => to.destroy() });
  return { from, to };
}

const frames: Frame[] = [
  { kind: 'hello', id: 1, text: '', body: new Uint8Array(0) },
  { kind: 'set', id: 2, text: 'key ü', body: Uint8Array.of(1, 2, 3) },
  { kind: 'get', id: 3, text: 'k'.repeat(0xffff), body: new Uint8Array(0) },
  { kind: 'collect', id: 0xffffffff, text: '{}', body: new Uint8Array(300_000).map((_, i) => i) },
  { kind: 'bye', id: 0, text: '', body: new Uint8Array(0) },
];

/** Bodies as text, which is compared faster. */
const shown = ({ body, ...rest }: Frame) => ({ ...rest, body: Buffer.from(body).toString('base64') });

/** What arrives of `bytes`, written in pieces of the given lengths. */
async function received(bytes: Uint8Array, lengths: () => number): Promise<Frame[]> {
  const { from, to } = await pair();
  const found: Frame[] = [];
  const done = new Promise<void>((resolve) => {
    receiveFrames(to, {
      bodyLimit: () => 1e6,
      onNonsense: resolve,
      onFrame: (frame) => {
        found.push(frame);
        if (found.length === frames.length) resolve();
      },
    });
    to.once('close', resolve);
  });
  from.setNoDelay(true);
  for (let at = 0; at < bytes.length; ) {
    const length = lengths();
    await new Promise<void>((resolve) => {
      from.write(bytes.subarray(at, at + length), () => resolve());
    });
    at += length;
  }
  await done;
  return found;
}

async function encoded(): Promise<Uint8Array> {
  const { from, to } = await pair();
  const chunks: Buffer[] = [];
  to.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const frame of frames) sendFrame(from, frame);
  from.end();
  await new Promise((resolve) => to.once('end', resolve));
  return Buffer.concat(chunks);
}

describe('frames', () => {
  it('arrive whole, however the connection cuts them', async () => {
    const bytes = await encoded();
    const random = new HostRandom(7, 0).uniform(100_000);
    let next = 0;
    const cuts = [() => bytes.length, () => 70_000, () => 1 + Math.floor((random[next++] ?? 0) * 20_000)];
    for (const lengths of cuts)
      expect((await received(bytes, lengths)).map(shown)).toEqual(frames.map(shown));
    // The small ones byte by byte.
    const small = bytes.subarray(0, 12 + 12 + 6 + 3);
    const { from, to } = await pair();
    const found: Frame[] = [];
    receiveFrames(to, {
      bodyLimit: () => 10,
      onNonsense: () => undefined,
      onFrame: (one) => found.push(one),
    });
    from.setNoDelay(true);
    for (const byte of small) {
      from.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (found.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(found).toEqual(frames.slice(0, 2));
  });

  it.each([
    ['an unknown kind', Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['a body beyond the limit', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f)],
  ])('that are %s are nonsense, and nothing after them is read', async (_, bytes) => {
    expect(await received(Buffer.concat([bytes, await encoded()]), () => 1e6)).toEqual([]);
  });
});
