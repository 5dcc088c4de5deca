<?php
// The room of the bench on Workerman, whose autoloader is LIBRARY: MODE=echo or fanout, on PORT.
use Workerman\Connection\TcpConnection;
use Workerman\Worker;

require getenv('LIBRARY');

Worker::$logFile = '/dev/null';
Worker::$pidFile = sys_get_temp_dir() . '/zocalo-bench-workerman-' . getenv('PORT');
$GLOBALS['argv'] = [__FILE__, 'start'];

$room = new Worker('websocket://127.0.0.1:' . getenv('PORT'));
$room->count = 1;
$echoes = getenv('MODE') === 'echo';
$room->onMessage = function (TcpConnection $connection, string $message) use ($room, $echoes) {
    foreach ($echoes ? [$connection] : $room->connections as $other) {
        $other->send($message);
    }
};
Worker::runAll();
