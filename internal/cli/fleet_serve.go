package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/fleet/serve"
)

// serveFlags are the flags of onward fleet serve.
type serveFlags struct {
	queue, targets, db, waves, listen, public string
	token, header                             string
	proxies                                   []string
	interval                                  time.Duration
	changes                                   bool
}

// Defaults and limits of the page.
const (
	defaultPage   = "127.0.0.1:9188"
	defaultReads  = 2 * time.Second
	serveSessions = 4                // to the queue
	serveEnd      = 15 * time.Second // after a signal
)

func (a *app) newFleetServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve --targets SOURCE | --queue ADDRESS",
		Short: "a live page with releases, waves, targets and steps",
		Long: `Serves a page that shows how far releases are: the waves, the targets with the reason if they
wait or failed, and the steps of each. It reads the ledgers of the targets; with --queue it reads
the queue database, and the ledgers of the targets that are at work. It reads once for all
readers, and only while somebody looks.

The page changes nothing. With --allow-changes and a login it has buttons: pause, resume, try
again, and skip with a reason. Other machines can connect only with a login: --token, or --proxy-header from
the address of a proxy that has logged the user in.

Exit code: 0 it was asked to end; 2 usage or input; 3 it cannot listen, or the queue cannot be used.`,
		Example: `  onward fleet serve --targets 'schemas:tenant_*' --db env:DATABASE_URL
  onward fleet serve --queue env:QUEUE_URL --targets targets.txt --allow-changes --token env:PAGE_TOKEN
  onward fleet serve --targets targets.txt --listen 0.0.0.0:9188 --token env:PAGE_TOKEN --public-url https://fleet.example.org`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveFleet(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.targets, "targets", "", "the `targets`: schemas:PATTERN or query:SQL on --db, a file, or a directory")
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it, for schemas: and query:")
	flags.StringVar(&f.queue, "queue", "", "`address` of the queue database, @FILE or env:NAME that hold it")
	flags.StringVar(&f.waves, "waves", fleet.DefaultWaves, "the `parts` that have the release after each wave, as they were given before; a queue knows them")
	flags.StringVar(&f.listen, "listen", defaultPage, "`HOST:PORT` of the page; another host than this machine needs a login")
	flags.DurationVar(&f.interval, "interval", defaultReads, "the `time` between two reads, while somebody looks")
	flags.BoolVar(&f.changes, "allow-changes", false, "buttons: pause, resume, try again, and skip with a reason; needs a login")
	flags.StringVar(&f.token, "token", "", "readers log in with this secret: `@FILE or env:NAME` that hold it")
	flags.StringVar(&f.header, "proxy-header", "", "the `header` in which a proxy names the user that it has logged in")
	flags.StringArrayVar(&f.proxies, "proxy-from", nil, "with --proxy-header: the `address` of the proxy, or its network (repeatable)")
	flags.StringVar(&f.public, "public-url", "", "the `address` that browsers use, if a proxy is in between: https://fleet.example.org")
	return cmd
}

// serveFleet serves the page until the process gets a signal.
func (a *app) serveFleet(ctx context.Context, f *serveFlags) error {
	c, err := a.serveConfig(f)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return newUsageError("--listen: %v", err)
	}
	defer func() { _ = listener.Close() }()
	tcpAddr, ok := listener.Addr().(*net.TCPAddr)
	c.Access.Loopback = ok && tcpAddr.IP.IsLoopback()
	if f.queue != "" {
		queue, err := a.queueAddress(f.queue)
		if err != nil {
			return err
		}
		open := queuedb.OpenReader
		if f.changes {
			open = queuedb.Open
		}
		if c.Queue, err = open(ctx, queue, serveSessions, c.Logger); err != nil {
			return err
		}
		defer c.Queue.Close()
	}
	s, err := serve.New(c)
	if err != nil {
		return err
	}
	a.patience.Store(int64(serveEnd)) // Run ends by itself
	if a.collector != nil {
		a.collector.stopPacing()
	}
	address := "http://" + listener.Addr().String() + "/"
	if f.public != "" {
		address = f.public
	}
	a.printNote("the page is at %s", address)
	return s.Run(ctx, listener)
}

// serveConfig reads the flags.
func (a *app) serveConfig(f *serveFlags) (c serve.Config, err error) {
	switch {
	case f.queue == "" && f.targets == "":
		return c, newUsageError("--targets or --queue is missing: name the list of targets, or the queue")
	case f.changes && f.targets == "":
		return c, newUsageError("--allow-changes needs --targets: changes are rows in the ledgers of the targets")
	case f.changes && f.token == "" && f.header == "":
		return c, newUsageError("--allow-changes needs a login, because everybody with an account on this machine can open the page: --token or --proxy-header")
	case f.interval < leastWatch:
		return c, newUsageError("--interval %s: the least is %s", f.interval, leastWatch)
	}
	c = serve.Config{
		Interval: f.interval, Changes: f.changes, Who: apply.ProcessName("fleet serve"), Logger: slog.New(slog.NewJSONHandler(a.err, nil)),
	}
	if c.Waves, err = fleet.ParseWaves(f.waves); err != nil {
		return c, err
	}
	if f.targets != "" {
		source, err := a.newTargetSource(f.targets, f.db)
		if err != nil {
			return c, err
		}
		c.List = &fleet.TargetList{
			Fresh: source.NeedsDatabase(), List: func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, source) },
		}
	}
	return c, a.readAccess(f, &c.Access)
}

// readAccess reads the flags of the login.
func (a *app) readAccess(f *serveFlags, out *serve.Access) (err error) {
	if f.token != "" {
		if !strings.HasPrefix(f.token, "@") && !strings.HasPrefix(f.token, "env:") {
			return newUsageError("--token is @FILE or env:NAME: a token in the command would be in the list of processes")
		}
		if out.Token, err = a.readSecret("the token", f.token); err != nil {
			return err
		}
	}
	if out.Header = f.header; f.header == "" && len(f.proxies) > 0 {
		return newUsageError("--proxy-from is for --proxy-header")
	}
	if f.header != "" && len(f.proxies) == 0 {
		return newUsageError("--proxy-from is missing: only the proxy may name users, so name its address")
	}
	for _, text := range f.proxies {
		p, err := netip.ParsePrefix(text)
		if addr, wrong := netip.ParseAddr(text); wrong == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return newUsageError("--proxy-from %s: write an address such as 10.0.0.5, or a network such as 10.0.0.0/24", text)
		}
		out.Trusted = append(out.Trusted, p)
	}
	if f.public != "" {
		if out.Public, err = parsePublicURL(f.public); err != nil {
			return newUsageError("--public-url %s: %v", f.public, err)
		}
	}
	return nil
}

// parsePublicURL reads the address that browsers use.
func parsePublicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it is no address such as https://fleet.example.org")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil:
		return nil, errors.New("write https://HOST or http://HOST")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return nil, errors.New("the page is at the root of a host, so leave out the path")
	}
	return u, nil
}
