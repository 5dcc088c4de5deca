<?php
// Identifies a visitor by their PHP session. In zocalo.config.yaml:
//   handlers: { login: { events: [connect], url: http://127.0.0.1:8000/hook.php } }
// The daemon passes on the visitor's cookies, and posts {"event": "connect", "url": …, "address": …, …}. A valid answer
// decides; the status 401 or 403 refuses the visitor; after anything else the visitor is asked to come back later.

if (isset($_COOKIE[session_name()])) {
    session_start(['read_and_close' => true]); // blocks no other request of this session
}
$user = $_SESSION['user'] ?? null;

// A name may contain what a channel name may not, like é or a space, and a star would be a pattern: encode it.
$inbox = 'inbox:' . rawurlencode((string) $user);

header('Content-Type: application/json');
echo json_encode($user === null ? ['user' => null] : [ // null: anonymous, accepted if auth.anonymous is true
    'user' => (string) $user, // as text: a long number would be rounded
    'can' => ["sub:$inbox", 'sub:chat:*', 'pub:chat:*', 'presence:chat:*'], // everything that the user may do
], JSON_THROW_ON_ERROR);
