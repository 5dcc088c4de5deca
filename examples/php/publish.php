<?php
// Publishes to a channel: ZOCALO_KEY=… php publish.php
// The key is one of api.keys in zocalo.config.yaml. Repeating a call with the same member "key" is harmless.

$url = getenv('ZOCALO_URL') ?: 'http://127.0.0.1:9000';
$key = getenv('ZOCALO_KEY');

$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => "Authorization: Bearer $key\r\nContent-Type: application/json",
    'content' => json_encode(['channel' => 'news', 'data' => ['title' => 'Hola']]),
    'ignore_errors' => true, // refusals are JSON too: {"code":"FORBIDDEN","message":…}
]]);
echo file_get_contents("$url/api/publish", false, $context);
