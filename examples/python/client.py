"""python3 client.py ws://localhost:9000/ chat:42 hola … — publishes it, and prints all messages from then on."""
import json, random, sys, time, uuid
from text_socket import TextSocket

RETRY = ('RATE_LIMITED', 'TOO_SLOW', 'TOO_MANY_ERRORS', 'TIMEOUT', 'UNAVAILABLE', 'SHUTTING_DOWN')
url, channel, *texts = sys.argv[1:]
position, hello = None, {}
# Requests without an answer, by number, oldest first. `hi` has number 1, `sub` 2.
waiting = {n: ['pub', n, channel, text, {'key': str(uuid.uuid4())}] for n, text in enumerate(texts, 3)}

def talk(line):
    """Yields messages until the connection is lost, then raises OSError."""
    global position, hello
    ch, live, taken, say = None, False, 0, lambda *message: line.send(json.dumps(message))
    say('hi', 1, hello)
    while True:
        for message in map(json.loads, filter(None, line.receive().split('\n'))):
            match message:
                case []: say(1)
                case ['ok', 1, welcome, *_]:
                    hello = {'resume': welcome['ticket']} if 'ticket' in welcome else {}
                    line.socket.settimeout(2 * welcome['ping'] / 1000)
                    say('sub', 2, channel, {'at': position} if position else {})
                case ['ok', 2, start, *_]:
                    ch, position = start['ch'], position or [start['epoch'], start['offset']]
                    for publication in waiting.values():
                        say(*publication)
                case ['ok', number, *_]: waiting.pop(number, None)
                case ['m', number, offset, data, *_] if number == ch:
                    if offset and offset != position[1] + 1:
                        raise ConnectionError(f'{offset} came after {position[1]}')
                    yield data
                    position[1], taken = offset or position[1], taken + 1
                    if not live and taken % 128 == 0:
                        say('more', ch, 128)
                case ['skip', number, offset, *_] if number == ch: position[1] = offset
                case ['gap', number, gap, *_] if number == ch:
                    print('lost: what came after', gap['have'], file=sys.stderr)
                    position = [gap['epoch'], gap['head']]
                case ['live', number, *_] if number == ch: live = True
                case ['err', number, code, sentence, *_] if number > 2 and code not in RETRY:
                    print('refused:', waiting.pop(number)[3], code, sentence, file=sys.stderr)
                case ['bye', code, bye, *_]:
                    time.sleep(bye['after'] / 1000) if 'after' in bye else sys.exit(code)
                    raise ConnectionError(code)
                case ['err' | 'end', _, code, *_]:
                    raise ConnectionError(code) if code in RETRY else SystemExit(code)

pause = 0.5
while True:
    try:
        for data in talk(TextSocket(url, 'zocalo.1')):
            print(data, flush=True)
            pause = 0.5
    except OSError as loss:
        print('lost:', loss, file=sys.stderr)
    time.sleep(random.uniform(0, pause))
    pause = min(pause * 2, 30)
