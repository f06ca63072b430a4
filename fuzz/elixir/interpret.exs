# Plays scenarios on Elixir's supervisors and prints what was seen: interpret.exs FILE
#
# Each scenario has a player, which is linked to no process: it sends orders to owners, children and third
# processes, waits until everything is at rest, and writes down results, ends,
# trapped signals, supervisors' reports and the children of each supervisor. A process
# answers the player's pings unless it is about to end, so each process either answers or goes down.

for file <- ~w(processes starts player operations) do
  Code.require_file(file <> ".exs", __DIR__)
end

defmodule Main do
  def run([path]) do
    :logger.remove_handler(:default)
    :logger.remove_handler(Logger)
    :logger.add_handler(:reports, Reports, %{})
    :logger.set_primary_config(:level, :all)

    path
    |> File.read!()
    |> String.split("scenario ", trim: true)
    |> Task.async_stream(&play/1, max_concurrency: 16, timeout: 60_000, on_timeout: :kill_task, ordered: true)
    |> Enum.each(&print/1)
  end

  defp play(text) do
    [number | lines] = String.split(text, "\n", trim: true)
    [number, lines |> isolated() |> Enum.map(&[?\n, &1])]
  end

  # In a process linked to nobody, which no signal of a scenario reaches.
  defp isolated(lines) do
    {pid, ref} = spawn_monitor(fn -> exit({:played, Operations.play(lines)}) end)

    receive do
      {:DOWN, ^ref, _, _, {:played, log}} -> log
      {:DOWN, ^ref, _, _, reason} -> ["the player failed: " <> inspect(reason)]
    after
      20_000 ->
        Process.exit(pid, :kill)
        ["the player waits for ever"]
    end
  end

  defp print({:ok, text}), do: IO.write(["scenario ", text, ?\n])
  defp print({:exit, reason}), do: IO.write(["failed ", inspect(reason), ?\n])
end

Main.run(System.argv())
