/** Messages that end in the middle of a key, at every place near the end of the decoder's own buffer. */
import { describe, expect, it } from 'vitest';
import { RecordKind } from '../../../src/protocol/record.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';

const LONG = 'a'.repeat(100);
const files = {
  'events.yaml': `receipt: {${LONG}: double}\n${'b'.repeat(100)}: {total: double}\n`,
};
const BUFFER_BYTES = 64 * 1024;

/** `text` with white space before it, `length` bytes. */
function padded(text: string, length: number): Uint8Array {
  return new TextEncoder().encode(' '.repeat(length - text.length) + text);
}

describe('a message that is cut off within a long name', () => {
  it.each([
    ['field', `[{"type":"receipt","data":{"${LONG}":1}},{"type":"receipt","data":{"aaaa`],
    ['type', `[{"type":"${'b'.repeat(100)}"},{"type":"bbbb`],
  ])('is refused, whatever its length: of a %s', (_, text) => {
    const fixture = MachineFixture.with(files);
    for (let length = BUFFER_BYTES - 180; length <= BUFFER_BYTES; length++) {
      const { rejections } = fixture.append(RecordKind.events, padded(text, length));
      expect(rejections).toHaveLength(1);
    }
  });
});
