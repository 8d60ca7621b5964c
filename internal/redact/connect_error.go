package redact

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectError returns the driver's error for a failed connection as one sentence, which begins with the reason. The driver tries each address
// with TLS and without, and lists all attempts. Other errors stay as they are.
func ConnectError(err error) error {
	failed := new(pgconn.ConnectError)
	if !errors.As(err, &failed) {
		return err
	}
	return &connectError{err, failed}
}

type connectError struct {
	error
	failed *pgconn.ConnectError
}

func (e *connectError) Unwrap() error { return e.error }

// Error names each reason once. That a server has no TLS is a reason only if there is no other one.
func (e *connectError) Error() string {
	var reasons, withoutTLS []string
	for _, attempt := range listAttempts(e.failed.Unwrap()) {
		reason := connectReason(attempt)
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	for _, reason := range reasons {
		if !strings.Contains(reason, "server refused TLS connection") {
			withoutTLS = append(withoutTLS, reason)
		}
	}
	if len(withoutTLS) > 0 {
		reasons = withoutTLS
	}
	c := e.failed.Config
	return fmt.Sprintf("%s (user %s, database %s)", strings.Join(reasons, "; "), c.User, c.Database)
}

// listAttempts returns the errors of all attempts.
func listAttempts(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, attempt := range list.Unwrap() {
			out = append(out, listAttempts(attempt)...)
		}
		return out
	}
	return []error{err}
}

// connectReason returns why an attempt failed, with the server's address.
func connectReason(err error) string {
	if unknown := new(net.DNSError); errors.As(err, &unknown) {
		return unknown.Error()
	}
	server, rest, ok := strings.Cut(err.Error(), " (")
	if !ok { // no server was dialed
		return err.Error()
	}
	_, text, _ := strings.Cut(rest, "): ")
	for _, prefix := range []string{"dial error: ", "server error: ", "tls error: ", "dial error: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if op := new(net.OpError); errors.As(err, &op) && op.Op == "dial" {
		text = strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return text + " at " + server
}
