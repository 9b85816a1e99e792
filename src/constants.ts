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
/** A partition's memory is one WebAssembly memory of at most 4 GiB. */
export const CUSTOMERS_PER_PARTITION_MAX = 16_000_000;
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
/** Default of workspace.yaml `lateness`. */
export const LATENESS_DEFAULT_MS = 3_600_000;
/** Event ids remembered per partition, forgotten oldest first. */
export const EVENT_IDS_REMEMBERED = 1_000_000;

// --- Shards ------------------------------------------------------------------------------------------------------------------

/** Submitted to a worker and not yet answered, in payload bytes; beyond it producers get 429. A full queue takes the worker well under a second. */
export const SHARD_PENDING_BYTES_MAX = 32 * 1024 * 1024;
/** Records made durable by one write and one fdatasync; bounds how long the first of them waits for the last. */
export const SHARD_BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** A partition takes a snapshot when this much of its log came after the last one … */
export const SNAPSHOT_LOG_BYTES = 64 * 1024 * 1024;
/** … or this much time passed with at least one record, so that a restart replays little. */
export const SNAPSHOT_INTERVAL_MS = 10 * 60_000;

// --- Decisions ---------------------------------------------------------------------------------------------------------------

/** Contacts kept per customer; one who has this many within the longest rule's reach gets no more (counted as `cap`): a full list never leaks. */
export const CONTACTS_PER_CUSTOMER_MAX = 1024;

// --- Telemetry ---------------------------------------------------------------------------------------------------------------

/** Series with label values per metric and thread; what comes after goes to the metric's overflow series. A thousand campaigns times every reason of suppression fit. */
export const METRIC_SERIES_MAX = 16 * 1024;
/** Float64 slots of one thread's metrics: 512 KiB, resident only where used. */
export const METRIC_SLOTS = 64 * 1024;

assert(EVENT_BYTES_MAX <= RECORD_BYTES_MAX, 'one event must fit one record');
assert(EVENT_STRING_LENGTH_MAX <= EVENT_BYTES_MAX, 'a string must fit an event');
