# A chat room for `zocalo run python3 room.py`: everybody gets what one says. It opens ws://127.0.0.1:9000.
import json
import os

reader, writer = (int(number) for number in os.environ["ZOCALO_CHANNEL"].removeprefix("fd:").split(","))
events, answers = os.fdopen(reader, encoding="utf-8"), os.fdopen(writer, "w", encoding="utf-8")


def say(*words):
    answers.write(json.dumps(words) + "\n")


say("ready", 0, {"acknowledges": True})
answers.flush()
done = 0
for line in events:
    verb, number, *rest = json.loads(line)
    if verb in ("hello", "here"):
        continue
    if verb == "connect":
        say("send", number, "Welcome!")
    elif verb == "message":
        say("send", "*", f"{number}: {rest[0]}")
    elif verb == "disconnect":
        say("send", "*", f"{number} has left.")
    done += 1
    say("done", done)
    answers.flush()
