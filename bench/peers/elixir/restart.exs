# Permanent children that are killed or fail; the clock is read in the replacement's first line.
Code.require_file("harness.exs", __DIR__)

defmodule Child do
  def start_link(starts, times), do: {:ok, spawn_link(fn -> run(starts, times) end)}

  defp run(starts, times) do
    :atomics.put(times, 1, System.monotonic_time(:nanosecond))
    :counters.add(starts, 1, 1)

    receive do
      :fail ->
        :atomics.put(times, 2, System.monotonic_time(:nanosecond))
        raise "as it was told"
    end
  end
end

defmodule Peer do
  defp new_children(count) do
    sup = Bench.supervisor(max_restarts: 1_000_000_000, max_seconds: 1)
    starts = :counters.new(1, [])
    times = :atomics.new(2, [])
    spec = %{id: Child, start: {Child, :start_link, [starts, times]}}
    for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
    Bench.await(starts, count)
    {sup, starts, times}
  end

  defp finish("kill", pid, times) do
    :atomics.put(times, 2, System.monotonic_time(:nanosecond))
    Process.exit(pid, :kill)
  end

  defp finish("error", pid, _times), do: send(pid, :fail)

  def latencies(kind, count) do
    {sup, starts, times} = new_children(1)

    values =
      for i <- 1..count do
        [{_, pid, _, _}] = DynamicSupervisor.which_children(sup)
        finish(kind, pid, times)
        Bench.await(starts, i + 1)
        (:atomics.get(times, 1) - :atomics.get(times, 2)) / 1000
      end

    Bench.kill(sup)
    values
  end

  def burst(count) do
    {sup, starts, _} = new_children(count)
    pids = for {_, pid, _, _} <- DynamicSupervisor.which_children(sup), do: pid

    ms =
      Bench.timed(fn ->
        for pid <- pids, do: Process.exit(pid, :kill)
        Bench.await(starts, 2 * count)
      end)

    Bench.kill(sup)
    ms
  end
end

for kind <- ["kill", "error"], Bench.wants?(kind) do
  count = Bench.count(20_000, 20)
  Peer.latencies(kind, max(1, div(count, 10)))
  Bench.spread("restart", kind, 1, Peer.latencies(kind, count), "us")
end

for count <- Bench.sizes([1000, 10_000], [10]), Bench.wants?("burst") do
  Peer.burst(min(count, 1000))
  Bench.rate("restart", "burst", count, count, Peer.burst(count), "restarts")
end
