"""A WebSocket client (RFC 6455) for text messages, with only Python's standard library."""
import base64, hashlib, os, socket, struct
from urllib.parse import urlsplit

class TextSocket:
    def __init__(self, url, subprotocol):
        place, key = urlsplit(url), base64.b64encode(os.urandom(16)).decode()
        self.socket = socket.create_connection((place.hostname, place.port or 80), timeout=10)
        self.input = self.socket.makefile('rb')
        self.socket.sendall((
            f'GET {place.path or "/"} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
            f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n'
        ).encode())
        head = {}
        while (line := self.input.readline()) not in (b'\r\n', b''):
            name, _, value = line.decode('latin-1').partition(':')
            head[name.lower()] = value.strip()
        proof = hashlib.sha1(f'{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11'.encode()).digest()
        if head.get('sec-websocket-accept') != base64.b64encode(proof).decode():
            raise ConnectionError(f'{url} opened no WebSocket')
        if head.get('sec-websocket-protocol') != subprotocol:
            raise SystemExit(f'{url} does not speak {subprotocol}')

    def send(self, text):
        self._send(1, text.encode())

    def receive(self):
        """The next text. Raises OSError when the connection is lost, closed, or silent for longer than the timeout."""
        text = b''
        while True:
            first, size = self._take(2)
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8), 'big')
            data, opcode = self._take(size), first & 15
            if opcode == 8:
                raise ConnectionError('the server closed')
            if opcode == 9:
                self._send(10, data)
            elif opcode < 2:
                text += data
                if first & 128:
                    return text.decode()

    def _take(self, size):
        data = self.input.read(size)
        if len(data) < size:
            raise ConnectionError('the line was cut')
        return data

    def _send(self, opcode, data):
        size, mask = len(data), os.urandom(4)
        if size < 126:
            head = struct.pack('!BB', 128 | opcode, 128 | size)
        elif size < 65536:
            head = struct.pack('!BBH', 128 | opcode, 128 | 126, size)
        else:
            head = struct.pack('!BBQ', 128 | opcode, 128 | 127, size)
        self.socket.sendall(head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))
