"""What redis-py does with each of some sessions: their JSON objects of answers on standard output, as a list."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import redis


def answers_of(settings: dict[str, object]) -> dict[str, object]:
    client = redis.Redis(decode_responses=True, **settings)
    info = client.client_info()
    answers: dict[str, object] = {"info": [str(info["db"]), info["user"], str(info["resp"])]}

    raw = redis.Redis(**settings)
    raw.set("py:binary", bytes(range(256)) * 1000)
    answers["binary"] = raw.get("py:binary") == bytes(range(256)) * 1000

    with client.pipeline(transaction=False) as pipeline:
        for n in range(100):
            pipeline.set(f"py:{n}", n).get(f"py:{n}")
        answers["pipeline"] = sum(int(value) for value in pipeline.execute()[1::2])
    with client.pipeline(transaction=True) as pipeline:
        answers["transaction"] = pipeline.delete("py:n").incr("py:n").incr("py:n").execute()[1:]

    with client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("py:news")
        subscriber.get_message(timeout=5)
        client.publish("py:news", "hello")
        message = subscriber.get_message(timeout=5)
        answers["message"] = message["data"] if message else None

    pusher = threading.Timer(0.1, lambda: client.rpush("py:queue", "job"))
    pusher.start()
    answers["popped"] = list(client.blpop("py:queue", timeout=10))
    pusher.join()

    answers["other_database"] = str(redis.Redis(decode_responses=True, db=6, **settings).client_info()["db"])
    with ThreadPoolExecutor(20) as threads:
        answers["pool"] = sum(threads.map(lambda _: client.ping(), range(20)))
    return answers


if __name__ == "__main__":
    print(json.dumps([answers_of(settings) for settings in json.loads(sys.argv[1])]))
