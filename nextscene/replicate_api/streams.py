"""A prediction as server-sent events: its outputs and logs, from its beginning to its end."""

import json
from collections.abc import Iterator
from itertools import count

from nextscene.replicate_api.predictions import Prediction


def streamed(prediction: Prediction) -> Iterator[bytes]:
    outputs, logged, numbers = 0, 0, count(1)
    ended = False
    while not ended:
        with prediction.changed:
            while not (prediction.ended or len(prediction.output) > outputs or len(prediction.logs) > logged):
                prediction.changed.wait()
            ended, output, logs = prediction.ended, prediction.output, prediction.logs
        events = [("logs", logs[logged:])] if len(logs) > logged else []
        events += [("output", each) for each in output[outputs:]]
        for name, data in events:
            yield _event(next(numbers), name, data)
        outputs, logged = len(output), len(logs)
    if prediction.status == "failed":
        yield _event(next(numbers), "error", json.dumps({"detail": prediction.error}))
    yield _event(next(numbers), "done", json.dumps({"reason": "canceled"} if prediction.status == "canceled" else {}))


def _event(number: int, name: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {name}\nid: {number}\n{lines}\n".encode()
