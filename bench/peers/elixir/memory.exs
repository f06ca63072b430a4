# What an idle child without a behaviour takes, all in.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def start_link(ran) do
    {:ok,
     spawn_link(fn ->
       :counters.add(ran, 1, 1)

       receive do
         :stop -> :ok
       end
     end)}
  end
end

for count <- Bench.sizes([1_000_000], [1000]) do
  before = Bench.resident()
  sup = Bench.supervisor()
  ran = :counters.new(1, [])
  spec = %{id: Peer, start: {Peer, :start_link, [ran]}, restart: :temporary}
  for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
  Bench.await(ran, count)
  bytes = round((Bench.resident() - before) / count)
  Bench.figure("memory", "child", count, bytes, "bytes/child")
end

System.halt(0)
