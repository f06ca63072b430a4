# Pairs of processes that answer each other.
Code.require_file("harness.exs", __DIR__)

defmodule Peer do
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

  def play(pairs, messages) do
    main = self()
    rounds = max(1, div(messages, 2 * pairs))

    pingers =
      for _ <- 1..pairs do
        ponged = spawn(fn -> ponger() end)
        spawn(fn -> pinger(main, ponged, rounds) end)
      end

    ms =
      Bench.timed(fn ->
        for pid <- pingers, do: send(pid, :go)
        Bench.await_messages(:done, pairs)
      end)

    {2 * rounds * pairs, ms}
  end
end

messages = Bench.count(2_000_000, 200)

for pairs <- Bench.sizes([1, 1000], [1, 10]) do
  Peer.play(pairs, div(messages, 10))
  {count, ms} = Peer.play(pairs, messages)
  Bench.rate("ping_pong", "pairs", pairs, count, ms, "messages")
end
