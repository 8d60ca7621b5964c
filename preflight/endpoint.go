package preflight

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/dbchecks"
)

// endpoint is an address whose certificates are checked: --tls db.example.com:5432.
type endpoint struct{ name, host, port string }

// parseEndpoints parses the endpoints.
func parseEndpoints(names []string) ([]endpoint, error) {
	var out []endpoint
	for _, name := range names {
		host, port, err := net.SplitHostPort(name)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || host == "" {
			return nil, &config.InputError{Err: fmt.Errorf("the endpoint %q is none: write HOST:PORT, such as db.example.com:5432 or [::1]:6432", name)}
		}
		out = append(out, endpoint{name, host, port})
	}
	return out, nil
}

// patience limits each attempt to get a certificate.
const patience = 5 * time.Second

// readCertificates gets the certificates of an endpoint: in Postgres' way, after an SSLRequest in
// plain text, or as with any other protocol, at once. For the usual ports of Postgres,
// its way is tried first; for all others, the second.
func readCertificates(ctx context.Context, target endpoint, now time.Time) dbchecks.Endpoint {
	e := dbchecks.Endpoint{Name: target.name, Asked: true}
	ways := []func(context.Context, net.Conn) error{nil, startTLS}
	if target.port == "5432" || target.port == "6432" || target.port == "5433" {
		ways[0], ways[1] = ways[1], ways[0]
	}
	var failed []error
	for _, way := range ways {
		state, err := handshakeTLS(ctx, target, way)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		e.Certificates = state.PeerCertificates
		e.Untrusted = verifyChain(e.Certificates, target.host, now)
		return e
	}
	e.Why = "it cannot be reached over TLS: " + errors.Join(failed...).Error()
	var dial *net.OpError
	if errors.As(failed[0], &dial) && dial.Op == "dial" {
		e.Why = "it cannot be reached: " + failed[0].Error()
	}
	return e
}

// handshakeTLS does a TLS handshake with an endpoint, and closes the connection.
func handshakeTLS(ctx context.Context, target endpoint, before func(context.Context, net.Conn) error) (*tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(target.host, target.port))
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // nothing is lost with it
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // a connection without one still ends with the context
	}
	if before != nil {
		if err := before(ctx, c); err != nil {
			return nil, err
		}
	}
	// The certificate is read without verification; another check decides whether it is
	// trusted. A server may show its certificate and then refuse a client that has none.
	var state tls.ConnectionState
	t := tls.Client(c, &tls.Config{
		ServerName: target.host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10,
		NextProtos:       []string{"postgresql", "h2", "http/1.1"},
		VerifyConnection: func(s tls.ConnectionState) error { state = s; return nil },
	})
	if err := t.HandshakeContext(ctx); err != nil && len(state.PeerCertificates) == 0 {
		return nil, err
	}
	return &state, nil
}

// startTLS sends Postgres' SSLRequest.
func startTLS(_ context.Context, c net.Conn) error {
	request := make([]byte, 8)
	binary.BigEndian.PutUint32(request, 8)
	binary.BigEndian.PutUint32(request[4:], 80877103) // SSLRequest
	if _, err := c.Write(request); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		return fmt.Errorf("it does not answer as Postgres does: %w", err)
	}
	if answer[0] != 'S' {
		return errors.New("it offers no TLS")
	}
	return nil
}
