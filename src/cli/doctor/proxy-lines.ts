/** The daemon's address and the site's name in the lines to paste. */
interface Site {
  readonly name: string;
  /** `127.0.0.1:9000`. */
  readonly backend: string;
}

/** Complete lines for a proxy in front of the daemon, by the name in its header Server. */
export const PROXY_LINES: Readonly<Record<'nginx' | 'Apache' | 'Caddy' | 'HAProxy', (site: Site) => string>> = {
  nginx: ({ name, backend }) => `map $http_upgrade $connection_upgrade {
  default upgrade;
  ''      close;
}

server {
  listen 443 ssl;
  server_name ${name};
  ssl_certificate     /etc/ssl/${name}.pem;
  ssl_certificate_key /etc/ssl/${name}.key;

  location / {
    proxy_pass http://${backend};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Forwarded "";
    proxy_read_timeout 75s;
    proxy_buffering off;
  }
}`,
  Apache: ({ name, backend }) => `# Apache 2.4.47 or newer; a2enmod proxy proxy_http headers ssl
<VirtualHost *:443>
  ServerName ${name}
  SSLEngine on
  SSLCertificateFile    /etc/ssl/${name}.pem
  SSLCertificateKeyFile /etc/ssl/${name}.key

  ProxyPreserveHost On
  RequestHeader set X-Forwarded-Proto "https"
  RequestHeader unset Forwarded
  ProxyPass / http://${backend}/ upgrade=websocket timeout=75 flushpackets=on
</VirtualHost>`,
  Caddy: ({ name, backend }) => `${name} {
  reverse_proxy ${backend} {
    header_up -Forwarded
  }
}`,
  HAProxy: ({ name, backend }) => `defaults
  mode http
  timeout connect 5s
  timeout client  75s
  timeout server  75s
  timeout tunnel  75s

frontend ${name}
  # certificate and key in one file
  bind :443 ssl crt /etc/haproxy/${name}.pem
  http-request set-header X-Forwarded-Proto https
  http-request del-header Forwarded
  option forwardfor
  default_backend zocalo

backend zocalo
  server zocalo ${backend}`,
};

/** The lines for the proxy of that name, or for all of them. */
export function proxyLines(server: string | undefined, site: Site): string {
  const names = Object.keys(PROXY_LINES) as (keyof typeof PROXY_LINES)[];
  const known = names.filter((name) => server?.toLowerCase().includes(name.toLowerCase()));
  return (known.length > 0 ? known : names).map((name) => `For ${name}:\n\n${PROXY_LINES[name](site)}\n`).join('\n');
}
