-- What wrk sends and says, for every contender alike: `wrk -s bench/load.lua URL -- DEPTH` sends DEPTH copies of the
-- request in one write. There is no global `request`, so wrk sends the same bytes again and calls no Lua for it.
function init(arguments)
    local depth = tonumber(arguments[1])
    local one = wrk.format()
    wrk.format = function() return one:rep(depth) end
end

function done(summary)
    local errors = summary.errors
    print(("answered %d in %d us, errors %d"):format(summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
