/**
 * Every limit of the engine, each with its reason. Relations between them are asserted at the bottom, when this module is loaded.
 */
import { assert } from './stdx/assert.ts';

// --- Cluster shape -----------------------------------------------------------------------------------------------------------

/** Partitions of a new data folder. Fixed when it is created; 16 spreads over up to 16 workers and keeps fsyncs few. */
export const PARTITIONS_DEFAULT = 16;
export const PARTITIONS_MAX = 256;
/** Customers that one partition can hold; memory is reserved for them, and resident only once used. */
export const CUSTOMERS_PER_PARTITION_DEFAULT = 1_000_000;
/** A partition's memory is one WebAssembly memory of at most 4 GiB, which must have room for at least 64 columns of 8 bytes per customer. */
export const CUSTOMERS_PER_PARTITION_MAX = 4_000_000;
/** Different strings that profiles, campaigns and channels of one partition may hold: cities, tiers, names; not free text. */
export const DICTIONARY_ENTRIES_PER_PARTITION = 1 << 18;
export const DICTIONARY_BYTES_PER_PARTITION = 32 * 1024 * 1024;
/** Windows, contacts and lists take blocks for customers active in the window; most are not. Reserved, resident only once used. */
export const BLOCK_BYTES_PER_CUSTOMER = 1024;
export const BLOCK_BYTES_PER_PARTITION_MIN = 64 * 1024 * 1024;
export const BLOCK_BYTES_PER_PARTITION_MAX = 1024 * 1024 * 1024;
/** Default of `--history`: how far back the log, and a snapshot at its start, are kept. */
export const HISTORY_DEFAULT_MS = 7 * 86_400_000;

// --- Events ------------------------------------------------------------------------------------------------------------------

/** One event, encoded. INTERFACE promises at least 256 KiB. */
export const EVENT_BYTES_MAX = 256 * 1024;
/** Elements of one list in an event. INTERFACE promises at least 4,096. */
export const EVENT_LIST_LENGTH_MAX = 4096;
/** Nesting of an event's JSON or MessagePack; deeper input is refused before anything recurses on it. */
export const EVENT_DEPTH_MAX = 32;
/** A string anywhere in an event, in UTF-16 units. */
export const EVENT_STRING_LENGTH_MAX = 64 * 1024;
/** Customer ids and event ids, in UTF-8 bytes: they are kept in memory. */
export const ID_BYTES_MAX = 256;
/** One record: what one producer message may carry. nats-server's default max_payload is 1 MB. */
export const RECORD_BYTES_MAX = 1024 * 1024;
/** Under the event clock, an event dated this much after its record's own timestamp is rejected: one bad date must not poison a partition. */
export const EVENT_FUTURE_MS_MAX = 3_600_000;
/** Events that are decoded before the first of them is applied: enough for their customers' look-ups to overlap, few enough for their frames to stay in the cache. */
export const BATCH_EVENTS = 32;
/**
 * A longer list is decoded in the batch's first place only: frames keep their room, and there is one per event type and place. 256 elements of ten columns
 * are 45 KB.
 */
export const BATCH_LIST_LENGTH_MAX = 256;
/** Strings of event fields that a partition keeps by their bytes, a power of two: a string given again costs a comparison and no memory. */
export const EVENT_TEXTS_KEPT = 8192;
/** A longer one is made anew each time. */
export const EVENT_TEXT_KEPT_BYTES_MAX = 64;
/** Record definitions of MessagePack messages that a partition keeps by their bytes, a power of two: producers send the same few in every message. */
export const RECORD_SHAPES_KEPT = 256;
/** Longer ones, in bytes of their keys, are left to the thorough decoder. */
export const RECORD_SHAPE_BYTES_MAX = 8 * 1024;
/** Default of workspace.yaml `lateness`. */
export const LATENESS_DEFAULT_MS = 3_600_000;
/** Event ids remembered per partition, forgotten oldest first. */
export const EVENT_IDS_REMEMBERED = 1_000_000;

// --- Shards ------------------------------------------------------------------------------------------------------------------

/** Submitted to a worker and not yet answered, in payload bytes; beyond it producers get 429. Tills do not wait behind it. */
export const SHARD_PENDING_BYTES_MAX = 32 * 1024 * 1024;
/** Records made durable by one write and one fdatasync; bounds how long the first of them waits for the last. */
export const SHARD_BATCH_BYTES_MAX = 1024 * 1024;
/** Under the wall clock, a partition in which nothing happened for this long gets a tick: what its windows show is at most this old. */
export const TICK_INTERVAL_MS = 60_000;
/** A tick whose time, by the clock of nats-server, was before what it was sent for is sent again after this long at least, and at most. */
export const DUE_RETRY_MS_MIN = 2;
export const DUE_RETRY_MS_MAX = 1000;
/** How long a till on HTTP waits for the owner of its partition; and how many may wait at once. */
export const DECIDE_MS_MAX = 5000;
export const DECIDES_IN_FLIGHT_MAX = 4096;
/** How long the answer to a till is held back while winners wait for units of a budget or limit: less, so that it still arrives. */
export const DECIDE_HOLD_MS_MAX = 4000;
/** Messages between partitions in one record: some 50 KiB, so that none holds up the events behind it. */
export const MESSAGES_PER_RECORD_MAX = 256;
/** A key names an id and a day at most: see protocol/partition-message.ts. */
export const MESSAGE_KEY_LENGTH_MAX = 1024;
/** Messages of one partition that wait to be stored in their receivers' logs; beyond it, it takes no more events: a few MiB. */
export const OUTBOX_MESSAGES_MAX = 16 * 1024;
/** When a record of messages was not stored, it is sent again after this long. */
export const OUTBOX_RETRY_MS = 100;
/** Rows that a scan's kernel goes through between two looks at whether the columns are still where they were: some 50 µs. */
export const SCAN_CHUNK_ROWS = 64 * 1024;
/** Room in a partition's memory for what a scan writes: two bitmaps of a chunk, and a count. */
export const SCAN_SCRATCH_BYTES = (2 * SCAN_CHUNK_ROWS) / 8 + 64;
/** A kernel reads this far ahead of the column it scans: a page of the usual size. A power of two. */
export const SCAN_AHEAD_BYTES = 4096;
/** Comparisons in one kernel, list members counted each; what has more is evaluated in JavaScript. Bounds the time to compile it: some 20 ms. */
export const SCAN_COMPARISONS_MAX = 256;
/** Customers that an audience scan looks at on the shard between two batches, or passes over: well under a millisecond's work. */
export const AUDIENCE_ROWS_PER_STEP = 1024;
/** Counts and lists under way at one moment, and exports: beyond it 429. One thread scans for all of them, and the shards look at what it leaves open. */
export const AUDIENCE_SCANS_MAX = 8;
export const AUDIENCE_EXPORTS_MAX = 2;
/** A scan that meets a change of workspace is begun anew after this long, and given up after READ_WAIT_MS_MAX. */
export const AUDIENCE_RETRY_MS = 20;
/** Explanations that are looked for at one moment, one after another in one thread: beyond it 429. Each may replay a quarter of the history of a partition. */
export const WHY_WAITING_MAX = 4;
/**
 * How long one may look, so that the last of those that wait has its answer within two minutes. On two cores that were busy five times over, 73,000 events took the thread 12 s, 3 s of them
 * its own.
 */
export const WHY_MS_MAX = 30_000;
/** Records that are replayed behind the moment that is asked about, to see what became of it: some seconds' work where each holds one event. */
export const WHY_RECORDS_FOLLOWED_MAX = 1_000_000;
/** What became of a campaign, in all that is told of one record: some 10 MiB of JSON. One record may hold ten thousand events of one customer, each with a verdict for every campaign that listens. */
export const WHY_VERDICTS_MAX = 10_000;
/** Members that `list` gives in one answer, and that a sample of fixed size may have: more is an export, or a share. */
export const AUDIENCE_LIST_MAX = 10_000;
export const AUDIENCE_SAMPLE_MAX = 1_000_000;
/** Waiting customers that one answer lists: a few hundred KiB. */
export const WAITING_LIST_MAX = 1000;
/** One answer of `list`: wide rows are for exports. */
export const AUDIENCE_LIST_BYTES_MAX = 16 * 1024 * 1024;
/** What a shard writes of an export between two batches: some 200 µs of work; a row is never cut. */
export const AUDIENCE_CHUNK_ROWS = 256;
export const AUDIENCE_CHUNK_BYTES = 64 * 1024;
/** Fields of an export, beside the id. */
export const AUDIENCE_FIELDS_MAX = 256;
/** How often a shard in which nothing happens considers a snapshot. */
export const SNAPSHOT_CONSIDER_MS = 1000;
/** How often a node that replays a long log says how far it is. */
export const REPLAY_PROGRESS_MS = 2000;
/**
 * Memory of replays that are closed, before the garbage is collected for their sake. V8 does not count shared memory towards its heap: 64 small partitions replayed one
 * after another held 1.3 GB until something else made it look.
 */
export const REPLAY_CLOSED_BYTES = 256 * 1024 * 1024;
/** Decisions that a replay makes before it compares them with those that were made: a reading of the archive each. */
export const REPLAY_COMPARE_COUNT = 1_000;
/** Bytes of decisions that are read for a comparison at a time. */
export const REPLAY_COMPARE_BYTES = 1024 * 1024;
/** Decisions of a backtest's two worlds that are no further apart count as made at the same time: units that come from another partition take milliseconds. */
export const BACKTEST_TIME_TOLERANCE_MS = 60_000;
/** Decisions of one world that a partition's comparison keeps in mind until the other world makes them, too: about 1 KiB each. The oldest beyond it are taken as gained or lost. */
export const BACKTEST_UNPAIRED_MAX = 200_000;
/** Contacts of a partition that a comparison knows to be made in one world only: about 40 bytes each. The oldest beyond it are taken as made in both. */
export const BACKTEST_NEW_CONTACTS_MAX = 1_000_000;
/** Backtests whose reports a node keeps. */
export const BACKTESTS_KEPT = 8;
/** How often a command asks a node how far its backtest is. */
export const BACKTEST_POLL_MS = 500;
/** A backtest's process runs for at least this long before it pauses for the sake of somebody who wants its core … */
export const RUN_MS_MIN = 0.5;
/** … this many times as long as it ran: with 1, decide's p99 beside it was 1.3 times that of quiet rounds, with 2 no further from it than they are from each other, for a tenth of its speed … */
export const PAUSE_PER_RUN = 2;
/** … and for no longer than this. */
export const PAUSE_MS_MAX = 20;
/** How often a node on NATS asks how far its streams reach, for the lag that it shows. */
export const TAILS_REFRESH_MS = 2000;
/** How long a node that stops waits for NATS to store its last decisions; orchestrators kill after 30 s. */
export const SETTLE_MS_MAX = 10_000;
/** How often it looks whether everything is delivered. */
export const SETTLE_LOOK_MS = 5;
/** A complete snapshot whose effects do not become durable for this long makes way for those of other partitions. */
export const SNAPSHOT_WAIT_MS_MAX = 10_000;
/** A read that waits this long for what was acknowledged to be applied is given up. */
export const READ_WAIT_MS_MAX = 10_000;
/** What a record without a payload counts for, in bytes of log: a tick costs a snapshot something, too. */
export const RECORD_BYTES_OVERHEAD = 64;
/** A thread of the task pool without work ends after this long. */
export const TASK_POOL_IDLE_MS = 10_000;
/** A partition takes a snapshot when this much of its log came after the last one … */
export const SNAPSHOT_LOG_BYTES = 64 * 1024 * 1024;
/** … or this much time passed with at least one record, so that a restart replays little. */
export const SNAPSHOT_INTERVAL_MS = 10 * 60_000;

// --- Filling new aggregates from history -------------------------------------------------------------------------------------

/** A record of images: some three milliseconds' work for the shard, in which a till waits. */
export const FILL_RECORD_BYTES_MAX = 128 * 1024;
/** Images of one partition: they are in memory twice for a moment. Five million customers with five aggregates each. */
export const FILL_IMAGES_BYTES_MAX = 1024 * 1024 * 1024;
/**
 * From the moment at which a partition begins to keep what new aggregates see until the version that has them: no snapshot is taken in the meantime, so that a restart replays as much. An hour is some
 * 700 million events of history on one core.
 */
export const FILL_MS_MAX = 60 * 60_000;
/** Whoever publishes gives up after this long: before the partitions do, so that the version is not active here filled and there empty. */
export const FILL_READ_MS_MAX = FILL_MS_MAX - 5 * 60_000;
/** Versions that wait to be published, or are being published: others may wait for an hour where history is read. Beyond it 429. */
export const PUBLICATIONS_MAX = 8;
/** Keys by which a publication knows requests for it that are sent again; those beyond go by what they ask for. */
export const PUBLICATION_KEYS_MAX = 64;
/** Characters of an Idempotency-Key: a UUID has 36. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
/** Workspaces that wait to be checked against the active version, or are being checked, one after another: a second each. Beyond it 429. */
export const WORKSPACE_CHECKS_MAX = 8;
/** How often whoever fills aggregates asks how a partition that has a backlog stands. */
export const FILL_LOOK_MS = 50;
/** What new aggregates of a partition see while its history is being read: 66 MB at most. At 3,000 events/s to a partition, each seen by three of them, four minutes. */
export const FILL_JOURNAL_OBSERVATIONS_MAX = 1 << 21;
/** Of that, added to the aggregates with one record: some 20 ms, in which a till waits. */
export const FILL_JOURNAL_DRAINED_MAX = 32 * 1024;
/** Different texts among that, in UTF-16 units: 16 MB. */
export const FILL_JOURNAL_TEXT_LENGTH_MAX = 1 << 23;

// --- Decisions ---------------------------------------------------------------------------------------------------------------

/** Contacts kept per customer; one who has this many within the longest rule's reach gets no more (counted as `cap`): a full list never leaks. */
export const CONTACTS_PER_CUSTOMER_MAX = 1024;
/** Contacts are kept at least this long even where no rule of the active version reaches that far, so that a longer cap published later finds its history (90 days). */
export const CONTACT_RETENTION_MS = 90 * 86_400_000;

// --- Waiting -----------------------------------------------------------------------------------------------------------------

/** What may be pending for one customer: more than any person lives through at once; a list of them is looked through for each of the customer's events. */
export const WAITS_PER_CUSTOMER_MAX = 64;
/** What may be pending for all anonymous events of a partition together: they wait for units of budgets only, for a round trip between partitions. */
export const WAITS_ANONYMOUS_MAX = 1024;
/** Pending entries of one partition: with their places in the timer queue (20 bytes each, up to twice as many) 40 MB at most beside the heap. */
export const PENDING_MAX = 1_000_000;
/** An event as a pending entry keeps it. */
export const STORED_EVENT_BYTES_MAX = 32 * 1024;
/** All of a pending entry: its event, and 1 KiB for what else it has to know. */
export const PENDING_BYTES_MAX = STORED_EVENT_BYTES_MAX + 1024;
/** Events remembered per customer for sequences. */
export const SEQUENCE_EVENTS_MAX = 64;
/** Remembered events older than this are found no more, and no sequence may reach further back (30 days). */
export const SEQUENCE_RETENTION_MS = 30 * 86_400_000;
/** They are kept at least this long even where no sequence of the active version reaches that far (a week). */
export const SEQUENCE_KEPT_MS_MIN = 7 * 86_400_000;
/** Fields of one remembered event: with all of them a customer's take 65 KiB, one block. */
export const SEQUENCE_EVENT_BYTES_MAX = 1024;
/** Winners that a campaign's count of outranked matches names; the others are counted together. */
export const OUTRANKED_BY_MAX = 100;

/** Customers that a schedule looks at together, and the log time between two such chunks: live events come in between, and a million customers take 20 s. */
export const SCHEDULE_CHUNK_ROWS = 512;
export const SCHEDULE_CHUNK_MS = 10;
/** Due times of a campaign that are looked at one by one when they have passed at once: a week of minutes takes some 20 ms. */
export const SCHEDULE_BEHIND_MAX = 10_000;
/**
 * Under the wall clock one record lets what is due happen for so many customers at most, the rest is for those behind it: ticks follow each other while anything is due. A million waits
 * may end at one moment (`until: draw`): in one record they would hold all its partitions up for a minute, and their decisions would fill the memory.
 */
export const TIMERS_PER_RECORD_MAX = 512;

// --- Telemetry ---------------------------------------------------------------------------------------------------------------

/** Series with label values per metric and thread; what comes after goes to the metric's overflow series. A thousand campaigns times every reason of suppression fit. */
export const METRIC_SERIES_MAX = 16 * 1024;
/** Float64 slots of one thread's metrics: 512 KiB, resident only where used. */
export const METRIC_SLOTS = 64 * 1024;

// --- Gateway: HTTP -----------------------------------------------------------------------------------------------------------

/** One request body. Larger imports are many requests; this is some 40,000 receipts. */
export const HTTP_BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes of all bodies that were received and not answered yet: beyond it the answer is 429, so that slow storage cannot fill the memory. */
export const HTTP_BODY_BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024;
/** Requests being answered at one moment; beyond it 429. */
export const HTTP_REQUESTS_IN_FLIGHT_MAX = 10_000;
/** Events in one request: bounds what splitting it allocates (13 bytes each); at 8 MiB it takes events of 32 bytes to reach it. */
export const HTTP_EVENTS_MAX = 262_144;
/** Events of one request that cannot be parsed, or could trip a reader, each become a record of their own; those after this many are only reported. */
export const HTTP_MALFORMED_EVENTS_MAX = 1024;
/** Rejections listed in one answer; the rest is given as a number. */
export const HTTP_REJECTIONS_LISTED_MAX = 10_000;
/** A body that is refused unread is still taken off the wire up to this length, so that the client reads the answer; beyond it the connection is closed. */
export const HTTP_DISCARD_BYTES_MAX = 64 * 1024 * 1024;
/** Plain MessagePack made from a body with msgpackr records, whose names are written once and may stand for much: bounds the expansion. */
export const HTTP_EXPANDED_BYTES_MAX = 4 * HTTP_BODY_BYTES_MAX;
/** What 429 and 503 ask the client to wait. */
export const HTTP_RETRY_AFTER_SECONDS = 1;
/** How long closing waits for answers that are under way. */
export const HTTP_DRAIN_MS_MAX = 10_000;

// --- Gateway: the decision stream --------------------------------------------------------------------------------------------

/** Open decision streams; each may hold SUBSCRIBER_BACKPRESSURE_BYTES_MAX and one frame unsent. */
export const SUBSCRIBERS_MAX = 10_000;
/** New decision streams per second, and how many at once after a quiet time: a reconnect storm must not starve the tills. */
export const SUBSCRIBE_PER_SECOND_MAX = 500;
export const SUBSCRIBE_BURST_MAX = 2_000;
/** Seconds without a byte from a client, pings answered included, after which its stream is closed. */
export const SUBSCRIBER_IDLE_SECONDS = 120;
/** Unsent bytes of one client at which nothing more is handed to its socket. A single frame may exceed it. */
export const SUBSCRIBER_BACKPRESSURE_BYTES_MAX = 64 * 1024;
/** Clients have nothing to send but control frames and, in groups, acknowledgements. */
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 1024;
/** Names in one of a stream's filters. */
export const SUBSCRIBER_FILTER_NAMES_MAX = 256;
/** What one client is sent before the next one has its turn. */
export const SUBSCRIBER_TURN_BYTES_MAX = 128 * 1024;
/** What all clients are sent before the event loop has its turn: a few milliseconds. */
export const SUBSCRIBERS_TURN_BYTES_MAX = 4 * 1024 * 1024;
/** One MessagePack frame stops taking decisions at this length. */
export const SUBSCRIBER_FRAME_BYTES_MAX = 32 * 1024;
/** Newest decisions of all partitions kept in memory, each partition its share: clients within it cost no reading. */
export const DECISION_TAIL_BYTES_MAX = 32 * 1024 * 1024;
/** One reading of stored decisions for a client that is behind the tail. */
export const DECISION_READ_BYTES_MAX = 64 * 1024;
/** Such readings under way at one moment, for all clients together. */
export const DECISION_READS_IN_FLIGHT_MAX = 8;

assert(EVENT_BYTES_MAX <= RECORD_BYTES_MAX, 'one event must fit one record');
assert((EVENT_TEXTS_KEPT & (EVENT_TEXTS_KEPT - 1)) === 0, 'the place of a string is a part of its hash');
assert((RECORD_SHAPES_KEPT & (RECORD_SHAPES_KEPT - 1)) === 0, 'the place of a definition is a part of its hash');
assert(EVENT_STRING_LENGTH_MAX <= EVENT_BYTES_MAX, 'a string must fit an event');

// --- Storage -----------------------------------------------------------------------------------------------------------------

/** A write-ahead log segment is closed once it is this long. Opening reads the last segment whole: 64 MiB take about 50 ms. */
export const WAL_SEGMENT_BYTES = 64 * 1024 * 1024;
/** Body of one frame: the longest is a compiled workspace with its time zones; anything longer is damage, not data. */
export const FRAME_BODY_BYTES_MAX = 64 * 1024 * 1024;
/** What a reader of frames holds in memory at a time, unless one frame is longer. */
export const FRAME_READ_CHUNK_BYTES = 1024 * 1024;
/** Between two frames that are wanted: what lies between them is read along with them rather than left out, which costs two calls more. */
export const FRAME_READ_GAP_BYTES = 8 * 1024;
/** Records of which a history keeps where they lie, 8 bytes each; what is beyond is looked for anew for each partition. */
export const WAL_PLACES_MAX = 16_000_000;
/** One commit: bounds the batch buffer, and keeps every offset of a segment within 32 bits. */
export const WAL_COMMIT_BYTES_MAX = 1024 * 1024 * 1024;
/** Room that a write-ahead log makes ahead of small commits: 64 commits of 4 KiB share one change of the file's length. */
export const WAL_PREALLOCATED_BYTES = 256 * 1024;
/** Where JetStream has the records, the write-ahead log is synced this often, and whenever so much of it is not: what a restart after a power cut reads from the stream again. */
export const WAL_SYNC_INTERVAL_MS = 1_000;
export const WAL_UNSYNCED_BYTES = 16 * 1024 * 1024;
/** A batch buffer that grew beyond this is given back after its commit. */
export const WAL_BUFFER_BYTES_KEPT = 8 * 1024 * 1024;
/** A segment of a decision or dead-letter log; opening reads the last one whole, of every partition. */
export const NUMBERED_LOG_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Entries waiting for a flush beyond this are written at once. */
export const NUMBERED_LOG_BUFFER_BYTES = 4 * 1024 * 1024;
/** A reader remembers a place to begin at every so many bytes: what a read of old decisions skips over at most. */
export const NUMBERED_LOG_INDEX_BYTES = 128 * 1024;
/** What one read of decisions fetches from disk at a time. */
export const NUMBERED_LOG_READ_CHUNK_BYTES = 256 * 1024;
/** How often the holder of a data folder shows that it lives, for those that cannot look up its process (other containers). */
export const FOLDER_HEARTBEAT_MS = 5_000;
/** A holder that cannot be looked up and has not shown itself for so long is gone. */
export const FOLDER_HEARTBEAT_LOST_MS = 20_000;
/** One section of a snapshot: bounds what a reader of a damaged length allocates. The machine's own section holds a compiled workspace. */
export const SNAPSHOT_SECTION_BYTES_MAX = 128 * 1024 * 1024;
/** A snapshot under way is synced this often, so that no step waits long: on a busy machine 2 MiB took 3 ms (p90 4.5) at 500 MB/s, 8 MiB 6 ms (p90 9 to 38) at 700 MB/s. */
export const SNAPSHOT_SYNC_BYTES = 2 * 1024 * 1024;
/** What one step writes of what the state has copied, at least one section: well under a millisecond. */
export const SNAPSHOT_STEP_BYTES = 512 * 1024;
/** What a snapshot takes of a thread that has other work, copying included. */
export const SNAPSHOT_SHARE = 0.1;
/** What copying rows in the course of events costs, in multiples of what it costs to write them: measured 1.5 to 2. */
export const SNAPSHOT_COPY_COST = 2;
/** A thread without work for this long leaves all of its time to a snapshot: longer than a batch may be on its way from NATS or from the main thread. */
export const SNAPSHOT_QUIET_MS = 20;
/** How soon a snapshot that waits for the disk looks again. */
export const SNAPSHOT_SYNC_LOOK_MS = 2;
/** Snapshots kept within the retained history, so that one can take over as its start: history is kept up to 1/4 longer than asked for. */
export const SNAPSHOT_HISTORY_STEPS = 4;
/** Kept per partition: three million decisions of 350 bytes; a cursor older than that gets an error. */
export const DECISION_LOG_BYTES_MAX = 1024 * 1024 * 1024;
/** Kept per partition: dead letters are there to be looked at, not to fill the disk. */
export const DEAD_LETTER_LOG_BYTES_MAX = 128 * 1024 * 1024;

// --- NATS --------------------------------------------------------------------------------------------------------------------

/** Older servers lose compare-and-set races (up to 2.9.20) and whole streams after kill -9 (up to 2.10.22). */
export const NATS_SERVER_VERSION_MIN = '2.10.23';
/** Until a connection that is being made counts as failed. */
export const NATS_CONNECT_MS_MAX = 10_000;
/** A connection whose server leaves two pings in a row unanswered is given up: a half-open link is noticed within three intervals. */
export const NATS_PING_INTERVAL_MS = 5_000;
/** Between attempts to reconnect, and what chance adds to it, so that the clients of a restarted server do not all come at once. */
export const NATS_RECONNECT_WAIT_MS = 100;
export const NATS_RECONNECT_JITTER_MS = 150;
/** Until a request to JetStream counts as lost. With `sync_interval: always` and a full queue an answer takes well under a second. */
export const NATS_REQUEST_MS_MAX = 5_000;
/** Streams created or looked at concurrently. */
export const NATS_STREAM_REQUESTS_MAX = 16;
/** How long JetStream remembers message ids: retries within it are stored once. Its own default. */
export const NATS_DUPLICATE_WINDOW_DEFAULT_MS = 120_000;
/** Default age at which the decision streams forget: a gateway that was away for a month resumes without a gap. */
export const NATS_DECISION_AGE_DEFAULT_MS = 30 * 86_400_000;
/** Dead letters are there to be looked at, not to fill the disk. */
export const NATS_DEAD_LETTER_AGE_MS = 30 * 86_400_000;
export const NATS_DEAD_LETTER_BYTES_MAX = 1024 * 1024 * 1024;
/** Copies of a stream that JetStream can keep. */
export const NATS_REPLICAS_MAX = 5;

// --- Logs in JetStream: reading and publishing -------------------------------------------------------------------------------

/**
 * One request of a reader for messages. Two are under way, so that the next is there when one is used up: 2 MiB per partition, 32 MiB for 16 of them on one
 * connection, half of the 64 MiB at which nats-server cuts a client off. Larger requests make reading no faster.
 */
export const LOG_PULL_BYTES = 1024 * 1024;
export const LOG_PULLS_IN_FLIGHT = 2;
/** A request that nothing answers ends after this and is made again. */
export const LOG_PULL_EXPIRES_MS = 30_000;
/** How often an idle server shows that it knows of a reader, and how many times it may fail to before the reader begins anew. */
export const LOG_HEARTBEAT_MS = 500;
export const LOG_HEARTBEATS_MISSED_MAX = 3;
/** A consumer whose reader is gone is removed by the server after this. */
export const LOG_CONSUMER_INACTIVE_MS = 30_000;
/** Between attempts at something that JetStream could not do (it restarts, elects a leader), doubling from the first to the last. */
export const JETSTREAM_RETRY_MS_MIN = 50;
export const JETSTREAM_RETRY_MS_MAX = 2_000;
/** Decisions of one partition on their way to JetStream. Beyond it an acknowledgement comes no sooner; one that fails fails all behind it. */
export const PUBLISH_WINDOW = 256;
export const PUBLISH_WINDOW_BYTES = 1024 * 1024;
/** Offered and not stored: beyond either the partition is held back. */
export const PUBLISH_QUEUE_MAX = 8192;
export const PUBLISH_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Without any acknowledgement for this long, the stream is asked what it holds. */
export const PUBLISH_ACK_MS_MAX = 3_000;
/** How often that is looked at. */
export const PUBLISH_CHECK_MS = 250;
/** Stored entries that are compared with offered ones at a time. */
export const PUBLISH_VERIFY_READS = 64;
/** One dead letter as JSON; of a longer one the beginning is kept. An event of RECORD_BYTES_MAX fits, unless nearly all of it must be escaped. */
export const DEAD_LETTER_PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** Room in a NATS message for the headers that a node adds: the limit of the server counts them. */
export const NATS_HEADER_BYTES_RESERVED = 1024;
/** Records waiting for JetStream's acknowledgement, in payload bytes, of all partitions; beyond it they are not taken. */
export const LOG_APPEND_BYTES_PENDING_MAX = 64 * 1024 * 1024;
/** A record that is not acknowledged is sent again after this … */
export const LOG_APPEND_RESEND_MS = 5_000;
/** … and given up after this: well within the duplicate window, or a late second copy would be stored. */
export const LOG_APPEND_MS_MAX = 30_000;

// --- Decisions from JetStream ------------------------------------------------------------------------------------------------

/** Direct gets under way for one reading of stored decisions; more than 128 at a time make it no faster. */
export const DECISION_FETCH_COUNT_MAX = 128;
/** One of them counts as lost after this, and is sent again: it is as good as free, and a killed server never answers. */
export const DECISION_FETCH_REQUEST_MS_MAX = 2_000;
/** Until what JetStream could not answer (it restarts, elects a leader) is asked again. */
export const DECISION_FETCH_RETRY_MS = 100;
/** A reader waits so long for JetStream; then its stream ends, and it comes back with its cursor. */
export const DECISION_FETCH_MS_MAX = 60_000;
/** How long the source waits for JetStream's answer about a stream: a request that a killed server took with it holds it up so long. */
export const DECISION_TAIL_REQUEST_MS_MAX = 1_500;
/** How often the source looks what retention has left; between, a cursor that just became too old is found out when it is read. */
export const DECISION_POSITIONS_REFRESH_MS = 5_000;

// --- Decision groups ---------------------------------------------------------------------------------------------------------

/** Groups over one set of decision streams: each is a durable consumer per partition, which a client can make. */
export const GROUPS_MAX = 256;
/** A group's name is part of its consumers' names. */
export const GROUP_NAME_LENGTH_MAX = 64;
/** Combinations of channel and campaign that a group filters by: the server compares each with every decision. */
export const GROUP_FILTER_SUBJECTS_MAX = 256;
/** A member has so long to acknowledge, unless the group was made with another time. */
export const GROUP_ACK_WAIT_DEFAULT_MS = 30_000;
export const GROUP_ACK_WAIT_MS_MIN = 1_000;
export const GROUP_ACK_WAIT_MS_MAX = 3_600_000;
/** Given out and not acknowledged, of one partition to all members; then the group waits. Large enough for many members that never acknowledge. */
export const GROUP_ACK_PENDING_MAX = 10_000;
/** Members of one group on all nodes: each has one request waiting per partition. */
export const GROUP_PULLS_WAITING_MAX = 2_048;
/** What one member holds unacknowledged, of all partitions together: at 20 ms from decision to acknowledgement 12,000 decisions/s. */
export const GROUP_MEMBER_HELD_MAX = 256;
/** Each partition's share of that is at least this. */
export const GROUP_MEMBER_SHARE_MIN = 4;
/** A member's request for decisions is renewed after this. */
export const GROUP_PULL_EXPIRES_MS = 30_000;
/** JetStream shows that such a request is alive; silent for three of these, it is made again. */
export const GROUP_PULL_HEARTBEAT_MS = 2_000;
/** How often a member looks for what has expired or fallen silent. */
export const GROUP_MEMBER_LOOK_MS = 200;
/** A partition whose request was refused (its server restarts, elects a leader) is asked again after this. */
export const GROUP_PULL_RETRY_MS = 500;
/** Decisions in one MessagePack frame of a group: its cursor names each of them, and must fit an acknowledgement. */
export const GROUP_FRAME_DECISIONS_MAX = 32;

assert(
  16 + Math.ceil(((11 + GROUP_FRAME_DECISIONS_MAX * 2 * 8) * 4) / 3) <= SUBSCRIBER_MESSAGE_BYTES_MAX,
  'the cursor of a full frame must fit an acknowledgement',
);
assert(
  GROUP_ACK_WAIT_MS_MIN <= GROUP_ACK_WAIT_DEFAULT_MS && GROUP_ACK_WAIT_DEFAULT_MS <= GROUP_ACK_WAIT_MS_MAX,
  'the default is within its bounds',
);
assert(GROUP_MEMBER_HELD_MAX < GROUP_ACK_PENDING_MAX, 'one member must not take all that a group may give out');

// --- Producer library --------------------------------------------------------------------------------------------------------

/** One message of a producer stops taking events at this length; one larger event has a message of its own. Beyond it batching gains nothing more. */
export const PRODUCER_BATCH_BYTES_DEFAULT = 128 * 1024;
export const PRODUCER_BATCH_EVENTS_DEFAULT = 5_000;
/** How long the first event of a batch waits for company. Under load batches fill up while the one before is on its way, whatever this says. */
export const PRODUCER_LINGER_DEFAULT_MS = 1;
/** Encoded and not yet stored, of all partitions: beyond it events are not taken. */
export const PRODUCER_BUFFER_BYTES_DEFAULT = 16 * 1024 * 1024;
/** Pauses between attempts to send the same batch, doubling from the first to the last. */
export const PRODUCER_RETRY_MS_MIN = 50;
export const PRODUCER_RETRY_MS_MAX = 2_000;
/** Room in a NATS message for the headers that the producer adds: the limit of the server counts them. */
export const PRODUCER_HEADER_BYTES_MAX = 256;
/** A batch that JetStream may have stored is not sent again later than this part of the duplicate window: the rest is for clocks and for the way. */
export const PRODUCER_WINDOW_SHARE = 0.8;

// --- Rules -------------------------------------------------------------------------------------------------------------------

/** One expression, in UTF-16 units: room for a long list of SKUs, small enough to parse in a millisecond. */
export const EXPRESSION_LENGTH_MAX = 16 * 1024;
/** Levels of an expression's tree, a chain of && or || being one: checking and generating code recurse on it. */
export const EXPRESSION_DEPTH_MAX = 128;
/** Nodes of an expression's tree after macros are expanded; a list of literals counts each of them. */
export const EXPRESSION_NODES_MAX = 4096;
/**
 * Levels of a compiled program for each of its expression's: at most four (an operation, its conversions, what it boxes), twice where a campaign's value stands
 * inside of the policy's score.
 */
export const PROGRAM_DEPTH_FACTOR_MAX = 8;
/** Numbers of slots, lists, columns and segments in a compiled program: more than any workspace has of them. */
export const PROGRAM_NUMBER_MAX = 2 ** 20;
/** Macros inside each other's bodies. Two suffice for lists in events; a third is a bound against the unreadable. */
export const EXPRESSION_LOOPS_NESTED_MAX = 3;
/**
 * Worst case of one evaluation in steps of a few nanoseconds: nodes times the lengths of the lists that macros walk over. It lets a macro over the longest
 * list compare each element with some hundred values, and refuses the square of the longest list (EVENT_LIST_LENGTH_MAX squared is the bound itself).
 */
export const EXPRESSION_STEPS_MAX = 16 * 1024 * 1024;
/** A string that an expression builds, in UTF-16 units; longer is an evaluation error. */
export const EXPRESSION_TEXT_LENGTH_MAX = 256 * 1024;
/** A list that an expression builds; longer is an evaluation error. */
export const EXPRESSION_LIST_LENGTH_MAX = 16 * 1024;
/** A pattern of `matches`, in UTF-16 units. */
export const PATTERN_LENGTH_MAX = 512;
/**
 * Instructions of a compiled pattern: counted repetitions such as (a{10}){10} multiply. At worst each is tried at each character, so that with this many the
 * longest string of an event takes EXPRESSION_STEPS_MAX.
 */
export const PATTERN_INSTRUCTIONS_MAX = 256;
/** Rules that must share a place (a field, a column of a list) for it to be looked up on every event: below, trying them all is as cheap as the look-up. */
export const RULES_PER_INDEXED_PLACE_MIN = 4;
/** Comparisons of a place's text that make it worth looking up its code on every event: a look-up costs as much as comparing a text with this many. */
export const RULES_PER_CODED_PLACE_MIN = 4;
/** Rules of a shape that are worth code of their own for events that lack nothing, and a choice between orders of the rules. */
export const RULES_PER_FAST_SHAPE_MIN = 8;
/**
 * Shapes in one generated function, and characters of their trees: each character becomes a byte or two of V8's bytecode, of which functions with more than 60 KB
 * are never optimized.
 */
export const SCAN_SHAPES_MAX = 16;
export const SCAN_TREE_LENGTH_MAX = 8 * 1024;
/** Constants of a place that a mask may have bits for: 8 words for each rule. */
export const MASK_BITS_MAX = 256;

assert(
  EXPRESSION_STEPS_MAX <= EVENT_LIST_LENGTH_MAX * EVENT_LIST_LENGTH_MAX,
  'a square loop over the longest list must be refused',
);
assert(
  EXPRESSION_TEXT_LENGTH_MAX >= EVENT_STRING_LENGTH_MAX,
  'an expression must be able to copy a string of an event',
);

// --- Workspace ---------------------------------------------------------------------------------------------------------------

/** One file of a workspace, in UTF-8 bytes: an offers.yaml of ten thousand lines fits. */
export const WORKSPACE_FILE_BYTES_MAX = 1024 * 1024;
/** All files together: room for thousands of campaigns that use everything. */
export const WORKSPACE_BYTES_MAX = 8 * 1024 * 1024;
/** A compiled version as JSON, with sources, expressions and time zones: eight times its files. Version number and shares come to it when it is published. */
export const WORKSPACE_COMPILED_BYTES_MAX = 56 * 1024 * 1024;
/** Collections inside each other in one YAML file; the deepest legal one has about ten. */
export const YAML_DEPTH_MAX = 24;
/** Problems reported at once: more help nobody. */
export const WORKSPACE_ISSUES_MAX = 1000;
/** Files that are no part of a workspace, reported one by one: more of them are one mistake. */
export const WORKSPACE_STRANGERS_TOLD = 10;
/** Folders looked into for the workspace that somebody meant, and how far below the one that he named: a few tens of ms in a home folder. */
export const WORKSPACE_SEARCH_FOLDERS_MAX = 1000;
export const WORKSPACE_SEARCH_DEPTH_MAX = 3;
/** Cases in one file of tests/, and steps of a case: a file that is longer is better cut by subject. */
export const TRIAL_CASES_MAX = 1000;
export const TRIAL_STEPS_MAX = 1000;
/** Moments that a case may fall due in: a year of a schedule that is due every ten minutes, and about a second. */
export const TRIAL_MOMENTS_MAX = 53_000;
/** Customers of a failing case whose moments are explained: it runs once more for each. */
export const TRIAL_EXPLAINED_MAX = 20;
/** Names and ids, in characters: they are subject tokens, labels and dictionary entries. */
export const NAME_LENGTH_MAX = 100;
/** A title, or any other short text for people. */
export const TITLE_LENGTH_MAX = 500;
/** A set of channels fits one 32-bit word. */
export const CHANNELS_MAX = 32;
/** Columns of the profile: each costs memory for every customer. */
export const ATTRIBUTES_MAX = 256;
/** Windowed aggregates cost memory for every active customer and time for every event of their type. */
export const AGGREGATES_MAX = 256;
export const SEGMENTS_MAX = 1000;
/** Event types are metric labels. */
export const EVENT_TYPES_MAX = 256;
/** Scalar fields of one event type, its lists' columns included. */
export const EVENT_FIELDS_MAX = 512;
export const EVENT_LISTS_MAX = 32;
/** Entries of a string list attribute's default. */
export const DEFAULT_LIST_LENGTH_MAX = 100;
/** Campaigns are metric labels; DESIGN promises that ten thousand rules cost what the few candidates cost. */
export const CAMPAIGNS_MAX = 10_000;
export const TEMPLATES_MAX = 10_000;
export const OFFERS_MAX = 10_000;
export const VARIANTS_MAX = 100;
/** Every candidate channel is checked against each. */
export const CAPS_MAX = 32;
/** A candidate that is a member looks at the customer's contacts once for each. */
export const EXCLUSIONS_MAX = 32;
/** Placements of one channel. */
export const SLOTS_MAX = 32;
/** Tables of propensities. */
export const MODELS_MAX = 1000;
/** Rows of one: each campaign that is ranked by it carries them in its score, some ten bytes of the workspace version per row and doubling of rows. */
export const MODEL_ROWS_MAX = 256;
/** Winners per event: each is checked again after the ones before it. */
export const PICK_MAX = 32;
/** Priorities lie within ± this. */
export const PRIORITY_MAX = 1_000_000;
/** Any duration in a workspace: ten years. */
export const DURATION_MS_MAX = 3653 * 86_400_000;
/** Named schedules of a workspace. */
export const SCHEDULES_MAX = 1000;
/** How far a schedule's due times may be moved, either way. */
export const SCHEDULE_OFFSET_MS_MAX = 366 * 86_400_000;
/** A due time is looked for this far ahead: 29 February may be eight years away (1896 to 1904, 2096 to 2104). A schedule that has none until then has none. */
export const SCHEDULE_SEARCH_MONTHS_MAX = 8 * 12;
/** How long a campaign may wait after its trigger, and a cascade between two channels. */
export const CAMPAIGN_WAIT_MS_MAX = 366 * 86_400_000;
/** Event types that cancel a wait: each event of theirs is held against every wait of its customer. */
export const UNLESS_MAX = 16;
/** Events before the trigger that a sequence asks for. */
export const SEQUENCE_LENGTH_MAX = 8;
/** How far back they may lie: what is remembered of a customer takes memory until it is older. */
export const SEQUENCE_WITHIN_MS_MAX = 30 * 86_400_000;
/** How long after a contact a goal may count. */
export const GOAL_WITHIN_MS_MAX = 366 * 86_400_000;
/** Windows up to this long have a default resolution of an hour, longer ones of a day. */
export const WINDOW_HOURLY_MS_MAX = 48 * 3_600_000;

/** Fields of one message (title, body, picture …). */
export const MESSAGE_FIELDS_MAX = 32;
/** The Liquid source of one message field, in UTF-16 units. */
export const MESSAGE_SOURCE_LENGTH_MAX = 64 * 1024;
/** A rendered message, all its fields, in UTF-16 units: its decision must fit a NATS message many times over. */
export const MESSAGE_LENGTH_MAX = 64 * 1024;
/**
 * Work of rendering one message field: UTF-16 units and list entries made, thrown away or not, and 16 for every node of a loop's body at every iteration. A loop with
 * fifteen nodes goes through the longest list of an event; all of it takes 0.2 s at worst (65,536 nodes of 3 µs).
 */
export const MESSAGE_WORK_MAX = 1024 * 1024;
/** Tags inside each other. */
export const MESSAGE_DEPTH_MAX = 16;

assert(SEQUENCE_LENGTH_MAX <= SEQUENCE_EVENTS_MAX, 'a whole sequence must be remembered');
assert(SEQUENCE_WITHIN_MS_MAX <= SEQUENCE_RETENTION_MS, 'what a sequence may reach must be remembered');
assert(CAPS_MAX <= CONTACTS_PER_CUSTOMER_MAX, 'caps are counted over the contacts kept');
assert(WORKSPACE_FILE_BYTES_MAX <= WORKSPACE_BYTES_MAX, 'a file must fit its workspace');
assert(
  WORKSPACE_COMPILED_BYTES_MAX + (OFFERS_MAX + 2 * CAMPAIGNS_MAX) * (NAME_LENGTH_MAX + 32) <= FRAME_BODY_BYTES_MAX,
  'a compiled workspace with its shares must fit a frame',
);
/** Units of a budget or limit that are lent for decisions still to come: more might be far away when they are needed. */
export const LEASE_AHEAD_UNITS_MAX = 1024;
/** More are asked for when one part in so many of the last grant is left: a round through the log is some milliseconds, in which the rest will do. */
export const LEASE_LOW_PART = 4;
/**
 * Days behind a campaign's newest one whose daily limit is remembered; older ones count as used up. More than any month has, so that partitions which replay a month side
 * by side agree on all of it.
 */
export const LEASE_DAYS_KEPT = 40;

assert(MESSAGE_LENGTH_MAX * 4 < RECORD_BYTES_MAX, 'a rendered message must fit a NATS message');

// --- State -------------------------------------------------------------------------------------------------------------------

/** One partition's memory: what a 32-bit WebAssembly memory can address. */
export const PARTITION_MEMORY_BYTES_MAX = 2 ** 32;
/** Bytes reserved for customer ids, per customer on average: ids are mostly 8 to 40 bytes. When they run out, the partition counts as full. */
export const CUSTOMER_ID_BYTES_RESERVED = 40;
/**
 * Address space for blocks beyond what the blocks in use may take: three times as much, but at most this. A freed block is used again for the same size class only, so a partition whose mixture of sizes changes needs more
 * places than bytes.
 */
export const BLOCK_SPARE_BYTES_MAX = 512 * 1024 * 1024;
/**
 * Room for columns, in strips of one bit per customer: an int takes 96 (and one for its presence), a double 64, a string 32, a bool one.
 * 16,384 are some 250 doubles; from 1.2 million customers on it is less, see state/arena.ts. A profile that needs more is refused (workspace/profile-width.ts).
 */
export const COLUMN_STRIPS_MAX = 16_384;
/** Channels with recorded consent, over the life of a partition: two bits per customer are reserved for each. */
export const CONSENT_CHANNELS_MAX = 64;
/** Buckets of one window (window / resolution): every read adds up to this many. 4,096 hours are 170 days. */
export const WINDOW_BUCKETS_MAX = 4096;
/** Shortest bucket: keeps bucket numbers within 32 bits. */
export const WINDOW_RESOLUTION_MS_MIN = 1000;
/** Elements of one list attribute. As many as a list in an event may have. */
export const LIST_ATTRIBUTE_LENGTH_MAX = EVENT_LIST_LENGTH_MAX;
/** `distinct` is exact up to this many values (in a window: in all its buckets together), a HyperLogLog estimate beyond. */
export const DISTINCT_EXACT_MAX = 256;
/** Registers of that HyperLogLog: 2,048 bytes for a standard error of 1.04 / √2048 = 2.3 %. */
export const DISTINCT_REGISTERS = 2048;
/** Rows that a snapshot copies together before the first change to one of them (DESIGN, Storage: about a thousand). */
export const SNAPSHOT_GROUP_ROWS = 1024;
/** Dictionary entries, and remembered event ids, per snapshot section. */
export const SNAPSHOT_CHUNK_ENTRIES = 4096;
/** A step of reclaiming expired buckets comes every so many calls; more often when half of the heap is in use. */
export const SWEEP_CALLS = 128;
export const SWEEP_CALLS_TIGHT = 32;
/** It takes this many rows that have blocks: 1 µs together; and looks at so many rows for them. */
export const SWEEP_ROWS = 16;
export const SWEEP_ROWS_LOOKED_AT = 256;

assert(SNAPSHOT_GROUP_ROWS % 64 === 0, 'groups must start at whole words of every bitmap');
assert(DISTINCT_REGISTERS === 2048, 'the estimator takes 11 bits of the hash as the register');
assert(DISTINCT_EXACT_MAX * 8 <= DISTINCT_REGISTERS, 'a full exact set must be convertible in place');
assert(RECORD_BYTES_MAX <= HTTP_BODY_BYTES_MAX, 'a record must fit a request');
assert(HTTP_BODY_BYTES_MAX <= HTTP_BODY_BYTES_IN_FLIGHT_MAX, 'one request must fit the bound on all');
assert(
  PATTERN_INSTRUCTIONS_MAX * EVENT_STRING_LENGTH_MAX <= EXPRESSION_STEPS_MAX,
  'any accepted pattern must be usable on any string of an event',
);
assert(RECORD_BYTES_MAX <= FRAME_BODY_BYTES_MAX, 'one record must fit one frame');
assert(FRAME_BODY_BYTES_MAX < WAL_COMMIT_BYTES_MAX, 'one record must fit one commit');
assert(WAL_SEGMENT_BYTES + WAL_COMMIT_BYTES_MAX < 2 ** 32, 'offsets within a segment must fit 32 bits');
assert(
  2 * NUMBERED_LOG_SEGMENT_BYTES <= DEAD_LETTER_LOG_BYTES_MAX,
  'what is kept of a numbered log must be more than the segment being written',
);
assert(EVENT_BYTES_MAX <= PRODUCER_BUFFER_BYTES_DEFAULT, 'the largest event must fit the buffer of a producer');
assert(PRODUCER_BATCH_BYTES_DEFAULT <= RECORD_BYTES_MAX, 'a batch of a producer must fit one record');
assert(LOG_APPEND_MS_MAX < NATS_DUPLICATE_WINDOW_DEFAULT_MS, 'a record is not sent again after its id was forgotten');
