<?php
// Makes a token, which your page hands to the SDK: new Client(url, { token }). Here it is printed:
// ZOCALO_SECRET=… php token.php natalia sub:chat:42 pub:chat:42

/** @param string[] $can What the user may do: sub:, pub: or presence: with a channel or a pattern like chat:* */
function zocalo_token(string $user, array $can, int $seconds, string $secret): string
{
    $part = fn (array $value) => base64url(json_encode($value));
    $signed = $part(['alg' => 'HS256', 'typ' => 'JWT']) . '.' . $part([
        'sub' => $user,
        'can' => $can,
        'iat' => time(), // so that the user can be revoked
        'exp' => time() + $seconds,
    ]);
    return $signed . '.' . base64url(hash_hmac('sha256', $signed, $secret, true));
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

// The same as `secret` in zocalo.config.yaml, and known to nobody else.
echo zocalo_token($argv[1], array_slice($argv, 2), 3600, getenv('ZOCALO_SECRET')), "\n";
