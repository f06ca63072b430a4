# Processes that sleep 0 to 1000 ms in a loop; they begin when all are there. A table of the size of the
# sample takes the latenesses.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  @longest 1000
  @kept 100_000

  def worker(begin, wakes, late) do
    Process.sleep(max(0, round(begin - Bench.now())) + :rand.uniform(@longest + 1) - 1)
    loop(wakes, late)
  end

  defp loop(wakes, late) do
    ms = :rand.uniform(@longest + 1) - 1
    due = System.monotonic_time(:nanosecond) + ms * 1_000_000
    Process.sleep(ms)
    :counters.add(wakes, 1, 1)
    note(:atomics.get(late, 1), due, late)
    loop(wakes, late)
  end

  # Every n-th of this process's: 0 is none.
  defp note(0, _due, _late), do: :ok

  defp note(every, due, late) do
    if :rand.uniform(every) == 1 do
      place = :atomics.add_get(late, 2, 1)

      if place <= @kept do
        :atomics.put(late, 2 + place, System.monotonic_time(:nanosecond) - due)
      end
    end
  end

  def measure(count, ms) do
    wakes = :counters.new(1, [:write_concurrency])
    late = :atomics.new(@kept + 2, signed: true)
    begin = Bench.now() + count * 0.01
    for _ <- 1..count, do: spawn(fn -> worker(begin, wakes, late) end)
    Process.sleep(round(max(0, begin - Bench.now())) + @longest)
    before = :counters.get(wakes, 1)
    :atomics.put(late, 1, max(1, div(2 * count * ms, @longest * @kept)))
    took = Bench.timed(fn -> Process.sleep(ms) end)
    counted = :counters.get(wakes, 1) - before
    :atomics.put(late, 1, 0)
    kept = min(@kept, :atomics.get(late, 2))
    {counted, took, for(i <- 1..kept//1, do: :atomics.get(late, 2 + i) / 1.0e6)}
  end
end

for count <- Bench.sizes([100_000, 1_000_000], [100]) do
  {wakes, ms, late} = Peer.measure(count, Bench.count(3000, 200))
  Bench.rate("timers", "rate", count, wakes, ms, "wake-ups")
  Bench.spread("timers", "late", count, late, "ms")
end

System.halt(0)
