# DynamicSupervisor and children as light as they can be: linked processes without a behaviour.
Code.require_file("harness.exs", __DIR__)

defmodule Worker do
  def light(ran), do: {:ok, spawn_link(fn -> run(ran) end)}

  def arguments(ran, _one, _two, _three), do: light(ran)

  def named(ran, name) do
    {:ok, pid} = light(ran)
    Process.register(pid, name)
    {:ok, pid}
  end

  def ready(ran), do: :proc_lib.start_link(__MODULE__, :run_ready, [ran])

  def run_ready(ran) do
    :proc_lib.init_ack({:ok, self()})
    run(ran)
  end

  defp run(ran) do
    :counters.add(ran, 1, 1)

    receive do
      :stop -> :ok
    end
  end
end

defmodule Peer do
  # Names are atoms, which are made before.
  defp arguments("named", count, ran), do: for(i <- 1..count, do: [ran, :"child #{i}"])
  defp arguments("arguments", count, ran), do: List.duplicate([ran, 1, "two", [3]], count)
  defp arguments(_, count, ran), do: List.duplicate([ran], count)

  # Children whose supervisor was killed end a little later, and have their names until then.
  defp await_names("named", all), do: for([_, name] <- all, do: await_free(name))
  defp await_names(_, _), do: :ok

  defp await_free(name) do
    if Process.whereis(name) do
      :erlang.yield()
      await_free(name)
    end
  end

  def start_all(kind, count) do
    sup = Bench.supervisor()
    ran = :counters.new(1, [])
    all = arguments(kind, count, ran)
    function = String.to_atom(kind)

    ms =
      Bench.timed(fn ->
        for arguments <- all do
          spec = %{id: Worker, start: {Worker, function, arguments}, restart: :temporary}
          {:ok, _} = DynamicSupervisor.start_child(sup, spec)
        end

        Bench.await(ran, count)
      end)

    Bench.kill(sup)
    await_names(kind, all)
    ms
  end
end

for kind <- ["light", "arguments", "named", "ready"], Bench.wants?(kind) do
  for count <- Bench.sizes([100_000], [100]) do
    Peer.start_all(kind, min(count, 10_000))
    Bench.rate("start_child", kind, count, count, Peer.start_all(kind, count), "starts")
  end
end
