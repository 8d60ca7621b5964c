package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// startTimeout bounds a start whose context has no deadline. A warm start takes a fraction of a second; the first one
// on a machine downloads and runs initdb.
const startTimeout = 3 * time.Minute

// Config says which server to start. The zero value means the newest installed one.
type Config struct {
	// Major is the major version, onward.OldestMajor to onward.NewestMajor; 0 takes the newest that is installed.
	Major int
	// Bin is the directory that holds initdb and postgres; "" finds or downloads one.
	Bin string
	// URL is a running server to use instead: databases are made in it, and Stop drops them. Major, if given, must
	// be that server's. Bin, Dir and NoDownload have no meaning then.
	URL string
	// Settings are configuration parameters ("work_mem": "64MB") beside and over the defaults of throwaway servers.
	// With URL they are set on each new database.
	Settings map[string]string
	// Dir is where the server's private directory is made; "" is the system's temporary directory. The server's
	// account must be able to enter it, and to remove entries from it: as root, choose one like /tmp.
	Dir string
	// Small: little will be written, some hundred megabytes at most, so that the private directory may be in memory
	// where there is room. With Dir it has no meaning.
	Small bool
	// Logger receives what takes time (downloads, initdb) at Info and the rest at Debug; nil is silence.
	Logger *slog.Logger
	// NoDownload makes a missing installation an error instead of a download.
	NoDownload bool
	// Unconfined leaves out the wall around the server's processes. It is for tests of what else holds: a migration
	// that becomes superuser in such a server runs programs on this machine.
	Unconfined bool
	// Listen is an address of this machine on which the server listens for TCP, too, at port 5432: a test may take one
	// of 127.0.0.0/8 for itself. It needs Unconfined. With URL it has no meaning.
	Listen string

	abi    int    // for tests: act as if the kernel had this version of Landlock at the most
	memory uint64 // for tests: what one process may have; 0 is memoryOfOne
}

// Server is a running throwaway server, or the use of somebody else's (Config.URL). Its methods may be called
// concurrently.
type Server struct {
	install   Install
	cfg       Config
	databases atomic.Int64 // how many were made: their names are numbered

	external *external // nil unless Config.URL was given
	private  *private
	process  *process

	done     chan struct{} // closed when the server is no more
	stopping atomic.Bool
	stop     func() error // does the work of Stop once

	died atomic.Bool // the server ended although nobody asked it to
	gaps []string    // see Gaps
}

// Start starts a server and returns when it accepts connections. The context bounds the start only.
// The error is a [*MissingError] when there are no binaries, a [*ServerError] when the server did not come up.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if cfg.URL != "" {
		return startExternal(ctx, cfg)
	}
	c, err := resolve(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := c.start(ctx)
	return s, errors.Join(err, c.forgo())
}

// bounded gives a context without a deadline the one of a start.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, startTimeout)
}

// chosen is a configuration with the installation and the account that it comes to. Finding them asks every installed
// server for its version, so it is done once.
type chosen struct {
	Config
	install Install
	acct    account
	base    string                  // a cluster to begin with instead of what initdb makes
	copied  func(data string) error // what is to be done with its copy; nil for nothing

	// temporary takes the place of a cache that cannot be written; forgo removes it.
	temporary string
	forgo     func() error
}

func resolve(ctx context.Context, cfg Config) (*chosen, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	install, err := choose(ctx, cfg)
	if err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	return &chosen{Config: cfg, install: install, acct: acct, forgo: func() error { return nil }}, nil
}

func (c *chosen) start(ctx context.Context) (*Server, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, err := configFile(c.install.Major, "", c.Listen, c.Settings); err != nil {
		return nil, err
	}
	s, err := c.launch(ctx)
	if broken := new(ServerError); errors.As(err, &broken) && len(c.Settings) == 0 && c.base == "" && c.temporary == "" && ctx.Err() == nil {
		// With our own settings a server starts, unless the cached template was damaged (a cleaner went through the
		// cache directory, the disk was full). Make a new one, once.
		c.Logger.Info("making the initdb template anew", "version", c.install.Version, "because", err)
		if forgetErr := forgetTemplate(c.install, c.acct); forgetErr != nil {
			return nil, errors.Join(err, forgetErr)
		}
		s, err = c.launch(ctx)
	}
	return s, err
}

func choose(ctx context.Context, cfg Config) (Install, error) {
	if cfg.Bin == "" {
		return ensure(ctx, cfg.Major, cfg.NoDownload, cfg.Logger)
	}
	abs, err := filepath.Abs(cfg.Bin)
	if err != nil {
		return Install{}, err
	}
	bin, ok := binaries(abs)
	if !ok {
		return Install{}, fmt.Errorf("%s: no server binaries (initdb and postgres) in this directory", cfg.Bin)
	}
	install, err := inspect("configured", bin)
	if err == nil && cfg.Major != 0 && cfg.Major != install.Major {
		err = fmt.Errorf("%s: holds Postgres %s, wanted %d", cfg.Bin, install.Version, cfg.Major)
	}
	return install, err
}

// launch makes a private directory, puts a watchdog over it, fills it and starts the server.
func (c *chosen) launch(ctx context.Context) (*Server, error) {
	tmpl := c.base
	if tmpl == "" {
		var err error
		if tmpl, err = c.template(ctx); err != nil {
			return nil, err
		}
	}
	s := &Server{install: c.install, cfg: c.Config, done: make(chan struct{})}
	var err error
	dir := c.Dir
	if memory := memoryDir(); dir == "" && c.Small && memory != "" && c.acct.reach(memory) == nil {
		dir = memory
	}
	if s.private, err = newPrivate(dir, c.acct); err != nil {
		return nil, fmt.Errorf("make the server's directory: %w", err)
	}
	if err := s.guard(c.acct); err != nil {
		return nil, errors.Join(err, s.private.remove())
	}
	s.stop = sync.OnceValue(s.shutdown)
	if err = s.fill(ctx, tmpl, c.acct); err == nil && c.copied != nil {
		err = c.copied(s.data())
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	begun := time.Now()
	s.gaps, err = s.process.begin(command{
		install: c.install, acct: c.acct, data: s.data(), sockets: s.private.sockets, unconfined: c.Unconfined, abi: c.abi,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres %s: %w", c.install.Version, err), s.Stop())
	}
	go s.attend()
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.process.settle()
	c.Logger.Debug("Postgres started", "version", c.install.Version, "bin", c.install.Bin, "dir", s.private.dir, "start", time.Since(begun))
	return s, nil
}

// guard puts a watchdog over the private directory. The lock is free when both this process and it are gone.
func (s *Server) guard(acct account) (err error) {
	if s.process, err = watch(acct, s.private); err != nil {
		return err
	}
	s.process.memory = s.cfg.memory
	s.private.maker.done()
	return nil
}

// fill makes the data directory.
func (s *Server) fill(ctx context.Context, tmpl string, acct account) error {
	conf, err := configFile(s.install.Major, s.private.sockets, s.cfg.Listen, s.cfg.Settings)
	if err != nil {
		return err
	}
	if err := copyTree(ctx, tmpl, s.data(), acct); err != nil {
		return fmt.Errorf("copy the template of Postgres %s: %w", s.install.Version, err)
	}
	return os.WriteFile(filepath.Join(s.data(), "postgresql.conf"), []byte(conf), 0o600)
}

func (s *Server) data() string { return filepath.Join(s.private.dir, "data") }

// attend notices when the server is gone, and lets the watchdog clean up.
func (s *Server) attend() {
	s.process.waitGone()
	asked := s.stopping.Load()
	s.died.Store(!asked)
	close(s.done)
	if !asked {
		s.cfg.Logger.Debug("Postgres ended by itself", "version", s.install.Version)
		_ = s.Stop() // the directory has no use any more; further calls of Stop return the same error
	}
}

// waitReady polls the file by which the server tells its state, as pg_ctl does: line 8 says "ready".
func (s *Server) waitReady(ctx context.Context) error {
	what := fmt.Sprintf("Postgres %s did not start", s.install.Version)
	for {
		status, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if lines := strings.Split(string(status), "\n"); err == nil && len(lines) > 7 && strings.HasPrefix(lines[7], "ready") {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-s.done:
			return &ServerError{What: what, Log: s.Log()}
		case <-ctx.Done():
			return &ServerError{What: what + " in time", Log: s.Log(), Err: ctx.Err()}
		}
	}
}

// Stop shuts the server down at once, without saving anything, and removes all that it left. With Config.URL it drops
// the databases that were made. Further calls return the first one's result.
func (s *Server) Stop() error { return s.stop() }

func (s *Server) shutdown() error {
	s.stopping.Store(true)
	err := s.process.end()
	// What the watchdog was not allowed to remove (see Config.Dir), this process may be.
	err = errors.Join(err, s.private.remove())
	if err != nil {
		return fmt.Errorf("stop Postgres %s: %w", s.install.Version, err)
	}
	return nil
}

// Err is nil while the server runs and after Stop; it is a [*ServerError] with the end of the server's log when the
// server died by itself, which is what lost connections are due to then.
func (s *Server) Err() error {
	if !s.died.Load() {
		return nil
	}
	return &ServerError{What: fmt.Sprintf("Postgres %s died", s.install.Version), Log: s.Log()}
}

// URL is a connection string for one of the server's databases, for pgx and for libpq.
func (s *Server) URL(db string) string {
	if s.external != nil {
		return s.external.url(db)
	}
	u := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Path: "/" + db,
		RawQuery: url.Values{"host": {s.private.sockets}, "port": {socketPort}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// URLAs is URL for another role. With Config.URL it is URL: whoever was given there is who connects.
func (s *Server) URLAs(role, db string) string {
	if s.external != nil {
		return s.external.url(db)
	}
	u, err := url.Parse(s.URL(db))
	if err != nil { // it was put together by URL
		panic(err)
	}
	u.User = url.User(role)
	return u.String()
}

// Major is the server's major version, 17.
func (s *Server) Major() int { return s.install.Major }

// Version is the server's version as it says it itself, "17.5".
func (s *Server) Version() string { return s.install.Version }

// Install tells which binaries run; with Config.URL only the version is known.
func (s *Server) Install() Install { return s.install }

// Log is the tail of the server's log, at most 16 KB of whole lines, also after the server ended: what the server has
// said before somebody heard of a statement's end is in it. It is empty with Config.URL.
func (s *Server) Log() string {
	if s.external != nil {
		return ""
	}
	return s.process.log.last(16 << 10)
}

// Gaps says what the wall around the server's processes does not hold on this machine, a sentence each; none when a
// migration that has become superuser in the server can do nothing outside it. Nobody has put a wall around a
// server of Config.URL, nor with Config.Unconfined: there is nothing to say of them.
func (s *Server) Gaps() []string { return s.gaps }

// Bounds says which bounds of the server were met until now, a sentence each.
func (s *Server) Bounds() []string {
	if s.external != nil {
		return nil
	}
	return s.process.log.met(s.process.memory)
}
