/**
 * The frame: how one record of a write-ahead log, one decision or one dead letter lies in a file. Little-endian.
 *
 *    0  u32  magic "BkFr"
 *    4  u32  length of the body
 *    8  u32  durableBefore: every byte of this file below this offset had been fdatasynced when this frame was written
 *   12  u32  CRC-32 of the body
 *   16  f64  number: sequence of a log record, number of a decision or dead letter (an exact integer)
 *   24  f64  ts: epoch milliseconds; 0 where it means nothing
 *   32  u16  partition
 *   34  u8   kind
 *   35  u8   0
 *   36  u32  CRC-32 of the 36 bytes above
 *   40       body
 *
 * Both CRCs start from (salt + offset of the frame in its file) mod 2^32, the salt being in the file's header. A frame is therefore valid in its own
 * place only: bytes of another file, a stale copy, or a producer's payload that imitates a frame never pass for one.
 *
 * *Torn or damaged?* Of a file that was being written when the power went, only what lies at or after the last sync can be incomplete; its pages may
 * have reached the disk in any order, so that an intact frame may follow a hole. That is a torn tail, and is cut off: nobody was told of it. But an
 * intact frame whose durableBefore lies beyond the hole proves that the hole had been durable: that is damage, and is refused. The header has its own
 * CRC so that this proof, and skipping over other partitions' records, needs no body.
 */
import { crc32 } from 'node:zlib';
import { FRAME_BODY_BYTES_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import type { ByteWriter } from '../stdx/bytes.ts';

export const FRAME_HEADER_BYTES = 40;
export const FRAME_MAGIC = 0x7246_6b42;
/** The magic as it lies in the file. */
export const FRAME_MAGIC_BYTES = Uint8Array.of(0x42, 0x6b, 0x46, 0x72);
const OFFSET_MAX = 0xffff_ffff;

/** Fields of a frame, reused from frame to frame. */
export interface Frame {
  /** Where the frame begins in its file. */
  offset: number;
  length: number;
  durableBefore: number;
  bodyCrc: number;
  number: number;
  ts: number;
  partition: number;
  kind: number;
}

export function createFrame(): Frame {
  return { offset: 0, length: 0, durableBefore: 0, bodyCrc: 0, number: 0, ts: 0, partition: 0, kind: 0 };
}

function seed(salt: number, offset: number): number {
  return (salt + offset) >>> 0;
}

/** Appends one frame that will lie at `offset` of its file. */
export function encodeFrame(
  writer: ByteWriter,
  salt: number,
  offset: number,
  durableBefore: number,
  number: number,
  ts: number,
  partition: number,
  kind: number,
  body: Uint8Array,
): void {
  assert(body.length <= FRAME_BODY_BYTES_MAX, 'frame: body too long');
  assert(Number.isSafeInteger(number) && number >= 0, 'frame: number must be an exact integer');
  assert(Number.isSafeInteger(ts), 'frame: ts must be an exact integer');
  assert(partition >= 0 && partition <= 0xffff && kind >= 0 && kind <= 0xff, 'frame: partition or kind out of range');
  assert(durableBefore <= offset && offset <= OFFSET_MAX, 'frame: offset out of range');
  const start = writer.length;
  writer.u32(FRAME_MAGIC);
  writer.u32(body.length);
  writer.u32(durableBefore);
  writer.u32(crc32(body, seed(salt, offset)));
  writer.f64(number);
  writer.f64(ts);
  writer.u16(partition);
  writer.u8(kind);
  writer.u8(0);
  writer.u32(crc32(writer.bytes().subarray(start, start + 36), seed(salt, offset)));
  writer.raw(body);
}

/**
 * Reads the frame header at `at` of `bytes`, which lies at `offset` of its file. False if there is no intact one; then `into` is undefined.
 * `view` is over the same memory as `bytes`. The caller has made sure of FRAME_HEADER_BYTES bytes.
 */
export function decodeFrameHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
  offset: number,
  into: Frame,
): boolean {
  if (view.getUint32(at, true) !== FRAME_MAGIC) return false;
  if (view.getUint32(at + 36, true) !== crc32(bytes.subarray(at, at + 36), seed(salt, offset))) return false;
  into.offset = offset;
  into.length = view.getUint32(at + 4, true);
  into.durableBefore = view.getUint32(at + 8, true);
  into.bodyCrc = view.getUint32(at + 12, true);
  into.number = view.getFloat64(at + 16, true);
  into.ts = view.getFloat64(at + 24, true);
  into.partition = view.getUint16(at + 32, true);
  into.kind = view.getUint8(at + 34);
  return (
    into.length <= FRAME_BODY_BYTES_MAX &&
    into.durableBefore <= offset &&
    Number.isSafeInteger(into.number) &&
    Number.isSafeInteger(into.ts)
  );
}

export function frameBodyIntact(frame: Frame, salt: number, body: Uint8Array): boolean {
  return body.length === frame.length && crc32(body, seed(salt, frame.offset)) === frame.bodyCrc;
}
