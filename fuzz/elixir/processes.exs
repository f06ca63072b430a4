# The processes of a scenario, and how its words are read.

defmodule Reason do
  def parse("shutdown+x"), do: {:shutdown, :x}
  def parse(text), do: String.to_atom(text)

  def text({:shutdown, x}) when is_atom(x), do: "shutdown+#{x}"
  def text({:shutdown, {:failed_to_start_child, _id, _reason}}), do: "shutdown"
  def text({:EXIT, reason}), do: text(reason)
  def text({:bad_combination, _fields}), do: "bad_combination"
  def text({:bad_return_value, value}), do: text(value)
  def text({%RuntimeError{}, _trace}), do: "crash"
  def text({reason, trace}) when is_atom(reason) and is_list(trace), do: "#{reason}"
  def text(reason) when is_atom(reason), do: "#{reason}"
  def text(reason), do: inspect(reason)
end

defmodule Worker do
  # trap: "none", "ignore", "exit:REASON" or "late:REASON": what an exit signal does to it
  def run(player, trap) do
    Process.flag(:trap_exit, trap != "none")
    loop(player, trap)
  end

  defp loop(player, trap) do
    receive do
      {:ping, from, ref} -> send(from, {:pong, ref})
      {:act, "return"} -> exit(:normal)
      {:act, act} -> act(act)
      {:link, pid} -> Process.link(pid)
      {:signal, pid, reason} -> Process.exit(pid, reason)
      {:call, from, ref, call} -> send(from, {:called, ref, call.()})
      {:EXIT, from, reason} -> signalled(player, trap, from, reason)
    end

    loop(player, trap)
  end

  defp signalled(player, trap, from, reason) do
    send(player, {:trapped, self(), from, reason})

    case String.split(trap, ":") do
      ["exit", mine] -> exit(Reason.parse(mine))
      ["late", mine] -> Process.sleep(10) && exit(Reason.parse(mine))
      _ignore -> :ok
    end
  end

  def act("return"), do: :ok
  def act("raise"), do: raise("raised")
  def act("exit:" <> reason), do: exit(Reason.parse(reason))
end

defmodule Gate do
  # Start functions that are slow wait here while the gate is shut.
  def run(open, waiting) do
    receive do
      {:wait, pid} when open -> send(pid, :go) && run(open, waiting)
      {:wait, pid} -> run(open, [pid | waiting])
      :shut -> run(false, waiting)
      :open -> Enum.each(waiting, &send(&1, :go)) && run(true, [])
    end
  end
end
