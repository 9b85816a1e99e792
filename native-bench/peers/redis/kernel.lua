#!lua name=kernel
-- The kernel as functions of Redis 7: a hash per customer (listpack), one HMGET and one HSET per event, one call per batch of events. Rules are loops by shape
-- over arrays, with what does not depend on the rule tested once before the loop, and equalities looked up in tables; they are built once, at the first call,
-- because a library that is being loaded has no ipairs yet. RULES is replaced by a table of {shape, limit, other, rank}.
local DAY_MS = 86400000
local WINDOW_DAYS = 30
local VIP = 5
local NONE = 1e9
local rules = RULES

local always, by_tier, by_store, by_discount, by_member

-- A list of rules as arrays: limits, ranks, second bounds.
local function arrays(list)
    local limits, ranks, bounds = {}, {}, {}
    for i, entry in ipairs(list) do limits[i], ranks[i], bounds[i] = entry[1], entry[2], entry[3] end
    return { limits, ranks, bounds }
end
local function prepare()
    always, by_tier, by_store, by_discount, by_member = {}, {}, {}, {}, {}
    for tier = 0, 7 do by_tier[tier] = {} end
    for _, rule in ipairs(rules) do
        local entry = { rule[2], rule[4], 100 + rule[3] / 8 }
        if rule[1] == 0 then
            always[#always + 1] = entry
        elseif rule[1] == 1 then
            table.insert(by_tier[rule[3]], entry)
            if rule[3] ~= VIP then table.insert(by_tier[VIP], entry) end
        elseif rule[1] == 2 then
            local store = 'store-' .. rule[3]
            by_store[store] = by_store[store] or {}
            table.insert(by_store[store], entry)
        elseif rule[1] == 3 then
            by_discount[#by_discount + 1] = entry
        else
            by_member[#by_member + 1] = entry
        end
    end
    always, by_discount, by_member = arrays(always), arrays(by_discount), arrays(by_member)
    for tier, list in pairs(by_tier) do by_tier[tier] = arrays(list) end
    for store, list in pairs(by_store) do by_store[store] = arrays(list) end
end

-- The best rank among the rules of a list whose limit is below the value.
local function above(list, value, best)
    local limits, ranks = list[1], list[2]
    for i = 1, #limits do
        if value > limits[i] and ranks[i] < best then best = ranks[i] end
    end
    return best
end

local function above_both(list, total, spend, best)
    local limits, ranks, bounds = list[1], list[2], list[3]
    for i = 1, #limits do
        if total > limits[i] and spend > bounds[i] and ranks[i] < best then best = ranks[i] end
    end
    return best
end

-- The buckets of earlier days that are still live, one field of text: day:count:sum, separated by commas.
local function roll(history, today, count, sum, day)
    local kept, count_before, sum_before = {}, 0, 0
    if count > 0 then
        history = (history == '' and '' or history .. ',') .. ('%d:%d:%.17g'):format(today, count, sum)
    end
    for bucket in history:gmatch('[^,]+') do
        local its_day, its_count, its_sum = bucket:match('^(%d+):(%d+):(.+)$')
        if tonumber(its_day) > day - WINDOW_DAYS then
            kept[#kept + 1] = bucket
            count_before = count_before + tonumber(its_count)
            sum_before = sum_before + tonumber(its_sum)
        end
    end
    return count_before, sum_before, table.concat(kept, ',')
end

-- Fields: t tier, y country, s score; d today, c and m its count and sum; b and n count and sum of the earlier live buckets, h those; l last contact.
local function load(_, args)
    for n = tonumber(args[1]), tonumber(args[2]) - 1 do
        redis.call('HSET', ('c%011d'):format(n), 't', n % 8, 'y', 'country-' .. n % 40, 's', n % 1000 / 1000)
    end
    return redis.status_reply('OK')
end

-- args[1]: MessagePack array of events [id, ts, total, store, lines, discount, member]. Returns the ranks of the rules decided for, in order.
local function apply(_, args)
    if not always then prepare() end
    local events = cmsgpack.unpack(args[1])
    local decided = {}
    for e = 1, #events do
        local event = events[e]
        local id, ts, total = event[1], event[2], event[3]
        local row = redis.call('HMGET', id, 't', 'd', 'c', 'm', 'b', 'n', 'l')
        local day = math.floor(ts / DAY_MS)
        local count, sum = tonumber(row[3] or 0), tonumber(row[4] or 0)
        local count_before, sum_before = tonumber(row[5] or 0), tonumber(row[6] or 0)
        local kept
        local today = tonumber(row[2] or 0)
        if today ~= day then
            local history = today > 0 and redis.call('HGET', id, 'h') or ''
            count_before, sum_before, kept = roll(history, today, count, sum, day)
            count, sum = 0, 0
        end
        count, sum = count + 1, sum + total
        local best = NONE
        if count_before + count >= 1 then best = above(always, total, best) end
        best = above(by_tier[tonumber(row[1])], total, best)
        local list = by_store[event[4]]
        if list then best = above(list, total, best) end
        if event[5] >= 11 then best = above(by_discount, event[6], best) end
        if event[7] then best = above_both(by_member, total, sum_before + sum, best) end
        local wins = best ~= NONE and tonumber(row[7] or 0) <= ts - DAY_MS
        if kept then
            redis.call('HSET', id, 'd', day, 'c', count, 'm', sum, 'b', count_before, 'n', sum_before, 'h', kept)
        else
            redis.call('HSET', id, 'c', count, 'm', sum)
        end
        if wins then
            redis.call('HSET', id, 'l', ts)
            redis.call('XADD', 'decisions', '*', 'c', id, 'r', best, 't', ts)
            decided[#decided + 1] = best
        end
    end
    return decided
end

redis.register_function('load', load)
redis.register_function('apply', apply)
