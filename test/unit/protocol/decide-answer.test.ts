import { describe, expect, it } from 'vitest';
import { decodeDecideAnswer, encodeDecideAnswer, encodeDecideFailure } from '../../../src/protocol/decide-answer.ts';
import { IngestError } from '../../../src/protocol/ingest-error.ts';

const encoder = new TextEncoder();

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('the answer to decide', () => {
  it('keeps decisions and rejections', () => {
    const decided = { rejection: null, repeated: true, decisions: [encoder.encode('{"id":"1-1"}')], waiting: ['a'] };
    expect(decodeDecideAnswer(encodeDecideAnswer('r1', decided))).toEqual(decided);
    const rejection = { index: 0, reason: 'field_type', error: 'id: expected string' } as const;
    const rejected = { rejection, repeated: false, decisions: [], waiting: [] };
    expect(decodeDecideAnswer(encodeDecideAnswer(null, rejected))).toEqual(rejected);
  });

  it.each(['full', 'too_large', 'refused', 'timeout', 'closed', 'unavailable'] as const)(
    'never takes the failure %s for a rejection',
    (fault) => {
      const bytes = encodeDecideFailure(new IngestError(fault, 'the log does not answer'));
      const error = thrownBy(() => decodeDecideAnswer(bytes));
      expect(error).toBeInstanceOf(IngestError);
      expect(error).toMatchObject({ fault, message: 'the log does not answer' });
    },
  );

  it('takes a failure that this version does not know for unavailable', () => {
    const error = thrownBy(() => decodeDecideAnswer(encoder.encode('{"error":"on the moon","failure":"moon"}')));
    expect(error).toMatchObject({ name: 'IngestError', fault: 'unavailable', message: 'on the moon' });
  });
});
