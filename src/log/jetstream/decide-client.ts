/** The asking end of `decide`: one event to whoever owns the partition, and what that node answered. */
import { ErrorCode, type NatsConnection, type NatsError } from 'nats';
import { DECIDE_MS_MAX } from '../../constants.ts';
import { decodeDecideAnswer } from '../../protocol/decide-answer.ts';
import type { DecideOutcome } from '../../protocol/ingest.ts';
import { IngestError, type IngestFault } from '../../protocol/ingest-error.ts';
import { decideSubject } from './names.ts';

/** Rejects with IngestError, whether the event could not be sent, was not answered, or the answer says so. */
export async function requestDecisions(
  connection: NatsConnection,
  partition: number,
  payload: Uint8Array,
): Promise<DecideOutcome> {
  let answer: Uint8Array;
  try {
    answer = (await connection.request(decideSubject(partition), payload, { timeout: DECIDE_MS_MAX })).data;
  } catch (error) {
    throw explained(error as NatsError, partition);
  }
  try {
    return decodeDecideAnswer(answer);
  } catch (error) {
    if (error instanceof IngestError) throw error;
    throw new IngestError('unavailable', `the answer of partition ${partition} cannot be read`);
  }
}

const FAULTS: Readonly<Record<string, readonly [IngestFault, string]>> = {
  [ErrorCode.NoResponders]: ['unavailable', 'no node answers for it at the moment'],
  [ErrorCode.Timeout]: ['timeout', `its node did not answer within ${DECIDE_MS_MAX} ms`],
  [ErrorCode.MaxPayloadExceeded]: ['too_large', 'the event is larger than max_payload of nats-server'],
};

function explained({ code, message }: NatsError, partition: number): IngestError {
  const [fault, what] = FAULTS[code] ?? ['closed', `the connection to NATS failed: ${message}`];
  return new IngestError(fault, `partition ${partition}: ${what}`);
}
