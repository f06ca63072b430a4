# Asking a DynamicSupervisor of many children.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def start_link, do: {:ok, spawn_link(fn -> Process.sleep(:infinity) end)}
end

for size <- Bench.sizes([100_000], [100]) do
  sup = Bench.supervisor()
  spec = %{id: Peer, start: {Peer, :start_link, []}, restart: :temporary}
  for _ <- 1..size, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
  count = Bench.count(100, 10)
  ms = Bench.timed(fn -> for _ <- 1..count, do: DynamicSupervisor.count_children(sup) end)
  Bench.figure("children", "count", size, Float.round(ms / count * 1000, 3), "us")
  ms = Bench.timed(fn -> DynamicSupervisor.which_children(sup) end)
  Bench.figure("children", "which", size, Float.round(ms, 3), "ms")
  Bench.kill(sup)
end
