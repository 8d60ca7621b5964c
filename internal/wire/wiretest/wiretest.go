// Package wiretest puts a proxy in front of the servers of tests.
package wiretest

import (
	"context"
	"testing"

	"github.com/onward-sql/onward/internal/wire"
)

// ListenInFront starts a proxy in front of a server, which ends with the test. Its address has a host and a port: some
// tools know no sockets. Server of the settings is set here.
func ListenInFront(t testing.TB, url string, c wire.Config) *wire.Proxy {
	t.Helper()
	server, err := wire.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	c.Server = server
	proxy, err := wire.Listen(context.WithoutCancel(t.Context()), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return proxy
}
