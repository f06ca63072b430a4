# Temporary children that end at once, until the last has left its DynamicSupervisor.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def start_link(ran), do: {:ok, spawn_link(fn -> :counters.add(ran, 1, 1) end)}

  # The supervisor counts by going through all of them: it is not asked more often than needed.
  defp await_none(sup) do
    if DynamicSupervisor.count_children(sup).specs > 0 do
      Process.sleep(1)
      await_none(sup)
    end
  end

  def run_all(count) do
    sup = Bench.supervisor()
    ran = :counters.new(1, [])
    spec = %{id: Peer, start: {Peer, :start_link, [ran]}, restart: :temporary}

    ms =
      Bench.timed(fn ->
        for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
        Bench.await(ran, count)
        await_none(sup)
      end)

    Bench.kill(sup)
    ms
  end
end

for count <- Bench.sizes([100_000], [100]) do
  Peer.run_all(min(count, 10_000))
  ms = Peer.run_all(count)
  for kind <- ["all", "turns"], do: Bench.rate("short_lived", kind, count, count, ms, "workers")
end
