/**
 * The published workspace versions, which all nodes share: message n of BECKON_WORKSPACES is version n. Whoever publishes says which version comes before it, so
 * of two nodes that publish at once one is refused and looks again.
 */
import { headers, type JetStreamManager, type NatsConnection, type NatsError } from 'nats';
import { NATS_HEADER_BYTES_RESERVED, NATS_REQUEST_MS_MAX } from '../../constants.ts';
import { NatsRefusedError } from './connection.ts';
import { Header, JetStreamError, WORKSPACE_STREAM, WORKSPACE_SUBJECT } from './names.ts';
import { payloadOf } from './raw-message.ts';
import { StreamFollower, type StreamLog } from './stream-follower.ts';

/** Hash of the folder that was last published from a folder, up to and including this version. */
const FOLDER_HASH = 'Beckon-Folder-Hash';

export interface StoredVersion {
  readonly version: number;
  /** The compiled workspace as JSON. */
  readonly json: Uint8Array;
  /** null: none of the versions so far was published from a folder. */
  readonly folderHash: string | null;
}

export class WorkspaceStream {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  #follower: StreamFollower | null = null;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#manager = manager;
  }

  /** The stream must exist (ensureStreams). */
  static async open(connection: NatsConnection): Promise<WorkspaceStream> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    return new WorkspaceStream(connection, manager);
  }

  /** null where none was ever published. */
  async newest(): Promise<StoredVersion | null> {
    const { state } = await this.#manager.streams.info(WORKSPACE_STREAM);
    if (state.last_seq === 0) return null;
    const { seq, data, header } = await this.#manager.streams.getMessage(WORKSPACE_STREAM, { seq: state.last_seq });
    const hash = header?.get(FOLDER_HASH) ?? '';
    return { version: seq, json: data, folderHash: hash === '' ? null : hash };
  }

  /** False: there is a version of that number already. NatsRefusedError if it is too large for the server. */
  async append({ version, json, folderHash }: StoredVersion): Promise<boolean> {
    const room = (this.#connection.info?.max_payload ?? 0) - NATS_HEADER_BYTES_RESERVED;
    if (json.length > room) {
      throw new NatsRefusedError(
        `the compiled workspace has ${json.length} bytes, the server takes ${room}: raise max_payload (deploy/nats.conf has 8 MB)`,
      );
    }
    const head = headers();
    head.set(Header.expectedLastSequence, String(version - 1));
    head.set(Header.messageId, `workspace-${version}`);
    if (folderHash !== null) head.set(FOLDER_HASH, folderHash);
    try {
      const { seq, duplicate } = await this.#connection.jetstream().publish(WORKSPACE_SUBJECT, json, { headers: head });
      return seq === version && !duplicate;
    } catch (error) {
      const code = (error as NatsError).api_error?.err_code;
      if (code === JetStreamError.wrongLastSequence || code === JetStreamError.wrongLastSequenceConstant) return false;
      throw error;
    }
  }

  /** Calls `onVersion` for every version after `after`, whichever node published it. */
  async follow(after: number, onVersion: (version: number, json: Uint8Array) => void, log: StreamLog): Promise<void> {
    this.#follower = await StreamFollower.open({
      connection: this.#connection,
      stream: WORKSPACE_STREAM,
      after,
      check: async () => {},
      explainGap: async (_manager, expected, found) => new Error(`version ${expected} is missing, ${found} came`),
      isFinal: () => false,
      message: (seq, _ts, message) => onVersion(seq, payloadOf(message)),
      failed: (error) =>
        log(
          'error',
          { stream: WORKSPACE_STREAM, reason: error.message },
          'versions of other nodes are not seen any more',
        ),
      log,
    });
  }

  close(): void {
    this.#follower?.close();
  }
}
