-- The kernel as a stored procedure of Tarantool 2.6: memtx, one transaction per batch of events, one update per event, and so one row in its write-ahead log.
--
-- Driven from inside: the batches lie in memory as MessagePack, and fibers take them in turn, so that their commits share writes to the log. There is no
-- network, no client and no decoding of requests on its side; Beckon's side has none either. Rules are loops by shape over arrays of doubles, with what does
-- not depend on the rule tested once before the loop, and equalities looked up in tables. (A closure per rule costs a tenth more per event: it is the update
-- that takes the time.) It keeps to box's documented interface for Lua.
--
-- usage: tarantool kernel.lua <folder> <none|write|fsync>, then one command per line on standard input, each answered by one line of JSON:
--   load <customers>
--   rules <file>            JSON: [{shape, limit, other, rank}]
--   run <file> <fibers>     (u32 little-endian length, MessagePack array of events)*; an event is [id, ts, total, store, lines, discount, member]
local clock = require('clock')
local ffi = require('ffi')
local fiber = require('fiber')
local fio = require('fio')
local json = require('json')
local msgpack = require('msgpack')

local folder, wal_mode = arg[1], arg[2]
box.cfg {
    wal_mode = wal_mode,
    wal_dir = folder,
    memtx_dir = folder,
    memtx_memory = 2 * 1024 * 1024 * 1024,
    -- Two cores are busy enough without a checkpoint.
    checkpoint_interval = 0,
    wal_max_size = 8 * 1024 * 1024 * 1024,
    log_level = 2,
    log = folder .. '/tarantool.log',
}

local DAY_MS = 86400000
local WINDOW_DAYS = 30
local VIP = 5

-- Aggregates are kept as today's bucket and what the earlier live ones add up to, so that an event on the same day touches two numbers.
local TODAY, COUNT, SUM, COUNT_BEFORE, SUM_BEFORE, CONTACT, HISTORY = 5, 6, 7, 8, 9, 10, 11
local customers = box.schema.space.create('customers', {
    format = {
        { 'id', 'string' }, { 'tier', 'unsigned' }, { 'country', 'string' }, { 'score', 'number' },
        { 'today', 'number' }, { 'count', 'number' }, { 'sum', 'number' },
        { 'count_before', 'number' }, { 'sum_before', 'number' },
        { 'contact', 'number' }, { 'history', 'array' },
    },
})
customers:create_index('primary', { type = 'hash', parts = { { 1, 'string' } } })
local decisions = box.schema.space.create('decisions', {
    format = { { 'number', 'unsigned' }, { 'customer', 'string' }, { 'rule', 'unsigned' }, { 'ts', 'number' } },
})
decisions:create_index('primary', { type = 'tree', parts = { { 1, 'unsigned' } } })

local function load(count)
    for first = 0, count - 1, 1000 do
        box.begin()
        for n = first, math.min(first + 1000, count) - 1 do
            customers:insert { ('c%011d'):format(n), n % 8, 'country-' .. n % 40, n % 1000 / 1000, 0, 0, 0, 0, 0, 0, {} }
        end
        box.commit()
    end
end

-- A list of rules as vectors: limit, second bound, rank.
local function vectors(rules)
    local list = { n = #rules }
    for _, name in ipairs { 'limit', 'bound', 'rank' } do
        list[name] = ffi.new('double[?]', math.max(1, #rules))
        for i, rule in ipairs(rules) do list[name][i - 1] = rule[name] end
    end
    return list
end

local NONE = 1e9
local always, by_tier, by_store, by_discount, by_member

local function prepare(rules)
    local parts = { {}, {}, {} }
    local tiers, stores = {}, {}
    for tier = 0, 7 do tiers[tier] = {} end
    for _, rule in ipairs(rules) do
        rule.bound = 100 + rule.other / 8
        if rule.shape == 0 then
            table.insert(parts[1], rule)
        elseif rule.shape == 1 then
            table.insert(tiers[rule.other], rule)
            if rule.other ~= VIP then table.insert(tiers[VIP], rule) end
        elseif rule.shape == 2 then
            local store = 'store-' .. rule.other
            stores[store] = stores[store] or {}
            table.insert(stores[store], rule)
        else
            table.insert(parts[rule.shape - 1], rule)
        end
    end
    always, by_discount, by_member = vectors(parts[1]), vectors(parts[2]), vectors(parts[3])
    by_tier, by_store = {}, {}
    for tier, list in pairs(tiers) do by_tier[tier] = vectors(list) end
    for store, list in pairs(stores) do by_store[store] = vectors(list) end
end

-- The best rank among the rules of a list whose limit is below the value.
local function above(list, value, best)
    local limit, rank = list.limit, list.rank
    for i = 0, list.n - 1 do
        if value > limit[i] and rank[i] < best then best = rank[i] end
    end
    return best
end

local function above_both(list, total, spend, best)
    local limit, bound, rank = list.limit, list.bound, list.rank
    for i = 0, list.n - 1 do
        if spend > bound[i] and total > limit[i] and rank[i] < best then best = rank[i] end
    end
    return best
end

local function match(total, store, lines, discount, member, tier, count, spend)
    local best = NONE
    if count >= 1 then best = above(always, total, best) end
    best = above(by_tier[tier], total, best)
    local list = by_store[store]
    if list ~= nil then best = above(list, total, best) end
    if lines >= 11 then best = above(by_discount, discount, best) end
    if member then best = above_both(by_member, total, spend, best) end
    return best
end

-- What the earlier buckets that are still live add up to, and the list of them, when a new day begins.
local function roll(history, today, count, sum, day)
    local kept, count_before, sum_before = {}, 0, 0
    if count > 0 then history[#history + 1] = { today, count, sum } end
    for _, bucket in ipairs(history) do
        if bucket[1] > day - WINDOW_DAYS then
            kept[#kept + 1] = bucket
            count_before = count_before + bucket[2]
            sum_before = sum_before + bucket[3]
        end
    end
    return count_before, sum_before, kept
end

local decided, checksum = 0, 0

-- Operations of updates, reused from event to event.
local same_day = { { '=', COUNT, 0 }, { '=', SUM, 0 } }
local same_day_contact = { { '=', COUNT, 0 }, { '=', SUM, 0 }, { '=', CONTACT, 0 } }
local new_day = {
    { '=', COUNT, 0 }, { '=', SUM, 0 }, { '=', CONTACT, 0 }, { '=', TODAY, 0 },
    { '=', COUNT_BEFORE, 0 }, { '=', SUM_BEFORE, 0 }, { '=', HISTORY, {} },
}

local function apply(id, ts, total, store, lines, discount, member)
    local tuple = customers:get(id)
    local day = math.floor(ts / DAY_MS)
    local today, count, sum = tuple[TODAY], tuple[COUNT], tuple[SUM]
    local count_before, sum_before, contact = tuple[COUNT_BEFORE], tuple[SUM_BEFORE], tuple[CONTACT]
    local kept
    if today ~= day then
        count_before, sum_before, kept = roll(tuple[HISTORY], today, count, sum, day)
        count, sum = 0, 0
    end
    count, sum = count + 1, sum + total
    local rank = match(total, store, lines, discount, member, tuple[2], count_before + count, sum_before + sum)
    local wins = rank ~= NONE and contact <= ts - DAY_MS
    if wins then contact = ts end
    local operations = kept ~= nil and new_day or wins and same_day_contact or same_day
    operations[1][3] = count
    operations[2][3] = sum
    if operations ~= same_day then operations[3][3] = contact end
    if kept ~= nil then
        operations[4][3], operations[5][3], operations[6][3], operations[7][3] = day, count_before, sum_before, kept
    end
    customers:update(id, operations)
    if wins then
        decided = decided + 1
        checksum = checksum + (rank + 1) * (decided % 1009 + 1)
        decisions:insert { decided, id, rank, ts }
    end
end

local function run(path, fibers)
    local file = fio.open(path, { 'O_RDONLY' })
    local bytes = file:read()
    file:close()
    local base, size = ffi.cast('const char *', bytes), #bytes
    local at, events = 0, 0
    local finished = fiber.channel(fibers)
    local started_at = clock.monotonic()
    for _ = 1, fibers do
        fiber.create(function()
            while at < size do
                local length = tonumber(ffi.cast('const uint32_t *', base + at)[0])
                local batch = msgpack.decode(base + at + 4, length)
                at = at + 4 + length
                box.begin()
                for i = 1, #batch do
                    local event = batch[i]
                    apply(event[1], event[2], event[3], event[4], event[5], event[6], event[7])
                end
                box.commit()
                events = events + #batch
            end
            finished:put(true)
        end)
    end
    for _ = 1, fibers do finished:get() end
    local seconds = clock.monotonic() - started_at
    return { seconds = seconds, events = events, decided = decided, checksum = checksum }
end

io.stdout:setvbuf('line')
local function answer(value) print(json.encode(value)) end
answer { version = _TARANTOOL }
for line in io.lines() do
    local command, first, second = line:match('^(%S+) (%S+) ?(%S*)$')
    if command == 'load' then
        load(tonumber(first))
        answer { customers = customers:count() }
    elseif command == 'rules' then
        local file = io.open(first)
        local rules = json.decode(file:read('*a'))
        file:close()
        prepare(rules)
        answer { rules = #rules }
    elseif command == 'run' then
        answer(run(first, tonumber(second)))
    end
end
os.exit(0)
