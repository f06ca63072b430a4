# Stopping a DynamicSupervisor of idle children; its time grows with their square.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def start_link(ran) do
    {:ok,
     spawn_link(fn ->
       :counters.add(ran, 1, 1)
       Process.sleep(:infinity)
     end)}
  end

  def stop_all(count) do
    sup = Bench.supervisor()
    ran = :counters.new(1, [])
    spec = %{id: Peer, start: {Peer, :start_link, [ran]}, restart: :temporary}
    for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
    Bench.await(ran, count)
    Bench.timed(fn -> DynamicSupervisor.stop(sup) end)
  end
end

for count <- Bench.sizes([10_000], [100]) do
  Peer.stop_all(min(count, 1000))
  Bench.figure("terminate", "stop", count, Float.round(Peer.stop_all(count), 3), "ms")
end
