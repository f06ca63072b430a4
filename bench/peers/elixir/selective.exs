# A long mailbox: a receive that looks for one message in it, and calls that do not.
Code.require_file("harness.exs", __DIR__)

defmodule Echo do
  use GenServer

  def init(state), do: {:ok, state}
  def handle_call(request, _from, state), do: {:reply, request, state}
end

defmodule Peer do
  def measure(size, f, count) do
    Task.async(fn ->
      for i <- 1..size, do: send(self(), {:other, i})
      f.(div(count, 10))
      Bench.timed(fn -> f.(count) end)
    end)
    |> Task.await(:infinity)
  end

  def match(count) do
    for i <- 1..count do
      send(self(), {:wanted, i})

      receive do
        {:wanted, ^i} -> :ok
      end
    end
  end

  def call(count) do
    {:ok, pid} = GenServer.start_link(Echo, 1)
    for i <- 1..count, do: ^i = GenServer.call(pid, i)
    GenServer.stop(pid)
  end
end

for size <- Bench.sizes([10_000], [100]) do
  if Bench.wants?("match") do
    count = max(10, div(Bench.count(20_000_000, 1000), size))
    ms = Peer.measure(size, &Peer.match/1, count)
    Bench.rate("selective", "match", size, count, ms, "receives")
  end

  if Bench.wants?("call") do
    count = Bench.count(300_000, 100)
    ms = Peer.measure(size, &Peer.call/1, count)
    Bench.rate("selective", "call", size, count, ms, "calls")
  end
end
