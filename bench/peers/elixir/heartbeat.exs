# How late a process wakes that sleeps 1 ms, beside idle ones and one that makes garbage, and beside one
# that never receives.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def idle, do: Process.sleep(:infinity)

  def litter(_garbage \\ []) do
    Process.sleep(1)
    litter(for i <- 1..10, do: {i, Integer.to_string(i)})
  end

  def endless(x), do: endless(x + 1)

  def beat(count) do
    for _ <- 1..count do
      due = Bench.now() + 1
      Process.sleep(1)
      Bench.now() - due
    end
  end

  def measure(kind, count, neighbours) do
    pids = for f <- neighbours, do: spawn(f)
    beat(Bench.count(200, 5))
    Bench.spread("heartbeat", kind, count, beat(Bench.count(2000, 20)), "ms")
    for pid <- pids, do: Process.exit(pid, :kill)
  end
end

if Bench.wants?("idle") do
  for count <- Bench.sizes([10_000, 100_000, 1_000_000], [100]) do
    neighbours = [fn -> Peer.litter() end | List.duplicate(&Peer.idle/0, count)]
    Peer.measure("idle", count, neighbours)
  end
end

if Bench.wants?("endless") do
  Peer.measure("endless", 1, [fn -> Peer.endless(0) end])
end

System.halt(0)
