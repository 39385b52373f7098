package harness

import (
	"fmt"
	"strings"
	"time"

	"ktcp/guest/wire"
	"ktcp/harness/subject"
)

// nginxConfig is all of its configuration: one process, nothing logged, connections that stay.
const nginxConfig = `daemon off;
master_process off;
user root root;
pid /tmp/nginx.pid;
events { worker_connections 20000; }
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 3600;
	sendfile on;
	client_body_temp_path /tmp/nginx-body;
	proxy_temp_path /tmp/nginx-proxy;
	fastcgi_temp_path /tmp/nginx-fastcgi;
	uwsgi_temp_path /tmp/nginx-uwsgi;
	scgi_temp_path /tmp/nginx-scgi;
	default_type application/octet-stream;
	types {
		text/html html htm;
		text/css css;
		text/plain txt;
		application/javascript js;
		application/json json;
		image/png png;
		image/jpeg jpg jpeg;
		image/gif gif;
		image/svg+xml svg;
	}
	server {
		listen %d backlog=4096;
%s
	}
}
`

// startDeadline is how long, in wall time, a program may take until it listens.
const startDeadline = time.Minute

// Nginx starts nginx in the initial namespace, with the directives of its one server, such as "location / { return 200; }". It returns
// when it listens on the port.
func (g *Guest) Nginx(port int, server string) *Background {
	g.tb.Helper()
	nginx := g.Program("nginx")
	// It asks for its user by name.
	g.Put("/etc/passwd", 0o644, []byte("root:x:0:0:root:/:/bin/sh\n"))
	g.Put("/etc/group", 0o644, []byte("root:x:0:\n"))
	server = "\t\t" + strings.ReplaceAll(strings.TrimSpace(server), "\n", "\n\t\t")
	g.Put("/etc/nginx.conf", 0o644, fmt.Appendf(nil, nginxConfig, port, server))
	b := nginx.Start("-e", "stderr", "-c", "/etc/nginx.conf")
	b.awaitListening(port)
	return b
}

// Twin starts the user-space twin of kecho, and returns when it listens on the port. Without one it is told none, and listens on kecho's.
func (g *Guest) Twin(port int) *Background {
	g.tb.Helper()
	var args []string
	if port == 0 {
		port = Echo.Port()
	} else {
		args = []string{fmt.Sprint(port)}
	}
	b := g.Program(EchoTwin).Start(args...)
	b.awaitListening(port)
	return b
}

// awaitListening waits until somebody listens on the port; a program that does not come to that tells why.
func (b *Background) awaitListening(port int) {
	g := b.p.g
	g.tb.Helper()
	listens := false
	err := await(startDeadline, func() (bool, error) {
		answer, err := try(g, wire.ReadFile, wire.FileRequest{Netns: b.p.netns.name, Path: "/proc/net/tcp"})
		for _, p := range subject.Listening(string(answer.Data)) {
			listens = listens || p == port
		}
		return listens, err
	})
	switch {
	case err != nil:
		g.tb.Fatalf("wait for %s: %v", b.p.name, err)
	case !listens:
		g.tb.Fatalf("%s does not listen on port %d; it said: %s", b.p.name, port, b.Stop().said())
	}
}
