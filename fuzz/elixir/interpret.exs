# Plays scenarios on Elixir's DynamicSupervisor and prints what was seen: interpret.exs FILE
#
# Each scenario has a player, which is linked to nobody: it tells owners, children and third
# processes what to do, waits until everything has come to rest, and writes down results, ends,
# signals that were trapped, supervisors' reports and the children of each supervisor. A process
# answers the player's pings unless it is about to end, so whoever is asked answers or goes down.

defmodule Reason do
  def parse("shutdown+x"), do: {:shutdown, :x}
  def parse(text), do: String.to_atom(text)

  def text({:shutdown, x}) when is_atom(x), do: "shutdown+#{x}"
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

defmodule Start do
  # The start function of all children; scene is the supervisors' extra argument.
  def start(scene, child) do
    :counters.add(child.calls, 1, 1)
    call = :counters.get(child.calls, 1)
    step(scene, child, Enum.at(child.plan, min(call, length(child.plan)) - 1))
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

  defp worker(scene, child), do: spawn_link(fn -> Worker.run(scene.player, child.trap) end)

  defp spawn_dead(reason) do
    pid = spawn_link(fn -> receive do: (:end -> exit(Reason.parse(reason))) end)
    ref = Process.monitor(pid)
    send(pid, :end)
    {pid, ref}
  end

  defp born(scene, child, pid, lasts) do
    :counters.add(child.starts, 1, 1)
    label = "#{child.name}.#{:counters.get(child.starts, 1)}"
    send(scene.player, {:born, pid, label, child.name, lasts})
    {:ok, pid}
  end
end

defmodule Reports do
  # A handler of Erlang's log: hands supervisors' reports to the player of their scenario.
  def log(%{msg: {:report, %{label: {:supervisor, context}, report: report}}}, _config) do
    {_m, _f, arguments} = report[:offender][:mfargs]
    send(hd_of(arguments).player, {:report, context, report[:offender][:pid], report[:reason]})
  end

  def log(_event, _config), do: :ok

  defp hd_of([scene | _]), do: scene
end

defmodule Player do
  @rounds 200

  def play(lines) do
    operations = lines |> Enum.map(&String.split/1)
    gate = spawn(fn -> Gate.run(true, []) end)
    player = self()
    thirds = for ["third", name, trap] <- operations, into: %{}, do: {name, spawn(fn -> Worker.run(player, trap) end)}
    scene = %{player: player, gate: gate, thirds: thirds}

    state = %{
      scene: scene,
      labels: %{},
      born: %{},
      watched: %{},
      current: %{},
      sups: [],
      children: [],
      events: [],
      fresh: [],
      log: []
    }

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

  defp begin(["sup", name, owner | limits] = op, {state, pending}) do
    options = [extra_arguments: [state.scene]] ++ limits(limits)
    ref = make_ref()
    call = fn -> DynamicSupervisor.start_link(options) end

    case state.current[owner] do
      nil ->
        note({state, pending}, op, "skipped")

      pid ->
        send(pid, {:call, self(), ref, call})
        {:ok, sup} = receive do: ({:called, ^ref, result} -> result)
        note({appear(state, sup, name, name, true, true), pending}, op, "ok")
    end
  end

  defp begin(["child", sup, name, kind, restart, shutdown, trap, plan | limits] = op, {state, pending}) do
    child = %{
      name: name,
      kind: kind,
      trap: trap,
      plan: String.split(plan, ","),
      limits: limits(limits),
      calls: :counters.new(1, []),
      starts: :counters.new(1, [])
    }

    spec = %{
      id: name,
      start: {Start, :start, [child]},
      restart: String.to_atom(restart),
      shutdown: shutdown(shutdown),
      type: if(kind == "sup", do: :supervisor, else: :worker)
    }

    state = %{state | children: state.children ++ [child]}
    state = if kind == "sup", do: %{state | sups: state.sups ++ [name]}, else: state
    call(op, {state, pending}, sup, fn pid -> started(DynamicSupervisor.start_child(pid, spec)) end)
  end

  defp begin(["terminate", sup, child] = op, {state, pending}) do
    case state.current[child] do
      nil -> note({state, pending}, op, "skipped")
      pid -> call(op, {state, pending}, sup, &done(DynamicSupervisor.terminate_child(&1, pid)))
    end
  end

  defp begin(["stop", sup, reason] = op, acc) do
    call(op, acc, sup, fn pid ->
      try do
        done(DynamicSupervisor.stop(pid, Reason.parse(reason)))
      catch
        :exit, {:noproc, _} -> "gone"
        :exit, :noproc -> "gone"
        :exit, {other, _} -> "other " <> Reason.text(other)
      end
    end)
  end

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
      {:status, :waiting} -> :ok
      nil -> :ok
      _running -> :erlang.yield() && await_sent(asker)
    end
  end

  defp protect(ask) do
    ask.()
  catch
    :exit, _ -> "gone"
  end

  defp started({:ok, pid}), do: {:pid, pid, ""}
  defp started({:ok, pid, info}), do: {:pid, pid, " #{info}"}
  defp started(:ignore), do: "ignore"
  defp started({:error, reason}), do: "error " <> Reason.text(reason)

  defp done(:ok), do: "ok"
  defp done({:error, reason}), do: "error #{reason}"

  defp limits([]), do: []

  defp limits([restarts, seconds, children]) do
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

  defp log(state, line), do: %{state | log: [line | state.log]}

  # ---- what is seen ----

  # A process with a label. lasts: it does not end by itself, so it is watched.
  defp appear(state, pid, label, name, lasts, is_sup \\ false) do
    state = %{state | labels: Map.put(state.labels, pid, label), current: Map.put(state.current, name, pid)}
    state = if is_sup, do: %{state | sups: state.sups ++ [name]}, else: state
    if lasts, do: watch(state, pid, is_sup), else: state
  end

  defp watch(state, pid, is_sup) do
    if Map.has_key?(state.watched, pid) do
      state
    else
      Process.monitor(pid)
      %{state | watched: Map.put(state.watched, pid, if(is_sup, do: :sup, else: :alive))}
    end
  end

  # A child that was named by its supervisor, and is known by what its start function told.
  defp follow(state, pid) do
    case state.born[pid] do
      {name, true} ->
        state = %{state | current: Map.put(state.current, name, pid)}
        watch(state, pid, name in state.sups)

      _unknown_or_brief ->
        state
    end
  end

  # Takes what has come from processes.
  defp take(state) do
    receive do
      {:born, pid, label, name, lasts} ->
        born = Map.put(state.born, pid, {name, lasts})
        take(%{state | labels: Map.put(state.labels, pid, label), born: born})

      {:left, pid, label} ->
        state = %{state | labels: Map.put(state.labels, pid, label), fresh: [pid | state.fresh]}
        take(watch(state, pid, false))

      {:trapped, pid, from, reason} ->
        take(event(state, "#{label(state, pid)} trapped #{Reason.text(reason)} from #{label(state, from)}"))

      {:report, context, {:restarting, pid}, reason} ->
        take(report(state, context, pid, reason))

      {:report, context, pid, reason} ->
        take(report(state, context, pid, reason))

      {:DOWN, _ref, :process, pid, reason} ->
        state = %{state | watched: Map.put(state.watched, pid, :down)}
        text = if pid in state.fresh, do: "early", else: Reason.text(reason)
        take(event(state, "#{label(state, pid)} down #{text}"))
    after
      0 -> state
    end
  end

  # OTP calls it an error when a child had shut down by itself just before it was to be stopped.
  defp report(state, :shutdown_error, _pid, :shutdown), do: state
  defp report(state, :shutdown_error, _pid, {:shutdown, _}), do: state

  defp report(state, context, pid, reason),
    do: event(state, "report #{context} #{label(state, pid)} #{Reason.text(reason)}")

  defp event(state, text), do: %{state | events: [text | state.events]}

  defp label(state, pid) do
    if pid == state.scene.player, do: "player", else: state.labels[pid] || inspect(pid)
  end

  # ---- coming to rest ----

  defp settle(state), do: settle(state, nil, 0)

  defp settle(state, _before, @rounds), do: log(state, "  never at rest")

  defp settle(state, before, round) do
    for {pid, kind} <- state.watched, kind == :alive, do: ping(pid)
    {state, picture, calm} = state |> take() |> picture()
    now = {picture, length(state.events)}

    if calm and now == before do
      lines = Enum.map(Enum.sort(state.events), &"  #{&1}") ++ picture
      Enum.reduce(lines, %{state | events: [], fresh: []}, &log(&2, &1))
    else
      settle(state, now, round + 1)
    end
  end

  # Waits until the process has done what it was told before, or is gone.
  defp ping(pid) do
    ref = Process.monitor(pid)
    send(pid, {:ping, self(), ref})

    receive do
      {:pong, ^ref} -> Process.demonitor(ref, [:flush])
      {:DOWN, ^ref, _, _, _} -> :ok
    end
  end

  # The supervisors' children as text; calm: nobody is restarting.
  defp picture(state) do
    {state, lines, calm} = Enum.reduce(state.sups, {state, [], true}, &picture/2)

    calls =
      for %{name: name, calls: calls, kind: kind} <- state.children,
          kind != "body",
          do: "#{name}=#{:counters.get(calls, 1)}"

    {state, Enum.reverse(["  calls " <> Enum.join(calls, " ") | lines]), calm}
  end

  defp picture(name, {state, lines, calm}) do
    case look(state.current[name]) do
      nil ->
        {take(state), lines, calm}

      {counts, children} ->
        state = Enum.reduce(children, take(state), fn {_, pid, _, _}, state -> follow(state, pid) end)
        seen = for {_, pid, type, _} <- children, do: "#{if is_pid(pid), do: label(state, pid), else: pid}/#{type}"
        line = "  #{name}: #{counts.specs} #{counts.active} #{counts.supervisors} #{counts.workers}"
        line = Enum.join([line | Enum.sort(seen)], " ")
        {state, [line | lines], calm and counts.specs == counts.active}
    end
  end

  # A supervisor that answers nobody is on its way out: that is waited for.
  defp look(nil), do: nil

  defp look(pid) do
    counts = DynamicSupervisor.count_children(pid)
    {counts, DynamicSupervisor.which_children(pid)}
  catch
    :exit, _ ->
      ping(pid)
      nil
  end
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
    {pid, ref} = spawn_monitor(fn -> exit({:played, Player.play(lines)}) end)

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
