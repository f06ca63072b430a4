# What the programs in Elixir share: the arguments and lines of bench/suite/harness.lua.

defmodule Bench do
  def smoke?, do: "--smoke" in System.argv()

  def wants?(kind) do
    kinds = Enum.filter(System.argv(), &(&1 =~ ~r/^[a-z]/))
    kinds == [] or kind in kinds
  end

  def sizes(usual, small) do
    given = for word <- System.argv(), word =~ ~r/^\d+$/, do: String.to_integer(word)

    cond do
      smoke?() -> small
      given == [] -> usual
      true -> given
    end
  end

  def count(usual, small), do: if(smoke?(), do: small, else: usual)

  def figure(question, kind, size, value, unit) do
    IO.puts("question=#{question} kind=#{kind} size=#{size} value=#{value} unit=#{unit}")
  end

  def rate(question, kind, size, count, ms, things) do
    figure(question, kind, size, round(count / max(ms, 0.001) * 1000), things <> "/s")
  end

  def spread(question, kind, size, values, unit) do
    sorted = values |> Enum.sort() |> List.to_tuple()

    for {name, part} <- [{"p50", 0.5}, {"p99", 0.99}, {"max", 1.0}] do
      place = max(1, ceil(tuple_size(sorted) * part))
      figure(question, "#{kind}_#{name}", size, Float.round(elem(sorted, place - 1) * 1.0, 4), unit)
    end
  end

  # In ms, with a fraction.
  def now, do: System.monotonic_time(:nanosecond) / 1.0e6

  def timed(f) do
    begun = now()
    f.()
    now() - begun
  end

  def resident do
    [_, kilobytes] = Regex.run(~r/VmRSS:\s*(\d+)/, File.read!("/proc/self/status"))
    String.to_integer(kilobytes) * 1024
  end

  def supervisor(options \\ []) do
    {:ok, sup} = DynamicSupervisor.start_link([strategy: :one_for_one] ++ options)
    sup
  end

  # A supervisor of many children takes long to stop: it is killed, and they with it.
  def kill(pid) do
    Process.unlink(pid)
    ref = Process.monitor(pid)
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^ref, _, _, _} -> :ok
    end
  end

  # Until a counter has come so far.
  def await(counter, count) do
    if :counters.get(counter, 1) < count do
      :erlang.yield()
      await(counter, count)
    end
  end

  # So many messages.
  def await_messages(_message, 0), do: :ok

  def await_messages(message, count) do
    receive do
      ^message -> await_messages(message, count - 1)
    end
  end
end

Logger.configure(level: :none)
