"""What the server does in one step, all or nothing: small Lua scripts.

Each looks before it writes, so that after its first write nothing is left that could fail; and each knows
its own work again: a script that is sent twice, as its answer was lost, has done it once (F24).
"""

from __future__ import annotations

from hashlib import sha1
from typing import Final, NamedTuple

__all__ = [
    "ACQUIRE",
    "APPEND",
    "APPROVE",
    "CREATE",
    "KEEP",
    "RELEASE",
    "REMOVE",
    "RENEW",
    "VERSION",
    "Script",
]

VERSION: Final = 1
"""The format of the keys; `tests/stores/samples/redis-v1.json` has a store of it."""


class Script(NamedTuple):
    """A script, and the name that the server has for it once it has seen it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, sha1(text.encode()).hexdigest())  # noqa: S324 (a name, as the protocol has it)


_FORMAT: Final = f"""
local format = redis.call('GET', KEYS[1])
if format and format ~= '{VERSION}' then return {{'format', format}} end
"""

_FREE: Final = """
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] and (ARGV[2] == '' or holder ~= ARGV[2]) then
  return {'held', holder, redis.call('PTTL', KEYS[2])}
end
"""

_XADD: Final = """
for i = first, #ARGV, 7 do
  redis.call('XADD', journal, ARGV[i] .. '-0', 'epoch', ARGV[i + 1], 'at', ARGV[i + 2],
    'version', ARGV[i + 3], 'kind', ARGV[i + 4], 'data', ARGV[i + 5], 'hash', ARGV[i + 6])
end
"""

APPEND: Final = _script(
    _FORMAT
    + """
-- KEYS format run journal; ARGV epoch seq hash, then the new updated_at state seq hash checksum, records
local row = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'hash', 'checksum')
if row[4] == ARGV[8] then return {'ok'} end
if row[1] ~= ARGV[1] or row[2] ~= ARGV[2] or row[3] ~= ARGV[3] then
  return {'moved', row[1] or '', row[2] or ''}
end
local journal, first = KEYS[3], 9
"""
    + _XADD
    + """
redis.call('HSET', KEYS[2], 'updated_at', ARGV[4], 'state', ARGV[5], 'seq', ARGV[6], 'hash', ARGV[7],
  'checksum', ARGV[8])
return {'ok'}
"""
)
"""`moved` with the epoch and the last number that are there. That the ids rise, the server sees to."""

CREATE: Final = _script(
    _FORMAT
    + """
-- KEYS format runs run journal plan lease checkpoints removed approvals
-- ARGV token lease_ms prefix final_states alongside run_id number plan_id document
--      approval_id approval_before approval_after, the 12 cells of the row with their names, records
if redis.call('EXISTS', KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]) > 0 then
  if redis.call('HGET', KEYS[3], 'checksum') == ARGV[36]
    and (ARGV[1] == '' or redis.call('GET', KEYS[6]) == ARGV[1]) then return {'ok'} end
  return {redis.call('EXISTS', KEYS[3]) > 0 and 'exists' or 'foreign'}
end
local others = redis.call('ZREVRANGE', KEYS[2], 0, -1)
redis.call('SCARD', KEYS[8])
if ARGV[5] == '' then
  for _, other in ipairs(others) do
    local row = redis.call('HMGET', ARGV[3] .. other, 'plan_id', 'state')
    if row[1] == ARGV[8] and not string.find(ARGV[4], ' ' .. (row[2] or '') .. ' ', 1, true) then
      return {'unfinished', other}
    end
  end
end
if ARGV[10] ~= '' and redis.call('HGET', KEYS[9], ARGV[10]) ~= ARGV[11] then return {'used'} end
local journal, first = KEYS[4], 37
"""
    + _XADD
    + f"""
redis.call('SET', KEYS[1], '{VERSION}')
redis.call('ZADD', KEYS[2], ARGV[7], ARGV[6])
redis.call('HSET', KEYS[3], unpack(ARGV, 13, 36))
redis.call('SET', KEYS[5], ARGV[9])
redis.call('SREM', KEYS[8], ARGV[6])
if ARGV[10] ~= '' then redis.call('HSET', KEYS[9], ARGV[10], ARGV[12]) end
if ARGV[1] ~= '' then redis.call('SET', KEYS[6], ARGV[1], 'PX', ARGV[2]) end
return {{'ok'}}
"""
)

ACQUIRE: Final = _script(
    _FORMAT
    + """
-- KEYS format lease run; ARGV token dead_token lease_ms checksum_before epoch checksum
"""
    + _FREE
    + """
local checksum = redis.call('HGET', KEYS[3], 'checksum')
if holder == ARGV[1] and checksum == ARGV[6] then return {'ok'} end
if checksum ~= ARGV[4] then return {'moved'} end
redis.call('HSET', KEYS[3], 'epoch', ARGV[5], 'checksum', ARGV[6])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return {'ok'}
"""
)

REMOVE: Final = _script(
    _FORMAT
    + """
-- KEYS format lease run runs removed journal plan checkpoints; ARGV token dead_token checksum run_id
"""
    + _FREE
    + """
local checksum = redis.call('HGET', KEYS[3], 'checksum')
if not checksum and redis.call('SISMEMBER', KEYS[5], ARGV[4]) == 1 then return {'ok'} end
if checksum ~= ARGV[3] then return {'moved'} end
redis.call('SADD', KEYS[5], ARGV[4])
redis.call('ZREM', KEYS[4], ARGV[4])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[6], KEYS[7], KEYS[8])
return {'ok'}
"""
)
"""That a run was removed is kept: a machine that saw its records would otherwise miss them."""

APPROVE: Final = _script(
    _FORMAT
    + f"""
-- KEYS format approvals; ARGV id text
redis.call('SET', KEYS[1], '{VERSION}')
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {{'ok'}}
"""
)

KEEP: Final = _script(
    _FORMAT
    + """
-- KEYS format run checkpoints; ARGV epoch seq data kept
local row = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
if row[1] ~= ARGV[1] then return {'moved', row[1] or '', row[2] or ''} end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
local all = redis.call('HKEYS', KEYS[3])
table.sort(all, function(one, other) return (tonumber(one) or 0) > (tonumber(other) or 0) end)
for i = tonumber(ARGV[4]) + 1, #all do redis.call('HDEL', KEYS[3], all[i]) end
return {'ok'}
"""
)

RENEW: Final = _script("""
-- KEYS lease run; ARGV token lease_ms epoch
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not holder and redis.call('HGET', KEYS[2], 'epoch') == ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
else
  return {'lost'}
end
return {'ok'}
""")
"""A lease that ran out while nobody else took the run (a sleeping laptop) is taken up again."""

RELEASE: Final = _script("""
-- KEYS lease; ARGV token
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'ok'}
""")
