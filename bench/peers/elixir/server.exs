# A GenServer that answers, and GenServers as children.
Code.require_file("harness.exs", __DIR__)

defmodule Echo do
  use GenServer, restart: :temporary

  def start_link(state), do: GenServer.start_link(__MODULE__, state)
  def init(state), do: {:ok, state}
  def handle_call(request, _from, state), do: {:reply, request, state}
end

defmodule Peer do
  defp client(main, pid, rounds) do
    receive do
      :go -> for i <- 1..rounds, do: ^i = GenServer.call(pid, i)
    end

    send(main, :done)
  end

  def call_all(clients, calls) do
    main = self()
    {:ok, pid} = Echo.start_link(1)
    rounds = max(1, div(calls, clients))
    pids = for _ <- 1..clients, do: spawn(fn -> client(main, pid, rounds) end)

    ms =
      Bench.timed(fn ->
        for client <- pids, do: send(client, :go)
        Bench.await_messages(:done, clients)
      end)

    GenServer.stop(pid)
    {rounds * clients, ms}
  end

  def start_all(count) do
    sup = Bench.supervisor()
    before = Bench.resident()

    ms =
      Bench.timed(fn ->
        for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, {Echo, 1})
      end)

    bytes = round((Bench.resident() - before) / count)
    Bench.kill(sup)
    {ms, bytes}
  end
end

if Bench.wants?("start") or Bench.wants?("memory") do
  for count <- Bench.sizes([100_000], [100]) do
    {ms, bytes} = Peer.start_all(count)
    Bench.rate("server", "start", count, count, ms, "starts")
    Bench.figure("server", "memory", count, bytes, "bytes/server")
  end
end

if Bench.wants?("call") do
  calls = Bench.count(500_000, 100)

  for clients <- Bench.sizes([1, 1000], [1, 10]) do
    Peer.call_all(clients, div(calls, 10))
    {count, ms} = Peer.call_all(clients, calls)
    Bench.rate("server", "call", clients, count, ms, "calls")
  end
end

System.halt(0)
