<?php
// Makes a token, which your page passes to the SDK: new Client(url, { token }). Require it, and call zocalo_token; or run
// it: ZOCALO_SECRET=… php token.php natalia sub:chat:42 pub:chat:42 presence:chat:42

/** @param string[] $can What the user may do: sub:, pub: or presence: with a channel or a pattern like chat:* */
function zocalo_token(string $user, array $can, int $seconds, string $secret): string
{
    if (strlen($secret) < 32) {
        throw new InvalidArgumentException('the secret is missing or short: take that of zocalo.config.yaml');
    }
    $part = fn (array $value) => zocalo_base64url(json_encode($value, JSON_THROW_ON_ERROR));
    $signed = $part(['alg' => 'HS256', 'typ' => 'JWT']) . '.' . $part([
        'sub' => $user,
        'can' => $can,
        'iat' => time(), // so that the user can be revoked
        'exp' => time() + $seconds,
    ]);
    return $signed . '.' . zocalo_base64url(hash_hmac('sha256', $signed, $secret, true));
}

function zocalo_base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    // The same as `secret` in zocalo.config.yaml; keep it secret.
    echo zocalo_token($argv[1], array_slice($argv, 2), 3600, (string) getenv('ZOCALO_SECRET'));
}
