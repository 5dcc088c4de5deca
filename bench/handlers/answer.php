<?php
// The handler of the bench, which answers a call with its data: over HTTP, FastCGI, and as a worker.
if (getenv('ZOCALO_CHANNEL') === false) {
    $event = json_decode(file_get_contents('php://input'), true);
    exit(json_encode(['result' => $event['data']]));
}
[$in, $out] = explode(',', substr(getenv('ZOCALO_CHANNEL'), strlen('fd:')));
[$events, $answers] = [fopen("php://fd/$in", 'r'), fopen("php://fd/$out", 'w')];
while (($line = fgets($events)) !== false) {
    [, $number, $event] = json_decode($line, true);
    fwrite($answers, json_encode(['ok', $number, ['result' => $event['data']]]) . "\n");
}
