/**
 * A program in Beckon's place: reads all log streams with push consumers (no acknowledgements, flow control), looks for the events whose number ends in 00, one in a
 * hundred, by their bytes, and publishes a message of a decision's size for each into the partition's decision stream, with JetStream's acknowledgement. It parses
 * nothing, keeps nothing, decides nothing and writes no log of its own.
 *
 * Run as a process: argv[2] is the server's URL, argv[3] the number of partitions. Says that it listens once it does.
 */
import { AckPolicy, connect, DeliverPolicy, type Msg } from 'nats';
import { decisionSubject, logStream } from '../../src/log/jetstream/names.ts';
import { headerValue, inboxOf, payloadOf, rawMessage, statusOf } from '../../src/log/jetstream/raw-message.ts';

const IDLE_HEARTBEAT_NS = 5e9;
/** The end of such an event's id, and what follows it in JSON. */
const MARK = Buffer.from('00","type":"receipt"');
const ID_BYTES_BEFORE = 'receipt-0000000'.length;

const [servers = '', partitions = ''] = process.argv.slice(2);
const connection = await connect({ servers, noAsyncTraces: true });
const stream = connection.jetstream();
const manager = await connection.jetstreamManager();

function republish(partition: number, message: Msg): void {
  const raw = rawMessage(message);
  if (raw.headerLength > 0 && statusOf(raw) !== 0) {
    const stalled = headerValue(raw, 'Nats-Consumer-Stalled');
    if (raw.reply !== undefined) message.respond();
    else if (stalled !== null) connection.publish(stalled);
    return;
  }
  const view = payloadOf(raw);
  const payload = Buffer.from(view.buffer, view.byteOffset, view.length);
  for (let at = payload.indexOf(MARK); at >= 0; at = payload.indexOf(MARK, at + MARK.length)) {
    const id = payload.toString('latin1', at - ID_BYTES_BEFORE, at + 2);
    stream.publish(decisionSubject(partition, 'push', 'bare'), decisionOf(partition, id)).catch((error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
  }
}

/** As long as a decision of the kernel workspace. */
function decisionOf(partition: number, event: string): Uint8Array {
  return Buffer.from(
    `{"id":"${partition}-100000","ts":"2026-01-01T00:00:00.000Z","customer":"c00000000000","campaign":"rule-00","variant":null,"offer":null,"channel":"push",` +
      `"message":null,"value":0,"expires":null,"event":{"id":"${event}","type":"receipt"},"workspace":1}`,
  );
}

for (let partition = 0; partition < Number(partitions); partition++) {
  const subject = inboxOf(connection);
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) process.exit(1);
      republish(partition, message);
    },
  });
  await manager.consumers.add(logStream(partition), {
    deliver_subject: subject,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.New,
    flow_control: true,
    idle_heartbeat: IDLE_HEARTBEAT_NS,
    mem_storage: true,
    num_replicas: 1,
  });
}
process.stdout.write('listening on http://127.0.0.1:0\n');
