<?php
// The room of the bench, on the library whose path is in LIBRARY: MODE=echo or fanout, on PORT. NODELAY=1: each write is
// sent at once.
chdir(dirname(getenv('LIBRARY'))); // PHP-Websockets looks for its other file there
require getenv('LIBRARY');

class Room extends WebSocketServer
{
    protected function process($user, $message)
    {
        if (getenv('MODE') === 'echo') {
            $this->send($user, $message);
            return;
        }
        foreach ($this->users as $other) {
            $this->send($other, $message);
        }
    }

    protected function connect($socket)
    {
        if (getenv('NODELAY')) {
            socket_set_option($socket, SOL_TCP, TCP_NODELAY, 1);
        }
        parent::connect($socket);
    }

    protected function connected($user)
    {
    }

    protected function closed($user)
    {
    }
}

$room = new Room('127.0.0.1', (int) getenv('PORT'), 65536);
$room->run();
