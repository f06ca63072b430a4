# What the player of a scenario sees of its processes, and what it writes down.
#
# Of static supervisors the calls of start functions and the signals that were trapped are written in
# their order: they start and stop one child after the other.

defmodule Player do
  @rounds 200

  # What is known at the beginning. A scene is ordered when there are static supervisors.
  def new(scene) do
    %{
      scene: scene,
      ordered: scene.ordered,
      labels: %{},
      born: %{},
      watched: %{},
      current: %{},
      sups: [],
      statics: [],
      children: [],
      inits: %{},
      specs: %{},
      sequence: [],
      events: [],
      fresh: [],
      log: []
    }
  end

  def log(state, line), do: %{state | log: [line | state.log]}

  # ---- what is seen ----

  # A process with a label. lasts: it does not end by itself, so it is watched.
  def appear(state, pid, label, name, lasts, is_sup \\ false) do
    state = %{state | labels: Map.put(state.labels, pid, label), current: Map.put(state.current, name, pid)}
    state = if is_sup, do: %{state | sups: state.sups ++ [name]}, else: state
    # a static supervisor may be gone before it can be watched
    state = if is_sup and state.ordered, do: %{state | fresh: [pid | state.fresh]}, else: state
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

  # A child that was named by its supervisor, and is known by the message of its start function.
  def follow(state, pid) do
    case state.born[pid] do
      {name, true} ->
        state = %{state | current: Map.put(state.current, name, pid)}
        # how long those that a static supervisor soon stops again are there to be seen is chance
        brief = state.ordered and not Map.has_key?(state.watched, pid)
        state = if brief, do: %{state | fresh: [pid | state.fresh]}, else: state
        watch(state, pid, name in state.sups)

      _unknown_or_brief ->
        state
    end
  end

  # Takes what has come from processes.
  def take(state) do
    receive do
      {:born, pid, label, name, lasts} ->
        born = Map.put(state.born, pid, {name, lasts})
        take(%{state | labels: Map.put(state.labels, pid, label), born: born})

      {:left, pid, label} ->
        state = %{state | labels: Map.put(state.labels, pid, label), fresh: [pid | state.fresh]}
        take(watch(state, pid, false))

      {:trapped, pid, from, reason} ->
        text = "#{label(state, pid)} trapped #{Reason.text(reason)} from #{label(state, from)}"
        sequel = from != state.scene.player and reason != :killed
        take(if sequel, do: in_order(state, text), else: event(state, text))

      {:step, name, step} ->
        take(in_order(state, "call #{name} #{step}"))

      {:report, sup, context, {:restarting, pid}, id, reason} ->
        take(report(state, sup, context, pid, id, reason))

      {:report, sup, context, pid, id, reason} ->
        take(report(state, sup, context, pid, id, reason))

      {:DOWN, _ref, :process, pid, reason} ->
        state = %{state | watched: Map.put(state.watched, pid, :down)}
        take(down(state, pid, pid in state.fresh, reason))
    after
      0 -> state
    end
  end

  defp down(%{ordered: true} = state, _pid, true, _reason), do: state
  defp down(state, pid, true, _reason), do: event(state, "#{label(state, pid)} down early")
  defp down(state, pid, false, reason), do: event(state, "#{label(state, pid)} down #{Reason.text(reason)}")

  # OTP calls it an error when a child had shut down by itself just before it was to be stopped.
  defp report(state, _sup, :shutdown_error, _pid, _id, :shutdown), do: state
  defp report(state, _sup, :shutdown_error, _pid, _id, {:shutdown, _}), do: state

  defp report(%{ordered: true} = state, _sup, context, _pid, id, reason),
    do: event(state, "report #{context} #{id} #{Reason.text(reason)}")

  defp report(state, _sup, context, pid, _id, reason),
    do: event(state, "report #{context} #{label(state, pid)} #{Reason.text(reason)}")

  defp event(state, text), do: %{state | events: [text | state.events]}

  # The order of children of several dynamic supervisors is not known.
  defp in_order(%{ordered: false} = state, text), do: event(state, text)
  defp in_order(state, text), do: %{state | sequence: [text | state.sequence]}

  def label(state, pid) do
    if pid == state.scene.player, do: "player", else: state.labels[pid] || "somebody"
  end

  # ---- coming to rest ----

  def settle(state), do: settle(state, nil, 0)

  defp settle(state, _before, @rounds), do: log(state, "  never at rest")

  defp settle(state, before, round) do
    for {pid, kind} <- state.watched, kind == :alive, do: ping(pid)
    {state, picture, calm} = state |> take() |> picture()
    now = {picture, length(state.events), length(state.sequence)}

    if calm and now == before do
      events = Enum.reverse(state.sequence) ++ Enum.sort(state.events)
      lines = Enum.map(events, &"  #{&1}") ++ picture
      Enum.reduce(lines, rested(state), &log(&2, &1))
    else
      settle(state, now, round + 1)
    end
  end

  # Under static supervisors those that are down have no names any more.
  defp rested(state) do
    gone = fn {_name, pid} -> state.ordered and state.watched[pid] == :down end
    current = state.current |> Enum.reject(gone) |> Map.new()
    %{state | current: current, sequence: [], events: [], fresh: []}
  end

  # Waits until the process has followed its earlier orders, or is gone.
  def ping(pid) do
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
        seen = Enum.map(children, &shown(state, &1))
        seen = if name in state.statics, do: seen, else: Enum.sort(seen)
        line = "  #{name}: #{counts.specs} #{counts.active} #{counts.supervisors} #{counts.workers}"
        {state, [Enum.join([line | seen], " ") | lines], calm and not restarting?(children)}
    end
  end

  defp shown(state, {id, pid, type, _}) do
    process = if is_pid(pid), do: label(state, pid), else: pid
    if id == :undefined, do: "#{process}/#{type}", else: "#{id}=#{process}/#{type}"
  end

  defp restarting?(children), do: Enum.any?(children, fn {_, pid, _, _} -> pid == :restarting end)

  # A supervisor that answers nobody is on its way out: that is waited for.
  defp look(nil), do: nil

  defp look(pid) do
    counts = Supervisor.count_children(pid)
    {counts, Supervisor.which_children(pid)}
  catch
    :exit, _ ->
      ping(pid)
      nil
  end
end
