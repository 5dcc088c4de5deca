<?php
// Says who a visitor is, by the PHP session that they have already. In zocalo.config.yaml:
//   auth: { hook: { url: http://127.0.0.1:8000/hook.php } }
// The daemon passes on the visitor's cookies, and posts {"url": …, "address": …, "token": …}. What is neither a clear
// answer nor a refusal by the status 401 or 403 lets nobody in.

if (isset($_COOKIE[session_name()])) {
    session_start(['read_and_close' => true]); // holds up no other request of this session
}
$user = $_SESSION['user'] ?? null;

// A name may hold what a channel's name may not, like é or a blank, and a star would be a pattern: encode it.
$inbox = 'inbox:' . rawurlencode((string) $user);

header('Content-Type: application/json');
echo json_encode($user === null ? ['user' => null] : [ // null: a stranger, whom auth.anonymous may let in
    'user' => (string) $user, // as text: a long number would be rounded
    'can' => ["sub:$inbox", 'sub:chat:*', 'pub:chat:*', 'presence:chat:*'], // all that the user may do
], JSON_THROW_ON_ERROR);
