<?php
// A chat room. `zocalo run php SalaChatServer.php` serves it at ws://localhost:9000; chat.html is its page.
require_once __DIR__ . '/../../php/websockets.php';

class SalaChatServer extends WebSocketServer
{
    private $names = [];

    protected function process($user, $message)
    {
        if (strpos($message, '/name ') === 0) {
            $this->names[$user->id] = trim(substr($message, 6));
            $this->send($user, 'You are ' . $this->nameOf($user));
            return;
        }
        $this->sayToAll($this->nameOf($user) . ': ' . $message);
    }

    protected function connected($user)
    {
        $this->send($user, 'Welcome, ' . $this->nameOf($user) . '. ' . count($this->users) . ' here.');
    }

    protected function closed($user)
    {
        $this->sayToAll($this->nameOf($user) . ' has left.');
        unset($this->names[$user->id]);
    }

    private function nameOf($user)
    {
        return $this->names[$user->id] ?? 'guest ' . $user->socket;
    }

    private function sayToAll($text)
    {
        foreach ($this->users as $user) {
            $this->send($user, $text);
        }
    }
}

$server = new SalaChatServer('0.0.0.0', 9000);

try {
    $server->run();
} catch (Exception $error) {
    $server->stdout($error->getMessage());
}
