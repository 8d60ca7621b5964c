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

// startTimeout limits a start whose context has no deadline. A warm start takes a fraction of a second; the first one
// on a machine downloads and runs initdb.
const startTimeout = 3 * time.Minute

// Config says which server to start. The zero value means the newest installed one.
type Config struct {
	// Major is the major version, onward.OldestMajor to onward.PreviewMajor; 0 is the newest installed one.
	Major int
	// Bin is the directory with initdb and postgres; "" finds or downloads one.
	Bin string
	// URL is a running server to use instead: databases are created on it, and Stop drops them. Major, if given, must
	// be its version. Bin, Dir and NoDownload have no effect then.
	URL string
	// Settings are configuration parameters ("work_mem": "64MB") that add to and override the defaults of throwaway
	// servers. With URL they are set on each new database.
	Settings map[string]string
	// Dir is where the server's private directory is created; "" is the system's temporary directory. The server's
	// account must be able to enter it, and to remove entries from it: as root, choose one like /tmp.
	Dir string
	// Small: at most some hundred megabytes will be written, so the private directory may be in memory if there is
	// space. With Dir it has no effect.
	Small bool
	// Logger gets slow operations (downloads, initdb) at Info and the rest at Debug; nil for none.
	Logger *slog.Logger
	// NoDownload makes a missing installation an error instead of a download.
	NoDownload bool
	// Unconfined disables the restrictions of the server's processes. It is for tests of other protections: a
	// migration that becomes superuser in such a server can run programs on this machine.
	Unconfined bool
	// Listen is an address of this machine on which the server also listens for TCP, at port 5432. A test may use an
	// address of 127.0.0.0/8 for itself. It needs Unconfined. With URL it has no effect.
	Listen string

	abi    int    // for tests: use at most this version of Landlock
	memory uint64 // for tests: the memory limit of one process; 0 is memoryLimitPerProcess
}

// Server is a running throwaway server, or the use of the user's server (Config.URL). Its methods may be called
// concurrently.
type Server struct {
	install   Install
	cfg       Config
	databases atomic.Int64 // how many were created: their names are numbered

	external *external // nil unless Config.URL was given
	private  *privateDir
	process  *process

	done     chan struct{} // closed when the server has ended
	stopping atomic.Bool
	stop     func() error // does the work of Stop once

	died atomic.Bool // the server ended unexpectedly
	gaps []string    // see Gaps
}

// Start starts a server and returns when it accepts connections. The context limits the start only. The error is a
// [*MissingError] if there are no binaries, a [*ServerError] if the server did not start.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := withStartTimeout(ctx)
	defer cancel()
	if cfg.URL != "" {
		return startExternal(ctx, cfg)
	}
	c, err := resolveConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := c.startWithRetry(ctx)
	return s, errors.Join(err, c.removeTemporary())
}

// withStartTimeout adds the deadline of a start to a context without one.
func withStartTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, hasDeadline := ctx.Deadline(); hasDeadline {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, startTimeout)
}

// resolvedConfig is a configuration with its installation and account. Finding them runs every installed server to get its
// version, so it is done once.
type resolvedConfig struct {
	Config
	install   Install
	acct      account
	base      string                  // a cluster to start from instead of initdb's
	afterCopy func(data string) error // called for its copy; nil for nothing

	// temporary replaces a cache that cannot be written; forgo removes it.
	temporary       string
	removeTemporary func() error
}

func resolveConfig(ctx context.Context, cfg Config) (*resolvedConfig, error) {
	ctx, cancel := withStartTimeout(ctx)
	defer cancel()
	install, err := chooseInstall(ctx, cfg)
	if err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	return &resolvedConfig{Config: cfg, install: install, acct: acct, removeTemporary: func() error { return nil }}, nil
}

func (c *resolvedConfig) startWithRetry(ctx context.Context) (*Server, error) {
	ctx, cancel := withStartTimeout(ctx)
	defer cancel()
	if _, err := formatConfigFile(c.install.Major, "", c.Listen, c.Settings); err != nil {
		return nil, err
	}
	s, err := c.launchServer(ctx)
	if broken := new(ServerError); errors.As(err, &broken) && len(c.Settings) == 0 && c.base == "" && c.temporary == "" && ctx.Err() == nil {
		// With onward's own settings a server starts, unless the cached template is damaged (something cleaned up the
		// cache directory, or the disk was full). Create a new one, once.
		c.Logger.Info("making the initdb template anew", "version", c.install.Version, "because", err)
		if forgetErr := deleteTemplate(c.install, c.acct); forgetErr != nil {
			return nil, errors.Join(err, forgetErr)
		}
		s, err = c.launchServer(ctx)
	}
	return s, err
}

func chooseInstall(ctx context.Context, cfg Config) (Install, error) {
	if cfg.Bin == "" {
		return ensureInstall(ctx, cfg.Major, cfg.NoDownload, cfg.Logger)
	}
	abs, err := filepath.Abs(cfg.Bin)
	if err != nil {
		return Install{}, err
	}
	bin, ok := findBinaries(abs)
	if !ok {
		return Install{}, fmt.Errorf("%s: no server binaries (initdb and postgres) in this directory", cfg.Bin)
	}
	install, err := inspectInstall("configured", bin)
	if err == nil && cfg.Major != 0 && cfg.Major != install.Major {
		err = fmt.Errorf("%s: holds Postgres %s, wanted %d", cfg.Bin, install.Version, cfg.Major)
	}
	return install, err
}

// launchServer creates a private directory, starts its watchdog, fills it and starts the server.
func (c *resolvedConfig) launchServer(ctx context.Context) (*Server, error) {
	tmpl := c.base
	if tmpl == "" {
		var err error
		if tmpl, err = c.ensureInitdbTemplate(ctx); err != nil {
			return nil, err
		}
	}
	s := &Server{install: c.install, cfg: c.Config, done: make(chan struct{})}
	var err error
	dir := c.Dir
	if memory := memoryDir(); dir == "" && c.Small && memory != "" && c.acct.checkAccess(memory) == nil {
		dir = memory
	}
	if s.private, err = newPrivate(dir, c.acct); err != nil {
		return nil, fmt.Errorf("make the server's directory: %w", err)
	}
	if err := s.startWatchdog(c.acct); err != nil {
		return nil, errors.Join(err, s.private.removeDirs())
	}
	s.stop = sync.OnceValue(s.stopServer)
	if err = s.fillDataDir(ctx, tmpl, c.acct); err == nil && c.afterCopy != nil {
		err = c.afterCopy(s.dataDir())
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	start := time.Now()
	s.gaps, err = s.process.startServer(command{
		install: c.install, acct: c.acct, data: s.dataDir(), sockets: s.private.sockets, unconfined: c.Unconfined, abi: c.abi,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres %s: %w", c.install.Version, err), s.Stop())
	}
	go s.awaitEnd()
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.process.finishStart()
	c.Logger.Debug("Postgres started", "version", c.install.Version, "bin", c.install.Bin, "dir", s.private.dir, "start", time.Since(start))
	return s, nil
}

// startWatchdog starts a watchdog for the private directory. The lock is free when both this process and the watchdog are
// gone.
func (s *Server) startWatchdog(acct account) (err error) {
	if s.process, err = launchWatchdog(acct, s.private); err != nil {
		return err
	}
	s.process.memory = s.cfg.memory
	s.private.maker.keepDirs()
	return nil
}

// fillDataDir creates the data directory.
func (s *Server) fillDataDir(ctx context.Context, tmpl string, acct account) error {
	conf, err := formatConfigFile(s.install.Major, s.private.sockets, s.cfg.Listen, s.cfg.Settings)
	if err != nil {
		return err
	}
	if err := copyTree(ctx, tmpl, s.dataDir(), acct); err != nil {
		return fmt.Errorf("copy the template of Postgres %s: %w", s.install.Version, err)
	}
	return os.WriteFile(filepath.Join(s.dataDir(), "postgresql.conf"), []byte(conf), 0o600)
}

func (s *Server) dataDir() string { return filepath.Join(s.private.dir, "data") }

// awaitEnd waits for the server's end, and lets the watchdog clean up.
func (s *Server) awaitEnd() {
	s.process.waitForEnd()
	asked := s.stopping.Load()
	s.died.Store(!asked)
	close(s.done)
	if !asked {
		s.cfg.Logger.Debug("Postgres ended by itself", "version", s.install.Version)
		_ = s.Stop() // the directory is not needed any more; further calls of Stop return the same error
	}
}

// waitReady polls the file with the server's state, as pg_ctl does: line 8 is "ready".
func (s *Server) waitReady(ctx context.Context) error {
	failure := fmt.Sprintf("Postgres %s did not start", s.install.Version)
	for {
		status, err := os.ReadFile(filepath.Join(s.dataDir(), "postmaster.pid"))
		if lines := strings.Split(string(status), "\n"); err == nil && len(lines) > 7 && strings.HasPrefix(lines[7], "ready") {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-s.done:
			return &ServerError{What: failure, Log: s.Log()}
		case <-ctx.Done():
			return &ServerError{What: failure + " in time", Log: s.Log(), Err: ctx.Err()}
		}
	}
}

// Stop shuts the server down immediately, without saving anything, and removes everything that it left. With
// Config.URL it drops the databases that were created. Further calls return the first one's result.
func (s *Server) Stop() error { return s.stop() }

func (s *Server) stopServer() error {
	s.stopping.Store(true)
	err := s.process.endServer()
	// This process may have the right to remove what the watchdog could not (see Config.Dir).
	err = errors.Join(err, s.private.removeDirs())
	if err != nil {
		return fmt.Errorf("stop Postgres %s: %w", s.install.Version, err)
	}
	return nil
}

// Err is nil while the server runs and after Stop. If the server crashed it is a [*ServerError] with the end of the
// server's log, which explains lost connections.
func (s *Server) Err() error {
	if !s.died.Load() {
		return nil
	}
	return &ServerError{What: fmt.Sprintf("Postgres %s died", s.install.Version), Log: s.Log()}
}

// URL returns a connection string for one of the server's databases, for pgx and for libpq.
func (s *Server) URL(db string) string {
	if s.external != nil {
		return s.external.databaseURL(db)
	}
	u := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Path: "/" + db,
		RawQuery: url.Values{"host": {s.private.sockets}, "port": {socketPort}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// URLAs is URL for another role. With Config.URL it is URL: the role of the address connects.
func (s *Server) URLAs(role, db string) string {
	if s.external != nil {
		return s.external.databaseURL(db)
	}
	u, err := url.Parse(s.URL(db))
	if err != nil { // URL built it
		panic(err)
	}
	u.User = url.User(role)
	return u.String()
}

// Major returns the server's major version, 17.
func (s *Server) Major() int { return s.install.Major }

// Version returns the server's version as it reports it, "17.5".
func (s *Server) Version() string { return s.install.Version }

// Install returns the binaries that run; with Config.URL only the version is known.
func (s *Server) Install() Install { return s.install }

// Log returns the tail of the server's log, at most 16 KB of whole lines, also after the server ended. It includes
// everything that the server wrote before a statement's result arrived. It is empty with Config.URL.
func (s *Server) Log() string {
	if s.external != nil {
		return ""
	}
	return s.process.log.lastLines(16 << 10)
}

// Gaps lists which restrictions of the server's processes do not work on this machine, a sentence each. It is empty
// if a migration that has become superuser in the server can do nothing outside of it. It is also empty with
// Config.URL or Config.Unconfined, where there are no restrictions.
func (s *Server) Gaps() []string { return s.gaps }

// Bounds lists which limits the server has reached so far, a sentence each.
func (s *Server) Bounds() []string {
	if s.external != nil {
		return nil
	}
	return s.process.log.listReachedLimits(s.process.memory)
}
