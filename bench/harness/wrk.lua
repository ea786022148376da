-- Posts a JSON body of BENCH_BODY_BYTES, where that is set; at the end, the figures on one line.
local bytes = tonumber(os.getenv("BENCH_BODY_BYTES"))
if bytes then
  local frame = '{"text":""}'
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = '{"text":"' .. string.rep("abcdefgh ", math.ceil(bytes / 9)):sub(1, bytes - #frame) .. '"}'
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("bench %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
