# Plays a scenario: what its lines do.

defmodule Operations do
  import Player, only: [appear: 5, appear: 6, follow: 2, log: 2, ping: 1, settle: 1, take: 1]

  def play(lines) do
    operations = lines |> Enum.map(&String.split/1)
    gate = spawn(fn -> Gate.run(true, []) end)
    player = self()
    thirds = for ["third", name, trap] <- operations, into: %{}, do: {name, spawn(fn -> Worker.run(player, trap) end)}
    ordered = Enum.any?(operations, &(hd(&1) == "static"))
    scene = %{player: player, gate: gate, thirds: thirds, ordered: ordered}
    state = Player.new(scene)
    state = Enum.reduce(thirds, state, fn {name, pid}, state -> appear(state, pid, name, name, true) end)
    state = play(operations, settle(state))
    Enum.each(Map.keys(state.labels), &Process.exit(&1, :kill))
    Process.exit(gate, :kill)
    Enum.reverse(state.log)
  end

  defp play([], state), do: state

  defp play([["{"] | rest], state) do
    {batch, [_ | rest]} = Enum.split_while(rest, &(&1 != ["}"]))
    send(state.scene.gate, :shut)
    {state, pending} = Enum.reduce(batch, {state, []}, &begin/2)
    send(state.scene.gate, :open)
    state = pending |> Enum.reverse() |> Enum.reduce(state, &finish/2)
    play(rest, settle(state))
  end

  defp play([["init", sup | child] | rest], state) do
    {state, spec} = spec(state, true, child)
    play(rest, %{state | inits: Map.update(state.inits, sup, [spec], &(&1 ++ [spec]))})
  end

  defp play([operation | rest], state) do
    {state, pending} = begin(operation, {state, []})
    play(rest, settle(Enum.reduce(pending, state, &finish/2)))
  end

  # ---- operations ----

  # Does what takes no time; calls of supervisors are made by a process of their own.
  defp begin(["third" | _], acc), do: acc

  defp begin(["owner", name, trap], {state, pending}) do
    player = state.scene.player
    {appear(state, spawn(fn -> Worker.run(player, trap) end), name, name, true), pending}
  end

  defp begin(["sup", name, owner | limits] = op, acc) do
    {state, _} = acc
    options = [extra_arguments: [state.scene]] ++ limits("sup", limits)
    top(op, acc, owner, name, fn -> DynamicSupervisor.start_link(options) end)
  end

  defp begin(["static", name, owner | limits] = op, {state, pending}) do
    specs = state.inits[name] || []
    state = %{state | statics: [name | state.statics]}

    top(op, {state, pending}, owner, name, fn ->
      trapped = Process.flag(:trap_exit, true)
      result = Static.start_link(state.scene, limits("static", limits), specs)
      # one that fails sends its caller an exit signal; dynsup's does not
      if match?({:error, _}, result), do: receive(do: ({:EXIT, _, _} -> :ok))
      Process.flag(:trap_exit, trapped)
      result
    end)
  end

  defp begin(["child", sup | child] = op, {state, pending}) do
    {state, spec} = spec(state, sup in state.statics, child)
    start(op, {state, pending}, sup, spec)
  end

  # The spec that a child of a static supervisor has or had.
  defp begin(["again", sup, child] = op, {state, pending}) do
    case state.specs[child] do
      nil -> note({state, pending}, op, "skipped")
      spec -> start(op, {state, pending}, sup, spec)
    end
  end

  defp begin(["restart", sup, child] = op, acc),
    do: call(op, acc, sup, &started(:supervisor.restart_child(&1, child)))

  defp begin(["delete", sup, child] = op, acc),
    do: call(op, acc, sup, &done(:supervisor.delete_child(&1, child)))

  defp begin(["terminate", sup, child] = op, {state, pending}) do
    child = if sup in state.statics, do: child, else: state.current[child]

    if child,
      do: call(op, {state, pending}, sup, &done(:supervisor.terminate_child(&1, child))),
      else: note({state, pending}, op, "skipped")
  end

  defp begin(["stop", sup, reason] = op, acc), do: call(op, acc, sup, &stop(&1, reason))

  defp begin(["exit", name, reason] = op, {state, pending}),
    do: direct(op, {state, pending}, name, &Process.exit(&1, Reason.parse(reason)))

  defp begin(["tell", name, act] = op, acc), do: direct(op, acc, name, &send(&1, {:act, act}))

  defp begin(["link", third, name] = op, {state, pending}) do
    case state.current[name] do
      nil -> note({state, pending}, op, "skipped")
      pid -> direct(op, {state, pending}, third, &send(&1, {:link, pid}))
    end
  end

  defp begin(["signal", owner, sup, reason] = op, {state, pending}) do
    case state.current[sup] do
      nil -> note({state, pending}, op, "skipped")
      pid -> direct(op, {state, pending}, owner, &send(&1, {:signal, pid, Reason.parse(reason)}))
    end
  end

  defp begin(["wait", ms] = op, acc) do
    Process.sleep(String.to_integer(ms))
    note(acc, op, "ok")
  end

  # As Supervisor.stop, but asked by this process: that of Supervisor.stop would ask later. Of one that
  # ends with the reason before it has read the request it says that it has been stopped, as dynsup.
  defp stop(pid, reason) do
    ref = Process.monitor(pid)

    try do
      :sys.terminate(pid, Reason.parse(reason), :infinity)
    catch
      :exit, _ -> :ended
    end

    case receive(do: ({:DOWN, ^ref, _, _, ended} -> Reason.text(ended))) do
      ^reason -> "ok"
      "noproc" -> "gone"
      other -> "other " <> other
    end
  end

  # A supervisor that an owner starts.
  defp top(op, {state, pending}, owner, name, call) do
    case state.current[owner] do
      nil ->
        note({state, pending}, op, "skipped")

      pid ->
        ref = make_ref()
        send(pid, {:call, self(), ref, call})

        case receive(do: ({:called, ^ref, result} -> result)) do
          {:ok, sup} -> note({appear(state, sup, name, name, true, true), pending}, op, "ok")
          {:error, reason} -> note({state, pending}, op, "failed " <> failure(reason))
        end
    end
  end

  defp failure({:shutdown, {:failed_to_start_child, id, reason}}), do: "#{id} #{Reason.text(reason)}"

  # The record of a child and its spec, for a static supervisor or a dynamic one.
  defp spec(state, static, [name, kind, restart, shutdown, trap, plan | limits]) do
    child = %{
      name: name,
      kind: kind,
      trap: trap,
      plan: String.split(plan, ","),
      limits: limits(kind, limits),
      inits: state.inits[name] || [],
      # dynsup counts how often a body was started with this supervisor, not with the one before
      numbered: not (static and kind == "body"),
      calls: :counters.new(1, []),
      starts: :counters.new(1, [])
    }

    spec = %{
      id: name,
      start: {Start, if(kind == "ready", do: :start_ready, else: :start), arguments(state, static, child)},
      restart: restart |> String.trim("!") |> String.to_atom(),
      shutdown: shutdown(shutdown),
      type: if(kind in ["sup", "static"], do: :supervisor, else: :worker)
    }

    spec = if String.ends_with?(restart, "!"), do: Map.put(spec, :significant, true), else: spec
    state = %{state | children: state.children ++ [child], specs: Map.put(state.specs, name, spec)}
    state = if kind in ["sup", "static"], do: %{state | sups: state.sups ++ [name]}, else: state
    state = if kind == "static", do: %{state | statics: [name | state.statics]}, else: state
    {state, spec}
  end

  defp arguments(state, true, child), do: [state.scene, child]
  defp arguments(_state, false, child), do: [child]

  defp start(op, {state, pending}, sup, spec) do
    module = if sup in state.statics, do: :supervisor, else: DynamicSupervisor
    call(op, {state, pending}, sup, &started(module.start_child(&1, spec)))
  end

  defp direct(op, {state, pending}, name, act) do
    case state.current[name] do
      nil ->
        note({state, pending}, op, "skipped")

      pid ->
        act.(pid)
        unless name in state.sups, do: ping(pid)
        note({state, pending}, op, "ok")
    end
  end

  defp note({state, pending}, op, result), do: {state, [{op, result} | pending]}

  # Asks the supervisor in a process of its own, and goes on when the request has been sent.
  defp call(op, {state, pending}, sup, ask) do
    case state.current[sup] do
      nil ->
        note({state, pending}, op, "skipped")

      pid ->
        player = self()
        ref = make_ref()
        asker = spawn(fn -> send(player, {:answer, ref, protect(fn -> ask.(pid) end)}) end)
        await_sent(asker)
        {state, [{op, {:answer, ref}} | pending]}
    end
  end

  defp await_sent(asker) do
    case Process.info(asker, :status) do
      # the processes that are asked have their turn, too
      {:status, :waiting} -> for _ <- 1..8, do: :erlang.yield()
      nil -> :ok
      _running -> :erlang.yield() && await_sent(asker)
    end
  end

  defp protect(ask) do
    ask.()
  catch
    :exit, _ -> "gone"
  end

  defp started({:ok, :undefined}), do: "ignore"
  defp started({:ok, pid}), do: {:pid, pid, ""}
  defp started({:ok, pid, info}), do: {:pid, pid, " #{info}"}
  defp started(:ignore), do: "ignore"
  defp started({:error, {reason, child}}) when elem(child, 0) == :child, do: started({:error, reason})
  defp started({:error, {:already_started, _pid}}), do: "error already_started"
  defp started({:error, reason}), do: "error " <> Reason.text(reason)

  defp done(:ok), do: "ok"
  defp done({:error, reason}), do: "error #{reason}"

  defp limits("static", [strategy, restarts, seconds, auto_shutdown]) do
    %{
      strategy: String.to_atom(strategy),
      intensity: String.to_integer(restarts),
      period: String.to_integer(seconds),
      auto_shutdown: String.to_atom(auto_shutdown)
    }
  end

  defp limits(_kind, []), do: []

  defp limits("sup", [restarts, seconds, children]) do
    children = if children == "infinity", do: :infinity, else: String.to_integer(children)
    [max_restarts: String.to_integer(restarts), max_seconds: String.to_integer(seconds), max_children: children]
  end

  defp shutdown("brutal"), do: :brutal_kill
  defp shutdown("infinity"), do: :infinity
  defp shutdown(ms), do: String.to_integer(ms)

  # Takes the result of an operation into the log.
  defp finish({op, {:answer, ref}}, state) do
    result = receive do: ({:answer, ^ref, result} -> result)
    finish({op, result}, take(state))
  end

  defp finish({op, {:pid, pid, info}}, state) do
    fresh = if Map.has_key?(state.watched, pid), do: state.fresh, else: [pid | state.fresh]
    state = follow(%{state | fresh: fresh}, pid)

    state =
      case state.born[pid] do
        {name, _lasts} -> %{state | current: Map.put(state.current, name, pid)}
        nil -> state
      end

    finish({op, "pid #{state.labels[pid]}#{info}"}, state)
  end

  defp finish({op, result}, state), do: log(state, "#{Enum.join(op, " ")} -> #{result}")

end
