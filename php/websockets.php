<?php
/**
 * The classes WebSocketServer and WebSocketUser for programs that zocalo runs:
 *
 *     class Chat extends WebSocketServer {
 *         protected function process($user, $message) {
 *             foreach ($this->users as $other) $this->send($other, $message);
 *         }
 *         protected function connected($user) {}
 *         protected function closed($user) {}
 *     }
 *     (new Chat('0.0.0.0', 9000))->run();
 *
 * and then `zocalo run php Chat.php`. Zócalo holds the connections; this process holds the logic, and may end and
 * start again while they stay open. PHP 7.4 or newer, without extensions.
 *
 * The classes have the names, methods and properties of the library PHP-Websockets, so that programs written for it
 * run with another `require` alone. What differs: `$user->socket` is a number and no socket, and `$user->address` is
 * the client's IP address.
 *
 * @license MIT
 * @copyright 2026 The Zócalo founders
 */

/** A client. A person with two connections is two users. */
#[AllowDynamicProperties]
class WebSocketUser
{
    /** @var string Unique; the same for as long as the connection is open, also in the next process. */
    public $id;
    /** @var int The connection's number. */
    public $socket;
    /** @var string The client's IP address. */
    public $address = '';
    /** @var array<string, string> By name in lower case; `get` is the path with its query. */
    public $headers = [];
    /** @var string The path with its query, as the client asked for it: `/chat?room=1`. */
    public $requestedResource = '';
    /** @var string|false The lines of the opening handshake; true to an `if` once the client is connected. */
    public $handshake = false;
    /** @var bool Whether the server has closed this connection. */
    public $hasSentClose = false;
    // For messages in several frames, which never arrive here.
    public $handlingPartialPacket = false;
    public $partialBuffer = '';
    public $sendingContinuous = false;
    public $partialMessage = '';

    public function __construct($id, $socket)
    {
        $this->id = $id;
        $this->socket = $socket;
    }
}

/** Extend it with `process`, `connected` and `closed`, and call `run`. */
#[AllowDynamicProperties]
abstract class WebSocketServer
{
    /** @var string The class of the users, which extends WebSocketUser. */
    protected $userClass = 'WebSocketUser';
    /** @var array<string, WebSocketUser> All who are connected, by their id. */
    protected $users = [];
    /** @var array<string, int> The numbers of their connections, by their id. */
    protected $sockets = [];
    protected $master = null;
    protected $maxBufferSize;
    /** @var bool Whether `stdout` and `stderr` print anything. */
    protected $interactive = true;
    /** @var bool Whether a client must send this header, and is asked about with `checkOrigin` and the others. */
    protected $headerOriginRequired = false;
    protected $headerSecWebSocketProtocolRequired = false;
    protected $headerSecWebSocketExtensionsRequired = false;

    /** A turn ends after so many nanoseconds, and what was sent leaves, even if more is there to be handled. */
    private const LONG_TURN = 20000000;
    /** Microseconds between two calls of `tick` at most, less than a second because timers may be late. */
    private const TICK = 900000;
    private const READ = 131072;
    /** Bytes of a line, about: what is sent in a turn leaves in several lines if it is more. */
    private const LINE = 1048576;
    private const JSON = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS;

    private $listen;
    private $in;
    private $out;
    private $rest = '';
    private $since = 0;
    /** All users by the number of their connection. */
    private $byNumber = [];
    /** Whether users have come or gone in this turn. */
    private $changed = false;
    /** Events that were handled completely, and those of them that Zócalo knows of. */
    private $handled = 0;
    private $told = 0;
    private $deadline = 0;
    /** Lines of this turn, and what was sent since the last of them: receivers, text, receivers, text … */
    private $lines = '';
    private $sends = ['send'];
    /** Bytes of the sends, about. */
    private $size = 0;
    /** The text that is being sent, its first receiver, and all of them if there are more. */
    private $text = null;
    private $first = 0;
    private $many = null;
    /** How much of the lines and sends belongs to events that were handled completely. */
    private $safeLines = 0;
    private $safeSends = 1;
    /** The method that is handling an event. */
    private $inside = '';

    public function __construct($addr, $port, $bufferLength = 2048)
    {
        $this->maxBufferSize = $bufferLength;
        $host = strpos($addr, ':') === false || $addr[0] === '[' ? $addr : "[$addr]";
        $this->listen = "ws://$host:$port";
    }

    /** A message has come. */
    abstract protected function process($user, $message);

    /** A client is connected. */
    abstract protected function connected($user);

    /** A client is gone, and is no longer in `$users`. */
    abstract protected function closed($user);

    /** Before `connected`. */
    protected function connecting($user)
    {
    }

    /** At least once a second. */
    protected function tick()
    {
    }

    protected function _tick()
    {
    }

    // Whether a client may connect. They are asked only if one of them is overridden or a header is required.

    protected function checkHost($hostName)
    {
        return true;
    }

    protected function checkOrigin($origin)
    {
        return true;
    }

    protected function checkWebsocProtocol($protocol)
    {
        return true;
    }

    protected function checkWebsocExtensions($extensions)
    {
        return true;
    }

    /** The header that names the chosen subprotocol, `Sec-WebSocket-Protocol: chat`, or ''. */
    protected function processProtocol($protocol)
    {
        return '';
    }

    /** Its answer is not used: Zócalo negotiates compression by itself. */
    protected function processExtensions($extensions)
    {
        return '';
    }

    /** Sends a text; one that is not UTF-8 is sent as a binary message. */
    protected function send($user, $message)
    {
        $message = (string) $message;
        $socket = $user->socket;
        if (!is_int($socket)) {
            return; // no user; PHP has warned of it
        }
        if ($message === $this->text) {
            if ($this->many === null) {
                $this->many = [$this->first];
            }
            $this->many[] = $socket;
            return;
        }
        if ($this->text !== null) {
            $this->gather();
        }
        $this->text = $message;
        $this->first = $socket;
    }

    /**
     * Closes a user's connection and calls `closed`. `$triggerClosed` false: without that call. A user may be given in
     * place of its socket.
     */
    protected function disconnect($socket, $triggerClosed = true, $sockErrNo = null)
    {
        $user = $socket instanceof WebSocketUser ? $socket : $this->getUserBySocket($socket);
        if ($user === null || !isset($this->byNumber[$user->socket])) {
            return;
        }
        $user->hasSentClose = true;
        $this->command(['close', $user->socket, 1000]);
        $this->forget($user);
        if ($triggerClosed) {
            $this->closed($user);
        }
    }

    protected function getUserBySocket($socket)
    {
        return $this->byNumber[$socket] ?? null;
    }

    /** Makes the user of a new connection. */
    protected function connect($socket)
    {
        $id = sprintf('u%08x%05x', $this->since, $socket);
        $user = new $this->userClass($id, $socket);
        $this->users[$user->id] = $user;
        $this->sockets[$user->id] = $socket;
    }

    public function stdout($message)
    {
        if ($this->interactive) {
            echo $message, "\n";
        }
    }

    public function stderr($message)
    {
        if ($this->interactive) {
            fwrite(STDERR, $message . "\n");
        }
    }

    /** Handles what happens until Zócalo ends. */
    public function run()
    {
        $this->open();
        // For `exit`, and for errors that cannot be caught.
        register_shutdown_function(function () {
            ini_set('memory_limit', '-1'); // it may be why the program ends
            $this->abandon();
        });
        try {
            while ($this->turn());
        } catch (\Throwable $error) {
            $where = $this->inside === '' ? 'run' : $this->inside;
            $this->abandon();
            $what = get_class($error) . " in $where(): {$error->getMessage()} ({$error->getFile()}:{$error->getLine()})";
            fwrite(STDERR, $what . "\n");
            throw $error;
        }
    }

    private function open()
    {
        $channel = (string) getenv('ZOCALO_CHANNEL');
        if (preg_match('/^fd:(\d+),(\d+)$/', $channel, $numbers)) {
            $this->in = fopen("php://fd/$numbers[1]", 'r');
            $this->out = fopen("php://fd/$numbers[2]", 'w');
        } elseif (strpos($channel, 'tcp:') === 0) {
            $this->in = $this->out = stream_socket_client('tcp://' . substr($channel, 4), $code, $why, 10);
            if ($this->out) {
                $this->write(getenv('ZOCALO_CHANNEL_SECRET') . "\n");
            }
        }
        if (!$this->in || !$this->out) {
            $script = basename($_SERVER['argv'][0] ?? 'program.php');
            fwrite(STDERR, "Zócalo holds the connections of this program: start it with zocalo run php $script\n");
            exit(2);
        }
        stream_set_read_buffer($this->in, 0);
        stream_set_write_buffer($this->out, 0);
        $ready = [
            'listen' => $this->listen,
            'acknowledges' => true,
            'turns' => true,
            'checks' => $this->checks(),
            'files' => get_included_files(),
        ];
        $this->write(json_encode(['ready', 0, $ready], self::JSON | JSON_PARTIAL_OUTPUT_ON_ERROR) . "\n");
    }

    /** Whether this program decides who may connect. */
    private function checks()
    {
        if ($this->headerOriginRequired || $this->headerSecWebSocketProtocolRequired
            || $this->headerSecWebSocketExtensionsRequired) {
            return true;
        }
        foreach (['checkHost', 'processProtocol'] as $method) {
            if ((new ReflectionMethod($this, $method))->getDeclaringClass()->name !== self::class) {
                return true;
            }
        }
        return false;
    }

    /** Waits, handles everything that is there, and writes once. False: the end. */
    private function turn()
    {
        $read = [$this->in];
        $none = null;
        if (@stream_select($read, $none, $none, 0, self::TICK)) {
            $bytes = fread($this->in, self::READ);
            if ($bytes === '' || $bytes === false) {
                return false;
            }
            $end = strrpos($bytes, "\n");
            if ($end === false) {
                $this->rest .= $bytes;
            } else {
                $lines = explode("\n", $this->rest . substr($bytes, 0, $end));
                $this->rest = substr($bytes, $end + 1);
                $this->deadline = hrtime(true) + self::LONG_TURN;
                foreach ($lines as $line) {
                    $this->handle(json_decode($line, true));
                }
            }
        }
        $this->inside = '_tick';
        $this->_tick();
        $this->inside = 'tick';
        $this->tick();
        $this->inside = '';
        return $this->finish();
    }

    private function handle($event)
    {
        switch ($event[0] ?? '') {
            case 'message':
                $this->inside = 'process';
                for ($i = 1, $count = count($event); $i < $count; $i += 2) {
                    if (isset($this->byNumber[$event[$i]])) {
                        $this->process($this->byNumber[$event[$i]], $event[$i + 1]);
                    }
                    $this->done();
                }
                return;
            case 'binary':
                $this->inside = 'process';
                if (isset($this->byNumber[$event[1]])) {
                    $this->process($this->byNumber[$event[1]], base64_decode($event[2]));
                }
                break;
            case 'connect':
                $this->inside = 'connected';
                $user = $this->meet($event[1], $event[2]);
                $this->connecting($user);
                $this->connected($user);
                break;
            case 'disconnect':
                $this->inside = 'closed';
                $user = $this->byNumber[$event[1]] ?? null;
                if ($user !== null) {
                    $this->forget($user);
                    $this->closed($user);
                }
                break;
            case 'upgrade':
                $this->inside = 'check';
                $this->check($event[1], $event[2]);
                break;
            case 'here':
                $this->meet($event[1], $event[2]);
                return;
            case 'hello':
                $this->since = $event[2]['since'] ?? time();
                return;
            default:
                return;
        }
        $this->done();
    }

    /** An event was handled completely. */
    private function done()
    {
        $this->handled++;
        if ($this->text !== null) {
            $this->gather();
        }
        $this->safeSends = count($this->sends);
        $this->safeLines = strlen($this->lines);
        if (hrtime(true) > $this->deadline) {
            $this->finish();
        }
    }

    private function meet($number, $about)
    {
        $this->connect($number);
        $user = end($this->users);
        if (!$user || $user->socket !== $number) {
            foreach ($this->users as $user) {
                if ($user->socket === $number) {
                    break;
                }
            }
        }
        $user->address = $about['address'];
        $user->requestedResource = $about['url'];
        $user->headers = $about['headers'] + ['get' => $about['url']];
        $user->handshake = "GET $about[url] HTTP/1.1\r\n";
        $this->byNumber[$number] = $user;
        $this->changed = true;
        return $user;
    }

    private function forget($user)
    {
        unset($this->users[$user->id], $this->sockets[$user->id], $this->byNumber[$user->socket]);
        $this->changed = true;
    }

    private function check($number, $about)
    {
        $headers = $about['headers'];
        $status = 0;
        if (!$this->checkHost($headers['host'] ?? '')) {
            $status = 400;
        } elseif ($this->headerOriginRequired
            && !(isset($headers['origin']) && $this->checkOrigin($headers['origin']))) {
            $status = 403;
        } elseif ($this->headerSecWebSocketProtocolRequired && !(isset($headers['sec-websocket-protocol'])
            && $this->checkWebsocProtocol($headers['sec-websocket-protocol']))) {
            $status = 400;
        } elseif ($this->headerSecWebSocketExtensionsRequired && !(isset($headers['sec-websocket-extensions'])
            && $this->checkWebsocExtensions($headers['sec-websocket-extensions']))) {
            $status = 400;
        }
        if ($status > 0) {
            $this->command(['refuse', $number, $status]);
            return;
        }
        $answer = ['accept', $number];
        $offered = $headers['sec-websocket-protocol'] ?? '';
        if ($offered !== '') {
            $header = explode(':', $this->processProtocol($offered), 2);
            if (isset($header[1])) {
                $answer[] = ['protocol' => trim($header[1])];
            }
        }
        $this->command($answer);
    }

    /** Adds the text that is being sent to the other sends. */
    private function gather()
    {
        $many = $this->many;
        if ($many === null) {
            $this->sends[] = $this->first;
        } else {
            // '*' means everybody. In a turn in which users came or left, it would be ambiguous.
            $all = !$this->changed && count($many) === count($this->byNumber)
                && $many === array_keys($this->byNumber);
            $this->sends[] = $all ? '*' : $many;
            $this->size += $all ? 0 : 8 * count($many);
            $this->many = null;
        }
        $this->sends[] = $this->text;
        $this->size += strlen($this->text);
        $this->text = null;
        if ($this->size > self::LINE) {
            $this->endLine();
        }
    }

    /** A command after everything that was sent before. */
    private function command($command)
    {
        if ($this->text !== null) {
            $this->gather();
        }
        $this->endLine();
        $this->lines .= json_encode($command, self::JSON) . "\n";
    }

    /** What was sent so far is a line of its own. */
    private function endLine()
    {
        $safe = $this->safeSends;
        if ($safe > 1) {
            $this->lines .= $this->encode(array_slice($this->sends, 0, $safe));
            $this->safeLines = strlen($this->lines);
        }
        $this->lines .= $this->encode(array_merge(['send'], array_slice($this->sends, $safe)));
        $this->sends = ['send'];
        $this->safeSends = 1;
        $this->size = 0;
    }

    /** The line for what was sent. */
    private function encode($sends)
    {
        if (count($sends) === 1) {
            return '';
        }
        $line = json_encode($sends, self::JSON);
        if ($line !== false) {
            return $line . "\n";
        }
        $lines = '';
        for ($i = 1, $count = count($sends); $i < $count; $i += 2) {
            $line = json_encode(['send', $sends[$i], $sends[$i + 1]], self::JSON);
            if ($line === false) {
                $line = json_encode(['sendBinary', $sends[$i], base64_encode($sends[$i + 1])], self::JSON);
            }
            $lines .= $line . "\n";
        }
        return $lines;
    }

    /** Ends the turn: everything that was sent leaves in one write. False: nobody reads it. */
    private function finish()
    {
        if ($this->text !== null) {
            $this->gather();
        }
        $lines = $this->lines . $this->encode($this->sends);
        $this->lines = '';
        $this->sends = ['send'];
        $this->safeLines = 0;
        $this->safeSends = 1;
        $this->size = 0;
        $this->changed = false;
        if ($lines === '' && $this->told === $this->handled) {
            return true;
        }
        $this->told = $this->handled;
        $this->deadline = hrtime(true) + self::LONG_TURN;
        return $this->write("{$lines}[\"done\",$this->told]\n");
    }

    /** Ends the turn in the middle of an event that failed: only what was sent before it leaves. */
    private function abandon()
    {
        $this->text = $this->many = null;
        $this->lines = substr($this->lines, 0, $this->safeLines);
        $this->sends = array_slice($this->sends, 0, $this->safeSends);
        $this->finish();
    }

    private function write($bytes)
    {
        while ($bytes !== '') {
            $written = @fwrite($this->out, $bytes);
            if (!$written) {
                return false;
            }
            $bytes = $written === strlen($bytes) ? '' : substr($bytes, $written);
        }
        return true;
    }
}
