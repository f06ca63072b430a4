# The same questions, put to Elixir's DynamicSupervisor and processes.
# Usage: elixir elixir.exs start_child|ping_pong|terminate|memory SIZE...

defmodule Worker do
  # As light as a child can be: a linked process without a behaviour.
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

defmodule Peer do
  @messages 2_000_000

  def main([question | sizes]) do
    for size <- sizes, do: answer(question, String.to_integer(size))
  end

  defp answer("start_child", count) do
    start_timed(min(count, 10_000))
    IO.puts("start_child_#{count} #{round(count / start_timed(count) * 1000)} starts/s")
  end

  defp answer("terminate", count) do
    stop_timed(min(count, 1000))
    IO.puts("terminate_#{count} #{Float.round(stop_timed(count), 2)} ms")
  end

  defp answer("memory", count) do
    before = resident()
    sup = supervisor()
    start_all(sup, count)
    IO.puts("memory_#{count} #{round((resident() - before) / count)} bytes/child")
    System.halt(0)
  end

  defp answer("ping_pong", pairs) do
    play(pairs, div(@messages, 10))
    IO.puts("ping_pong_#{pairs} #{round(play(pairs, @messages))} messages/s")
  end

  defp now, do: System.monotonic_time(:microsecond) / 1000

  defp supervisor do
    {:ok, sup} = DynamicSupervisor.start_link(strategy: :one_for_one)
    sup
  end

  defp start_all(sup, count) do
    ran = :counters.new(1, [])
    spec = %{id: Worker, start: {Worker, :start_link, [ran]}, restart: :temporary}
    for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(sup, spec)
    await(ran, count)
  end

  defp await(ran, count) do
    if :counters.get(ran, 1) < count do
      :erlang.yield()
      await(ran, count)
    end
  end

  # A supervisor of a million children takes minutes to stop: it is killed, and they with it.
  defp kill(sup) do
    Process.unlink(sup)
    ref = Process.monitor(sup)
    Process.exit(sup, :kill)

    receive do
      {:DOWN, ^ref, _, _, _} -> :ok
    end
  end

  defp start_timed(count) do
    sup = supervisor()
    begun = now()
    start_all(sup, count)
    ms = now() - begun
    kill(sup)
    ms
  end

  defp stop_timed(count) do
    sup = supervisor()
    start_all(sup, count)
    begun = now()
    DynamicSupervisor.stop(sup)
    now() - begun
  end

  defp ponger do
    receive do
      {from, number} ->
        send(from, number)
        ponger()

      :stop ->
        :ok
    end
  end

  defp ping(ponged, 0), do: send(ponged, :stop)

  defp ping(ponged, left) do
    send(ponged, {self(), left})

    receive do
      ^left -> ping(ponged, left - 1)
    end
  end

  defp pinger(main, ponged, rounds) do
    receive do
      :go -> ping(ponged, rounds)
    end

    send(main, :done)
  end

  defp play(pairs, messages) do
    main = self()
    rounds = max(1, div(messages, 2 * pairs))

    pingers =
      for _ <- 1..pairs do
        ponged = spawn(fn -> ponger() end)
        spawn(fn -> pinger(main, ponged, rounds) end)
      end

    begun = now()
    for pid <- pingers, do: send(pid, :go)

    for _ <- 1..pairs do
      receive do
        :done -> :ok
      end
    end

    2 * rounds * pairs / (now() - begun) * 1000
  end

  defp resident do
    [_, kilobytes] = Regex.run(~r/VmRSS:\s*(\d+)/, File.read!("/proc/self/status"))
    String.to_integer(kilobytes) * 1024
  end
end

Peer.main(System.argv())
