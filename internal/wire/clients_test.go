package wire_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sockets"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// Where the server asks for no password, a client is let in if its process is known, its account is named, or it has the password of the run.
func TestClients(t *testing.T) {
	t.Parallel()
	if !sockets.IsSupported {
		component.Need(t, component.System, errors.New("this system does not tell which process holds a connection"))
	}
	server, err := wire.ParseServer(pgservertest.Server(t, onward.NewestMajor).URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	ownProcess := func() []int { return []int{os.Getpid()} }
	otherProcess := func() []int { return []int{other.Process.Pid} }
	for name, c := range map[string]struct {
		users    []uint32
		list     func() []int
		password string // PASSWORD is the run's
		options  string
		want     string
	}{
		"a process of the command":     {list: ownProcess},
		"another process":              {list: otherProcess, want: "28P01"},
		"with the password":            {list: otherProcess, password: "PASSWORD"},
		"with a wrong one":             {list: otherProcess, password: "PASSWORDx", want: "28P01"},
		"with an empty one":            {list: otherProcess, password: "", want: "28P01"},
		"an account":                   {list: otherProcess, users: []uint32{uint32(os.Geteuid())}},
		"another account":              {list: otherProcess, users: []uint32{4711}, want: "28P01"},
		"before the command is known":  {want: "28P01"},
		"with options of the protocol": {list: otherProcess, options: "&_pq_.x=1", want: "28P01"},
	} {
		for _, listen := range []string{"127.0.0.1:0", "unix:" + t.TempDir()} {
			clients := wire.NewClients(c.users)
			if c.list != nil {
				clients.LetIn(c.list)
			}
			proxy, err := wire.Listen(t.Context(), wire.Config{Listen: listen, Server: server, Clients: clients, Grace: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			url := "postgres://postgres@/postgres?sslmode=disable&host=" + proxy.Host() + "&port=" + proxy.Port() + c.options
			if password := strings.ReplaceAll(c.password, "PASSWORD", clients.Password()); password != "" {
				url += "&password=" + password
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			conn, err := pgx.Connect(ctx, url)
			cancel()
			if got := err == nil; got != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %q", name, listen, err, c.want)
			}
			if err == nil {
				_ = conn.Close(t.Context())
			}
			if err := proxy.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	// A client that says nothing is not let in, and does not hold up the end.
	clients := wire.NewClients(nil)
	clients.LetIn(otherProcess)
	proxy, err := wire.Listen(t.Context(), wire.Config{Server: server, Clients: clients, Grace: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", proxy.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := proxy.Close(); err != nil {
		t.Error(err)
	}
}
