/**
 * One partition as its worker hosts it: the machine with its state, and the logs that its effects go to.
 *
 * Order laws kept here:
 *  - apply() is called only with records that are durable;
 *  - a decision is written to the decision log before it is posted to anyone;
 *  - a snapshot is committed only after the decision and dead-letter logs are synced up to its position, because replay no longer derives what lies before it.
 */
import type { Effects } from '../machine/effects.ts';
import { Machine } from '../machine/machine.ts';
import type { LogRecord } from '../protocol/record.ts';
import { PartitionState } from '../state/partition-state.ts';
import { encodeDeadLetterEntry } from '../storage/dead-letter-entry.ts';
import { encodeDecisionEntry } from '../storage/decision-entry.ts';
import type { NumberedLog } from '../storage/numbered-log.ts';
import type { PartitionStatus } from './messages.ts';
