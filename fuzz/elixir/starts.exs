# The start functions of all children, and the supervisors' reports.

defmodule Static do
  # A static supervisor with children that are specs already.
  def start_link(scene, flags, specs), do: :supervisor.start_link(Static, {scene.player, flags, specs})

  def init({player, flags, specs}) do
    Process.put(:player, player)
    {:ok, {flags, specs}}
  end
end

defmodule Start do
  # The start function of all children; scene is the supervisors' extra argument.
  def start(scene, child), do: step(scene, child, planned(scene, child))

  defp planned(scene, child) do
    :counters.add(child.calls, 1, 1)
    call = :counters.get(child.calls, 1)
    step = Enum.at(child.plan, min(call, length(child.plan)) - 1)
    if scene.ordered and child.kind != "body", do: send(scene.player, {:step, child.name, step})
    step
  end

  defp step(_scene, _child, "ignore"), do: :ignore
  defp step(_scene, _child, "error"), do: {:error, :refused}
  defp step(_scene, _child, "value"), do: :strange
  defp step(_scene, _child, "raise"), do: raise("raised")
  defp step(_scene, _child, "fail:" <> reason), do: exit(Reason.parse(reason))

  defp step(scene, %{kind: "sup"} = child, "up") do
    {:ok, pid} = DynamicSupervisor.start_link([extra_arguments: [scene]] ++ child.limits)
    born(scene, child, pid, true)
  end

  defp step(scene, %{kind: "static"} = child, "up") do
    case Static.start_link(scene, child.limits, child.inits) do
      {:ok, pid} -> born(scene, child, pid, true)
      failed -> failed
    end
  end

  defp step(scene, child, "up"), do: born(scene, child, worker(scene, child), true)

  defp step(scene, child, "info") do
    {:ok, pid} = step(scene, child, "up")
    {:ok, pid, :info}
  end

  defp step(scene, child, "now:" <> act),
    do: born(scene, child, spawn_link(fn -> Worker.act(act) end), false)

  defp step(scene, child, "dead:" <> reason) do
    {pid, ref} = spawn_dead(reason)
    receive do: ({:DOWN, ^ref, _, _, _} -> :ok)
    born(scene, child, pid, false)
  end

  defp step(scene, child, "leftover") do
    pid = spawn_link(fn -> Worker.run(scene.player, "none") end)
    send(scene.player, {:left, pid, "#{child.name}.left#{:counters.get(child.calls, 1)}"})
    {:error, :refused}
  end

  defp step(scene, _child, "shared:" <> name) do
    case scene.thirds[name] do
      nil -> {:error, :refused}
      pid -> Process.link(pid) && {:ok, pid}
    end
  end

  defp step(scene, child, "slow") do
    send(scene.gate, {:wait, self()})
    receive do: (:go -> step(scene, child, "up"))
  end

  # The start function of children that report when they are ready: here the process itself looks up what
  # this start does.
  def start_ready(scene, child), do: :proc_lib.start_link(Start, :ready, [scene, child])

  def ready(scene, child) do
    case planned(scene, child) do
      "fail:" <> reason ->
        exit(Reason.parse(reason))

      "up" ->
        born(scene, child, self(), true)
        :proc_lib.init_ack({:ok, self()})
        Worker.run(scene.player, child.trap)
    end
  end

  # One that traps exits does so before it is up.
  defp worker(%{player: player}, %{trap: "none"}), do: spawn_link(fn -> Worker.run(player, "none") end)

  defp worker(%{player: player}, %{trap: trap}) do
    starter = self()

    pid =
      spawn_link(fn ->
        Process.flag(:trap_exit, true)
        send(starter, {:traps, self()})
        Worker.run(player, trap)
      end)

    receive do: ({:traps, ^pid} -> pid)
  end

  defp spawn_dead(reason) do
    pid = spawn_link(fn -> receive do: (:end -> exit(Reason.parse(reason))) end)
    ref = Process.monitor(pid)
    send(pid, :end)
    {pid, ref}
  end

  defp born(scene, child, pid, lasts) do
    :counters.add(child.starts, 1, 1)
    label = if child.numbered, do: "#{child.name}.#{:counters.get(child.starts, 1)}", else: child.name
    send(scene.player, {:born, pid, label, child.name, lasts})
    {:ok, pid}
  end
end

defmodule Reports do
  # A handler of Erlang's log, called in the supervisor: hands its reports to the player of their
  # scenario.
  def log(%{msg: {:report, %{label: {:supervisor, context}, report: report}}}, _config) when context != :progress do
    offender = report[:offender]
    send(player(offender), {:report, self(), context, offender[:pid], offender[:id], report[:reason]})
  end

  def log(_event, _config), do: :ok

  # That of a dynamic supervisor is in its extra argument.
  defp player(offender) do
    Process.get(:player) ||
      case offender[:mfargs] do
        {_m, _f, [scene | _]} -> scene.player
      end
  end
end
