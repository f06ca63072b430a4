# Registry with unique keys, each of a process of its own.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
  def owner(key, main) do
    Registry.register(Owned, key, key)
    send(main, :ready)
    Process.sleep(:infinity)
  end

  defp sink do
    receive do
      {:message, _} -> sink()
      {:last, from} -> send(from, :done)
    end
  end

  defp receiver(main) do
    spawn(fn ->
      Registry.register(Owned, "receiver", nil)
      Process.register(self(), :receiver)
      send(main, :ready)
      sink()
    end)
  end

  defp send_to("send_name", message), do: send(:receiver, message)

  defp send_to("send_key", message) do
    send(GenServer.whereis({:via, Registry, {Owned, "receiver"}}), message)
  end

  def messages(kind, count) do
    receiver(self())
    Bench.await_messages(:ready, 1)

    Bench.timed(fn ->
      for i <- 1..count, do: send_to(kind, {:message, i})
      send_to(kind, {:last, self()})
      Bench.await_messages(:done, 1)
    end)
  end

  def await_none do
    if Registry.count(Owned) > 0 do
      Process.sleep(1)
      await_none()
    end
  end
end

{:ok, _} = Registry.start_link(keys: :unique, name: Owned)
{:ok, _} = Registry.start_link(keys: :unique, name: Mine)
[size | _] = Bench.sizes([100_000], [10])
count = Bench.count(300_000, 100)
main = self()
keys = for i <- 1..size, do: "key #{i}"
pids = for key <- keys, do: spawn(fn -> Peer.owner(key, main) end)
Bench.await_messages(:ready, size)

ms = Bench.timed(fn -> for key <- keys, do: {:ok, _} = Registry.register(Mine, key, nil) end)
Bench.rate("registry", "register", size, size, ms, "registrations")

places = for i <- 1..count, do: "key #{rem(i * 7919, size) + 1}"
ms = Bench.timed(fn -> for key <- places, do: [{_, _}] = Registry.lookup(Owned, key) end)
Bench.rate("registry", "lookup", size, count, ms, "lookups")

for kind <- ["send_name", "send_key"] do
  Peer.messages(kind, div(count, 10))
  Bench.rate("registry", kind, size, count, Peer.messages(kind, count), "messages")
end

ms =
  Bench.timed(fn ->
    for pid <- pids, do: Process.exit(pid, :kill)
    Peer.await_none()
  end)

Bench.rate("registry", "exit", size, size, ms, "ends")
System.halt(0)
