import { afterEach, describe, expect, it } from 'vitest';
import { enter, leave } from '../../src/bench/benchmark.ts';
import { contest } from '../../src/bench/contest.ts';
import { formatRequest, parseMessage, parseRequest } from '../../src/bench/protocol.ts';
import { type Command, Session } from '../../src/bench/session.ts';

/** A worker whose every step takes `ms`, by its own account. */
function worker(ms: number, extra = ''): Command {
  const program = `
    const say = (message) => console.log(JSON.stringify(message));
    console.log('a library says hello');
    say({ event: 'ready', label: 'Worker', detail: process.env.OMP_NUM_THREADS });
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      ${extra}
      const [word, count] = line.split(' ');
      if (word === 'go') say({ event: 'round', ms: Array(Number(count)).fill(${ms}) });
      if (word === 'memory') say({ event: 'memory', mib: 12.5 });
      if (word === 'quit') process.exit();
    });`;
  return { program: process.execPath, args: ['-e', program], threads: 3 };
}

const failing = (program: string): Command => ({
  program: process.execPath,
  args: ['-e', program],
  threads: 1,
});
const pace = { rounds: 3, steps: 2, roundMs: 1 };
const open: Session[] = [];

async function ready(command: Command): Promise<Session> {
  const session = await Session.start(command);
  open.push(session);
  await session.expect('ready');
  return session;
}

afterEach(async () => {
  for (const session of open.splice(0)) await session.stop();
});

describe('the line protocol', () => {
  it('reads messages and ignores what libraries print', () => {
    expect(parseMessage('{"event":"round","ms":[1,2]}')).toEqual({ event: 'round', ms: [1, 2] });
    expect(parseMessage('{"event":"ready","label":"O","prepareMs":9,"parts":{"atc":5,"load":"2"}}')).toEqual({
      event: 'ready',
      label: 'O',
      detail: '',
      prepareMs: 9,
      parts: { atc: 5 },
    });
    expect(parseMessage('{"event":"finished","top1":76.5}')).toEqual({ event: 'finished', top1: 76.5 });
    expect(parseMessage('{"event":"failed","reason":{"kind":"missing","text":"no torch"}}')).toEqual({
      event: 'failed',
      reason: { kind: 'missing', text: 'no torch' },
    });
    for (const line of ['Downloading...', '{"event":"round"}', '[1]', '{"event":"news"}', '{']) {
      expect(parseMessage(line)).toBeNull();
    }
  });

  it('writes requests that it can read', () => {
    for (const request of [{ do: 'go', steps: 4 }, { do: 'memory' }, { do: 'quit' }] as const) {
      expect(parseRequest(formatRequest(request))).toEqual(request);
    }
    expect(parseRequest('go -1')).toBeNull();
    expect(parseRequest('dance')).toBeNull();
  });
});

describe('a session', () => {
  it('asks a child for steps and for its memory', async () => {
    const session = await ready(worker(7));
    expect(await session.go(3)).toEqual([7, 7, 7]);
    expect(await session.memory()).toBe(12.5);
  });

  it('gives every child the same number of threads', async () => {
    const session = await Session.start(worker(1));
    open.push(session);
    expect(await session.expect('ready')).toMatchObject({ label: 'Worker', detail: '3' });
  });

  it('says why a child did not get ready', async () => {
    const reasonOf = async (command: Command) => (await enter(command)).contestant;
    const said = `console.log(JSON.stringify({ event: 'failed', reason: { kind: 'unsupported', text: 'no bfloat16' } }))`;
    expect(await reasonOf(failing(said))).toEqual({ kind: 'unsupported', text: 'no bfloat16' });
    expect(await reasonOf(failing(`console.error('out of luck'); process.exit(3)`))).toEqual({
      kind: 'failed',
      text: 'ended with code 3: out of luck',
    });
    const absent = await reasonOf({ program: '/nowhere/python3', args: [], threads: 1 });
    expect(absent).toMatchObject({
      kind: 'missing',
      text: expect.stringContaining('/nowhere/python3 cannot be started'),
    });
  });
});

describe('a contest', () => {
  it('gives both sides the same number of rounds', async () => {
    const result = await contest(await ready(worker(5)), await ready(worker(9)), pace);
    expect(result).toEqual({
      ours: {
        rounds: [
          [5, 5],
          [5, 5],
          [5, 5],
        ],
      },
      peer: {
        rounds: [
          [9, 9],
          [9, 9],
          [9, 9],
        ],
      },
    });
  });

  it('goes on alone when the other side is missing', async () => {
    const reason = { kind: 'missing', text: 'nobody there' } as const;
    const result = await contest(await ready(worker(5)), reason, pace);
    expect(result.peer).toEqual({ reason });
    expect(result.ours).toHaveProperty('rounds.length', 3);
  });

  it('drops the rounds of a side that dies on the way', async () => {
    const entrant = await enter(worker(5, `if (line === 'go 2') process.exit(9);`));
    const result = await contest(await ready(worker(5)), entrant.contestant, pace);
    expect(result.peer).toEqual({ reason: { kind: 'failed', text: 'ended with code 9' } });
    await leave(entrant);
  });
});
