<?php
// Decides for zocalo serve: who somebody is, who may come in, what is said. It answers HTTP and FastCGI, and is a worker:
//   channels: { 'room:*': { publish: everyone, presence: true } }
//   handlers:
//     chat:
//       events: [connect, subscribe, publish, call]
//       channels: 'room:*'
//       methods: 'room.*'
//       url: fcgi+unix:/run/php/php-fpm.sock:/var/www/realtime.php   # or http://…/realtime.php, or run: php realtime.php

function answer(array $event): array
{
    $user = $event['who']['user'] ?? null;
    $text = $event['data']['text'] ?? null;
    return match ($event['event']) {
        'connect' => ['user' => user_of_session()],
        'subscribe' => $user === null ? ['deny' => 'log in first'] : [
            'allow' => true,
            'data' => ['welcome' => $user], // the first that the subscriber gets
            'member' => ['name' => $user], // how others see them, whatever their page says
        ],
        'publish' => is_string($text) && $text !== '' && strlen($text) <= 500
            ? ['allow' => true, 'data' => ['from' => $user, 'text' => $text]]
            : ['deny' => 'a message has 1 to 500 characters', 'code' => 'BAD_DATA'],
        'call' => ['result' => ['lobby', 'garden']],
    };
}

function user_of_session(): ?string
{
    $id = $_COOKIE[session_name()] ?? '';
    if (!is_string($id) || !preg_match('/^[\w,-]+$/', $id)) return null;
    session_id($id);
    session_start(['read_and_close' => true, 'use_cookies' => 0]); // blocks no other request of this session
    return $_SESSION['user'] ?? null;
}

if (getenv('ZOCALO_CHANNEL') === false) { // HTTP or FastCGI: one event
    header('Content-Type: application/json');
    exit(json_encode(answer(json_decode(file_get_contents('php://input'), true)), JSON_THROW_ON_ERROR));
}
[$in, $out] = explode(',', substr(getenv('ZOCALO_CHANNEL'), strlen('fd:')));
[$events, $answers] = [fopen("php://fd/$in", 'r'), fopen("php://fd/$out", 'w')];
while (($line = fgets($events)) !== false) {
    [, $number, $event] = json_decode($line, true);
    parse_str(strtr($event['headers']['cookie'] ?? '', ['; ' => '&']), $_COOKIE);
    fwrite($answers, json_encode(['ok', $number, answer($event)], JSON_THROW_ON_ERROR) . "\n");
}
