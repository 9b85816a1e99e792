/** How a partition's memory is divided, from the one number that a data folder fixes: how many customers it can hold. */
import {
  BLOCK_BYTES_PER_CUSTOMER,
  BLOCK_BYTES_PER_PARTITION_MAX,
  BLOCK_BYTES_PER_PARTITION_MIN,
  CUSTOMERS_PER_PARTITION_DEFAULT,
  CUSTOMERS_PER_PARTITION_MAX,
  DICTIONARY_BYTES_PER_PARTITION,
  DICTIONARY_ENTRIES_PER_PARTITION,
  EVENT_IDS_REMEMBERED,
} from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { limitsError, type StateLimits } from './arena.ts';

export function stateLimits(customersPerPartition: number): StateLimits {
  const blockBytes = customersPerPartition * BLOCK_BYTES_PER_CUSTOMER;
  return {
    customersMax: customersPerPartition,
    dictionaryEntriesMax: DICTIONARY_ENTRIES_PER_PARTITION,
    dictionaryBytesMax: DICTIONARY_BYTES_PER_PARTITION,
    blockBytesMax: Math.min(BLOCK_BYTES_PER_PARTITION_MAX, Math.max(BLOCK_BYTES_PER_PARTITION_MIN, blockBytes)),
    eventIdsMax: EVENT_IDS_REMEMBERED,
  };
}

for (const customers of [1, CUSTOMERS_PER_PARTITION_DEFAULT, CUSTOMERS_PER_PARTITION_MAX]) {
  const error = limitsError(stateLimits(customers));
  assert(error === null, `${customers} customers per partition: ${error}`);
}
