/**
 * Frames on a TCP connection: what the hub of a process group and its members say to each other.
 *
 * Twelve bytes (kind, zero, length of the text, message number, length of the body) and then both. The text is a key or a line of JSON; the body is raw bytes. Memory
 * follows what has arrived, never what a header announces.
 */

import type { Socket } from 'node:net';
import { OmmaError } from '@omma/core';

export interface Frame {
  readonly kind: FrameKind;
  /** Which request this is, or the answer to. */
  readonly id: number;
  readonly text: string;
  readonly body: Uint8Array;
}

/** Members say hello to bye, the hub says answer to lost. */
export const frameKinds = ['hello', 'set', 'get', 'collect', 'bye', 'answer', 'failure', 'lost'] as const;
export type FrameKind = (typeof frameKinds)[number];

const headerBytes = 12;
const maxText = 0xffff;
export const maxBody = 2 ** 31 - 1;

/** Sends a frame. What the connection cannot take at once is queued by the socket. */
export function sendFrame(socket: Socket, { kind, id, text, body }: Frame): void {
  const textBytes = Buffer.from(text, 'utf8');
  if (textBytes.length > maxText || body.length > maxBody) {
    throw new OmmaError(
      `distributed: a message of ${textBytes.length} + ${body.length} bytes is too long; at most ${maxText} + ${maxBody} can be sent`,
    );
  }
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(frameKinds.indexOf(kind), 0);
  header.writeUInt16LE(textBytes.length, 2);
  header.writeUInt32LE(id >>> 0, 4);
  header.writeUInt32LE(body.length, 8);
  socket.cork();
  socket.write(Buffer.concat([header, textBytes]));
  if (body.length > 0) socket.write(body);
  socket.uncork();
}

export interface FrameListener {
  onFrame(frame: Frame): void;
  /** Called once, when something else than a frame arrives, or one with a longer body than allowed. */
  onNonsense(): void;
  /** Bytes of the longest body to accept now: a stranger on the port gets no memory. */
  bodyLimit(): number;
}

/** Tells `listener` of every frame that arrives on `socket`. Each body lies in memory of its own, which the listener may keep and change. */
export function receiveFrames(socket: Socket, listener: FrameListener): void {
  /** What has come of the next header and text. */
  let head: Buffer = Buffer.alloc(0);
  let frame: { readonly head: Omit<Frame, 'body'>; readonly body: Uint8Array } | null = null;
  let filled = 0;
  /** Takes the rest of a header, or of a body, from the front of `chunk`; how many bytes it took, or -1 when it is nonsense. */
  const take = (chunk: Buffer): number => {
    if (frame !== null) {
      const part = chunk.subarray(0, frame.body.length - filled);
      frame.body.set(part, filled);
      filled += part.length;
      return part.length;
    }
    const before = head.length;
    const missing = (wanted: number) => Math.max(0, wanted - head.length);
    head = Buffer.concat([head, chunk.subarray(0, missing(headerBytes))]);
    let taken = head.length - before;
    if (head.length < headerBytes) return taken;
    const kind = frameKinds[head.readUInt8(0)];
    const bodyLength = head.readUInt32LE(8);
    if (kind === undefined || head.readUInt8(1) !== 0 || bodyLength > listener.bodyLimit()) return -1;
    const more = chunk.subarray(taken, taken + missing(headerBytes + head.readUInt16LE(2)));
    head = Buffer.concat([head, more]);
    taken += more.length;
    if (missing(headerBytes + head.readUInt16LE(2)) > 0) return taken;
    // Zeroed pages take no memory before something is written to them, so it follows what arrives.
    const body = new Uint8Array(bodyLength);
    frame = { head: { kind, id: head.readUInt32LE(4), text: head.toString('utf8', headerBytes) }, body };
    head = Buffer.alloc(0);
    filled = 0;
    return taken;
  };
  socket.on('data', (data: Buffer) => {
    for (let chunk = data; chunk.length > 0 || frame?.body.length === filled; ) {
      const taken = take(chunk);
      if (taken === -1) {
        socket.removeAllListeners('data');
        listener.onNonsense();
        return;
      }
      chunk = chunk.subarray(taken);
      if (frame === null || filled < frame.body.length) continue;
      const whole = { ...frame.head, body: frame.body };
      frame = null;
      listener.onFrame(whole);
    }
  });
}

/** An empty body. */
export const nothing = new Uint8Array(0);
