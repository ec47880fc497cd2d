/**
 * TensorBoard's Event messages, encoded. Field numbers are those of tensorflow/core/util/event.proto, framework/summary.proto and
 * framework/tensor.proto; the few that are needed do not pay for generated code.
 */

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Writes a message's fields. */
type Fields = (writer: BinaryWriter) => void;

function event(time: number, step: number, content: Fields): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(time / 1000);
  if (step !== 0) writer.tag(2, WireType.Varint).int64(step);
  content(writer);
  return writer.finish();
}

function message(writer: BinaryWriter, field: number, content: Fields): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  content(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function varint(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int32(value);
}

/** What every file begins with. `time` in milliseconds since 1970, here and below. */
export function versionEvent(time: number): Uint8Array {
  return event(time, 0, (writer) => text(writer, 3, 'brain.Event:2'));
}

/** The run begins at `step`: TensorBoard forgets what earlier files hold from there on. */
export function startEvent(time: number, step: number): Uint8Array {
  const start = 1;
  return event(time, step, (writer) => message(writer, 7, (log) => varint(log, 1, start)));
}

/** Scalars of one step in one event. TensorBoard keeps them as float32. */
export function scalarsEvent(
  time: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  return event(time, step, (writer) =>
    message(writer, 5, (summary) => {
      for (const [tag, value] of Object.entries(scalars)) {
        message(summary, 1, (entry) => {
          text(entry, 1, tag);
          entry.tag(2, WireType.Bit32).float(value);
        });
      }
    }),
  );
}

/** An encoded picture (PNG or JPEG). */
export function imageEvent(
  time: number,
  step: number,
  tag: string,
  image: { readonly width: number; readonly height: number; readonly bytes: Uint8Array },
): Uint8Array {
  const rgb = 3;
  return event(time, step, (writer) =>
    message(writer, 5, (summary) =>
      message(summary, 1, (entry) => {
        text(entry, 1, tag);
        message(entry, 4, (picture) => {
          varint(picture, 1, image.height);
          varint(picture, 2, image.width);
          varint(picture, 3, rgb);
          picture.tag(4, WireType.LengthDelimited).bytes(image.bytes);
        });
      }),
    ),
  );
}

/** Text, which TensorBoard shows as Markdown: a tensor of strings, marked for its plug-in. */
export function textEvent(time: number, step: number, tag: string, markdown: string): Uint8Array {
  const [stringType, tensorClass] = [7, 2];
  return event(time, step, (writer) =>
    message(writer, 5, (summary) =>
      message(summary, 1, (entry) => {
        text(entry, 1, tag);
        message(entry, 8, (tensor) => {
          varint(tensor, 1, stringType);
          message(tensor, 2, (shape) => message(shape, 2, (dimension) => varint(dimension, 1, 1)));
          text(tensor, 8, markdown);
        });
        message(entry, 9, (metadata) => {
          message(metadata, 1, (plugin) => text(plugin, 1, 'text'));
          varint(metadata, 4, tensorClass);
        });
      }),
    ),
  );
}
