<?php
require __DIR__ . '/../../php/websockets.php';

class ChatRoom extends WebSocketServer {
    protected function connected($user) {
        $this->send($user, 'Welcome. There are ' . count($this->users) . ' of us here.');
    }
    protected function process($user, $message) {
        foreach ($this->users as $other) if ($other !== $user) $this->send($other, $message);
    }
    protected function closed($user) {}
}

(new ChatRoom('localhost', 9000))->run();
