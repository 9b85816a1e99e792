/**
 * What Beckon's things are called in NATS: streams, subjects, headers. Everything that speaks to NATS takes its names from here.
 *
 *   BECKON_LOG_<p>         beckon.events.<p>, beckon.events.<p>.<customer>.<type>    what producers publish
 *                          beckon.control.<p>.<kind>                                 what nodes publish: ticks, activations, messages, what fills aggregates
 *   BECKON_DECISIONS_<p>   beckon.decisions.<p>.<channel>.<campaign>                 message k is decision k
 *   BECKON_DEADLETTERS     beckon.deadletter.<p>
 *   BECKON_WORKSPACES      beckon.workspaces                                         message n is version n
 *
 * The subject of a log's message says what kind of record it is: whoever may publish events can thereby be kept from publishing anything else.
 */
import { RecordKind } from '../../protocol/record.ts';
import { assert } from '../../stdx/assert.ts';

export const WORKSPACE_STREAM = 'BECKON_WORKSPACES';
export const DEAD_LETTER_STREAM = 'BECKON_DEADLETTERS';
export const WORKSPACE_SUBJECT = 'beckon.workspaces';
export const DEAD_LETTER_SUBJECTS = 'beckon.deadletter.>';
/** Answered by nats-server where deploy/nats.conf runs it: the description of WORKSPACE_STREAM, for users who may ask JetStream for nothing. */
export const CLUSTER_INFO_SUBJECT = 'beckon.cluster.info';

export const Header = {
  /** JetStream stores one message per id and duplicate window. */
  messageId: 'Nats-Msg-Id',
  /** JetStream stores the message only if the stream's last sequence is this. */
  expectedLastSequence: 'Nats-Expected-Last-Sequence',
  /** On an event in a log: where its decisions are awaited. Followed only if isReplySubject(). */
  reply: 'Beckon-Reply',
  /** On a dead letter: its number within its partition, and why the event was refused. */
  number: 'Beckon-Number',
  reason: 'Beckon-Reason',
} as const;

/** JetStream's error codes that are handled by name. */
export const JetStreamError = {
  notEnabled: 10076,
  notEnabledForAccount: 10039,
  streamNotFound: 10059,
  /** A stream of that name exists with another configuration. */
  streamExists: 10058,
  messageNotFound: 10037,
  consumerNotFound: 10014,
  /** A consumer of that name exists with another configuration. */
  consumerExists: 10148,
  wrongLastSequence: 10071,
  /** The same, as newer servers say it of an expected sequence of 0. */
  wrongLastSequenceConstant: 10164,
} as const;

export function logStream(partition: number): string {
  return `BECKON_LOG_${partition}`;
}
export function decisionStream(partition: number): string {
  return `BECKON_DECISIONS_${partition}`;
}

/** Where batches of events of a partition are published. */
export function eventsSubject(partition: number): string {
  return `beckon.events.${partition}`;
}
/** All that one log stream takes. */
export function logSubjects(partition: number): string[] {
  return [`beckon.events.${partition}`, `beckon.events.${partition}.>`, `beckon.control.${partition}.>`];
}

const CONTROL_NAMES = {
  [RecordKind.tick]: 'tick',
  [RecordKind.workspace]: 'workspace',
  [RecordKind.message]: 'message',
  [RecordKind.fill]: 'fill',
};

/** Where a record of this kind is published. */
export function recordSubject(partition: number, kind: RecordKind): string {
  return kind === RecordKind.events ? eventsSubject(partition) : `beckon.control.${partition}.${CONTROL_NAMES[kind]}`;
}

/** The kind of a message of a log stream; null for a control subject that this version does not know. */
export function recordKindOf(subject: string): RecordKind | null {
  if (subject.startsWith('beckon.events.')) return RecordKind.events;
  if (subject.endsWith('.tick')) return RecordKind.tick;
  if (subject.endsWith('.workspace')) return RecordKind.workspace;
  if (subject.endsWith('.message')) return RecordKind.message;
  return subject.endsWith('.fill') ? RecordKind.fill : null;
}

export function decisionSubjects(partition: number): string {
  return `beckon.decisions.${partition}.>`;
}
/** Channels and campaigns are names of a workspace, which are subject tokens. */
export function decisionSubject(partition: number, channel: string, campaign: string): string {
  assert(isSubjectToken(channel) && isSubjectToken(campaign), 'names of a workspace are subject tokens');
  return `beckon.decisions.${partition}.${channel}.${campaign}`;
}
export function decisionMessageId(partition: number, number: number): string {
  return `${partition}-${number}`;
}

export function deadLetterSubject(partition: number): string {
  return `beckon.deadletter.${partition}`;
}
export function deadLetterMessageId(partition: number, number: number): string {
  return `${partition}-dead-${number}`;
}

/** Request and reply: one event, answered with its decisions. */
export function decideSubject(partition: number): string {
  return `beckon.decide.${partition}`;
}

/**
 * Whether an answer may be published there: inboxes, and what nats-server puts in their place for users of another account. Anything else in a reply subject or
 * a `Beckon-Reply` header would have a node publish, in its own name, what the sender may not: into a control or decision subject, say.
 */
export function isReplySubject(subject: string): boolean {
  return (subject.startsWith('_INBOX.') || subject.startsWith('_R_.')) && subject.split('.').every(isSubjectToken);
}

/** One or more characters, none with a meaning in subjects. */
export function isSubjectToken(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: nats-server refuses them
  return /^[^\s.*>\u0000-\u001f\u007f]+$/.test(text);
}
