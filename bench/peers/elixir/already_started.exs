# A start function that finds its name taken.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def start_link(name) do
    case Process.whereis(name) do
      nil ->
        pid = spawn_link(fn -> Process.sleep(:infinity) end)
        Process.register(pid, name)
        {:ok, pid}

      pid ->
        {:error, {:already_started, pid}}
    end
  end

  defp spec(name), do: %{id: Peer, start: {Peer, :start_link, [name]}}

  # The names of another time may still be there.
  def measure(time, children, count) do
    sup = Bench.supervisor()
    names = for i <- 1..children, do: :"child #{time} #{i}"
    for name <- names, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec(name))
    spec = spec(hd(names))
    {:error, {:already_started, _}} = DynamicSupervisor.start_child(sup, spec)
    ms = Bench.timed(fn -> for _ <- 1..count, do: DynamicSupervisor.start_child(sup, spec) end)
    Bench.kill(sup)
    ms
  end
end

for children <- Bench.sizes([1000], [10]) do
  count = Bench.count(200_000, 100)
  Peer.measure(1, children, div(count, 10))
  Bench.rate("already_started", "taken", children, count, Peer.measure(2, children, count), "calls")
end
