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

/** Tells `listener` of every frame that arrives on `socket`. */
export function receiveFrames(socket: Socket, listener: FrameListener): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = headerBytes;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    if (held < wanted) return;
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (;;) {
      wanted = headerBytes;
      if (bytes.length < headerBytes) break;
      const kind = frameKinds[bytes.readUInt8(0)];
      const textLength = bytes.readUInt16LE(2);
      const bodyLength = bytes.readUInt32LE(8);
      if (kind === undefined || bytes.readUInt8(1) !== 0 || bodyLength > listener.bodyLimit()) {
        socket.removeAllListeners('data');
        listener.onNonsense();
        return;
      }
      wanted = headerBytes + textLength + bodyLength;
      if (bytes.length < wanted) break;
      const bodyStart = headerBytes + textLength;
      listener.onFrame({
        kind,
        id: bytes.readUInt32LE(4),
        text: bytes.toString('utf8', headerBytes, bodyStart),
        body: bytes.subarray(bodyStart, wanted),
      });
      bytes = bytes.subarray(wanted);
    }
    chunks = bytes.length === 0 ? [] : [bytes];
    held = bytes.length;
  });
}

/** An empty body. */
export const nothing = new Uint8Array(0);
