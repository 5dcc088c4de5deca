<?php
// Receives the daemon's events. In zocalo.config.yaml:
//   webhooks: [{ url: http://127.0.0.1:8000/webhook.php, secret: … }]

$secret = getenv('ZOCALO_WEBHOOK_SECRET') ?: throw new RuntimeException('ZOCALO_WEBHOOK_SECRET is not set');
$body = file_get_contents('php://input');
$header = $_SERVER['HTTP_X_ZOCALO_SIGNATURE'] ?? '';

$isGenuine = preg_match('/^t=(\d+),v1=([0-9a-f]{64})$/', $header, $match)
    && hash_equals(hash_hmac('sha256', "$match[1].$body", $secret), $match[2])
    && abs(time() - $match[1]) < 300; // older: a replay
if (!$isGenuine) {
    http_response_code(401);
    exit('the signature is wrong');
}

foreach (json_decode($body, true)['events'] as $event) {
    // An event may come twice. Store the largest version with your data, and skip events that are not larger.
    error_log("event $event[version]: $event[type] " . ($event['channel'] ?? $event['user']));
}
http_response_code(204); // acknowledged: it is not sent again
